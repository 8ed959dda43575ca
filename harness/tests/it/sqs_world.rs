//! A stack with queues, for the tests of SQS. They move its clock.

use std::time::Duration;

use harness::{
    dynamodb::{Choice, Engine},
    event_source::{EventSources, Services},
    faults::Faults,
    gateway::clock::Clock,
    iam::{Access, Credentials, Service, Signatures},
    sqs::{Counts, Queues, SqsApi},
    stack::{EventSource, EventSourceMapping, Queue, QueueSource, Redrive, Stack},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    access::{allow, function, send_signed, stack},
    event_sources_world::{mapping, queue},
    gateway::{Functions, PATIENCE, http},
};

pub const JOBS: &str = "arn:aws:sqs:us-east-1:123456789012:Jobs";

/// Serves queues for the callers of a stack. Returns the API with its URL.
pub async fn open(queues: &Queues, stack: &Stack) -> (SqsApi, String) {
    let (api, url, _) = open_for(queues, stack).await;
    (api, url)
}

async fn open_for(queues: &Queues, stack: &Stack) -> (SqsApi, String, Access) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let access = Access::from_stack(stack, Signatures::Verified);
    let api = SqsApi::open(
        vec![listener],
        url.clone(),
        queues.clone(),
        access.clone(),
        Faults::default(),
    );
    (api, url, access)
}

/// Calls an operation with a signature. Returns the status and the body.
pub async fn call(
    credentials: &Credentials,
    url: &str,
    operation: &str,
    body: Value,
) -> (u16, Value) {
    let request = http()
        .post(url)
        .header("x-amz-target", format!("AmazonSQS.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string());
    let response = send_signed(credentials, Service::Sqs, request).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Calls an operation as the administrator. It must succeed.
pub async fn administer(url: &str, operation: &str, body: Value) -> Value {
    let administrator = Credentials::administrator();
    let (status, answer) = call(&administrator, url, operation, body).await;
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

/// A stack with the queue `Jobs`, whose messages move to `Dead` after two receives.
pub struct World {
    pub stack: Stack,
    pub queues: Queues,
    pub clock: Clock,
    _api: SqsApi,
    pub access: Access,
    pub url: String,
}

impl World {
    pub async fn with(change: impl FnOnce(&mut Queue)) -> Self {
        let mut jobs = Queue {
            redrive: Some(Redrive {
                dead_letter_queue: "Dead".to_owned(),
                most_receives: 2,
            }),
            ..queue("Jobs")
        };
        change(&mut jobs);
        let mut stack = stack([
            function("Notify", &[]),
            function("Send", &[allow("sqs:SendMessage", JOBS)]),
        ]);
        stack.queues = vec![jobs, queue("Dead")];
        let clock = Clock::default();
        let queues = Queues::new(&stack.queues, clock.clone());
        let (api, url, access) = open_for(&queues, &stack).await;
        Self {
            stack,
            queues,
            clock,
            _api: api,
            access,
            url,
        }
    }

    pub async fn call(&self, operation: &str, queue: &str, body: Value) -> Value {
        administer(&self.url, operation, self.body(queue, body)).await
    }

    /// Calls an operation that must fail. Returns the type of the error.
    pub async fn refused(&self, operation: &str, queue: &str, body: Value) -> String {
        let administrator = Credentials::administrator();
        let body = self.body(queue, body);
        let (status, answer) = call(&administrator, &self.url, operation, body).await;
        assert_eq!(status, 400, "{operation}: {answer}");
        let kind = answer["__type"].as_str().unwrap();
        kind.rsplit('#').next().unwrap().to_owned()
    }

    pub fn body(&self, queue: &str, mut body: Value) -> Value {
        body["QueueUrl"] = format!("{}/123456789012/{queue}", self.url).into();
        body
    }

    pub async fn send(&self, body: &str) {
        self.call("SendMessage", "Jobs", json!({ "MessageBody": body }))
            .await;
    }

    /// Receives what is visible.
    pub async fn receive(&self, queue: &str) -> Vec<Value> {
        let most = json!({ "MaxNumberOfMessages": 10, "AttributeNames": ["All"] });
        let received = self.call("ReceiveMessage", queue, most).await;
        received["Messages"].as_array().cloned().unwrap_or_default()
    }

    pub fn ahead(&self, seconds: u64) {
        let ahead = self.clock.ahead() + Duration::from_secs(seconds);
        self.clock.set_ahead(ahead).unwrap();
    }

    pub fn counts(&self, queue: &str) -> Counts {
        self.queues.counts(queue).unwrap()
    }

    /// Starts a mapping of the queue `Jobs`.
    pub async fn map(
        &mut self,
        change: impl FnOnce(&mut EventSourceMapping),
        functions: Functions,
    ) -> (watch::Sender<bool>, JoinHandle<()>) {
        let mut settings = mapping(EventSource::Queue(QueueSource {
            queue: "Jobs".to_owned(),
            most_concurrent: None,
        }));
        settings.batch_size = 10;
        change(&mut settings);
        self.stack.event_sources = vec![settings];
        let engine = Engine::start(Choice::Embedded, None).await.unwrap();
        let services = Services {
            streams: engine.streams(),
            queues: self.queues.clone(),
            clock: self.clock.clone(),
            faults: Faults::new(self.clock.clone()),
        };
        let sources = EventSources::open(&self.stack, services).await.unwrap();
        let (close, closed) = watch::channel(false);
        (close, tokio::spawn(sources.run(functions, closed)))
    }

    /// Waits until a queue has these counts.
    pub async fn settled(&self, queue: &str, expected: Counts) {
        let settled = async {
            while self.counts(queue) != expected {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let counts = || self.counts(queue);
        let settled = tokio::time::timeout(PATIENCE, settled).await;
        assert!(settled.is_ok(), "{:?}", counts());
    }
}

//! A table with a stream and its mapping, for the tests of event source mappings.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use harness::{
    dynamodb::{Choice, Engine, Proxy, create_tables},
    event_source::{EventSources, Services},
    faults::{Faults, Plan, Progress},
    gateway::clock::Clock,
    iam::Credentials,
    invoke::{InvokeError, Outcome},
    sqs::Queues,
    stack::{EventSource, EventSourceMapping, Queue, Stack, StartingPosition, StreamSource},
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    access::function,
    dynamodb::{call, open, tables},
    gateway::{Calls, Functions, Script, answer},
    sqs_world,
};

pub const PUT: &str = "DynamoDB_20120810.PutItem";
pub const DELETE: &str = "DynamoDB_20120810.DeleteItem";
pub const STREAM: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/chat/stream/2026-01-01T00:00:00.000";

/// A table with a stream, its mapping, and a function that reads it.
pub struct Table {
    pub engine: Engine,
    _proxy: Proxy,
    pub address: String,
    pub stack: Stack,
    pub clock: Clock,
    pub faults: Faults,
    pub queues: Queues,
    pub close: watch::Sender<bool>,
}

pub fn source(start: StartingPosition) -> StreamSource {
    StreamSource {
        table: "chat".to_owned(),
        start,
        bisects: false,
        retries: None,
        greatest_age: None,
        parallelization: 1,
        on_failure: Some("Dead".to_owned()),
    }
}

pub fn mapping(source: EventSource) -> EventSourceMapping {
    EventSourceMapping {
        logical_id: "NotifyRecords".to_owned(),
        function: "Notify".to_owned(),
        source,
        batch_size: 100,
        window: Duration::ZERO,
        filters: Vec::new(),
        reports_failures: false,
    }
}

pub fn queue(name: &str) -> Queue {
    Queue {
        logical_id: name.to_owned(),
        name: name.to_owned(),
        delay: Duration::ZERO,
        visibility_timeout: Duration::from_secs(30),
        retention: Duration::from_secs(345_600),
        receive_wait: Duration::ZERO,
        largest_message: 1024 * 1024,
        redrive: None,
    }
}

impl Table {
    pub async fn with(choice: Choice, mapping: EventSourceMapping) -> Self {
        let clock = Clock::default();
        let engine = Engine::start_by(choice, None, clock.clone()).await.unwrap();
        let mut stack = tables("sk");
        let notify = function("Notify", &[]);
        stack.functions.insert("Notify".to_owned(), notify);
        stack.event_sources = vec![mapping];
        stack.queues = vec![queue("Dead")];
        create_tables(&stack, &engine).await.unwrap();
        let (proxy, address, _) = open(&engine).await;
        Self {
            engine,
            _proxy: proxy,
            address,
            queues: Queues::new(&stack.queues, clock.clone()),
            stack,
            faults: Faults::new(clock.clone()),
            clock,
            close: watch::Sender::new(false),
        }
    }

    /// Starts the mapping.
    pub async fn read(&self, functions: Functions) -> JoinHandle<()> {
        let services = Services {
            streams: self.engine.streams(),
            queues: self.queues.clone(),
            clock: self.clock.clone(),
            faults: self.faults.clone(),
        };
        let sources = EventSources::open(&self.stack, services).await.unwrap();
        tokio::spawn(sources.run(functions, self.close.subscribe()))
    }

    pub async fn put(&self, pk: &str, body: &str) {
        let item = json!({
            "pk": { "S": pk }, "sk": { "S": "1" }, "body": { "S": body }, "n": { "N": "1" },
        });
        self.send(PUT, json!({ "TableName": "chat", "Item": item }))
            .await;
    }

    pub async fn send(&self, target: &str, body: Value) {
        let administrator = Credentials::administrator();
        let (status, answer) = call(&administrator, &self.address, target, body).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub fn ahead(&self, seconds: u64) {
        let ahead = self.clock.ahead() + Duration::from_secs(seconds);
        self.clock.set_ahead(ahead).unwrap();
    }

    pub async fn stop(self, running: JoinHandle<()>) {
        self.close.send_replace(true);
        running.await.unwrap();
        self.engine.stop().await;
    }

    /// Receives the next message about discarded records.
    pub async fn discarded(&self) -> Value {
        let (_api, url) = sqs_world::open(&self.queues, &self.stack).await;
        let receive = json!({ "QueueUrl": "/Dead", "WaitTimeSeconds": 20 });
        let received = sqs_world::administer(&url, "ReceiveMessage", receive).await;
        serde_json::from_str(received["Messages"][0]["Body"].as_str().unwrap()).unwrap()
    }

    pub fn begin(&self, fault: Value) {
        let plan = json!({ "faults": [fault] }).to_string();
        self.faults.begin(Plan::read(&plan).unwrap());
    }

    /// Counts the reads that find something from now on.
    pub fn count_reads(&self) {
        self.begin(json!({ "eventSource": "stalled", "rate": 0, "ms": [0, 0] }));
    }

    /// Waits until there were so many of them.
    pub async fn reads(&self, count: u64) {
        while self.progress().seen < count {
            self.wait_a_little().await;
        }
    }

    /// Waits until the only rule of the plan has injected its fault.
    pub async fn injected(&self) {
        while self.progress().injected == 0 {
            self.wait_a_little().await;
        }
    }

    pub fn progress(&self) -> Progress {
        self.faults.current().unwrap().progress()[0].clone()
    }

    pub async fn wait_a_little(&self) {
        let time = self.clock.ahead() + Duration::from_millis(20);
        self.clock.set_ahead(time).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Returns the partition keys of an event.
pub fn keys(event: &Value) -> Vec<&str> {
    let records = event["Records"].as_array().unwrap().iter();
    records
        .map(|record| record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap())
        .collect()
}

/// Returns the keys of the next events, until there are `count` of them.
pub async fn received(calls: &mut Calls, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        let event = calls.next("Notify").await;
        all.extend(keys(&event).into_iter().map(str::to_owned));
    }
    all
}

pub fn healthy() -> (Functions, Calls) {
    Script::default().answering("Notify", json!({})).functions()
}

/// Functions whose answers are taken from a list, and then `{}`.
pub fn answering(answers: Vec<Result<Outcome, InvokeError>>) -> (Functions, Calls) {
    let answers = Arc::new(Mutex::new(answers.into_iter()));
    let next = move |_| {
        let next = answers.lock().unwrap().next();
        std::future::ready(next.unwrap_or_else(|| answer(&json!({}))))
    };
    Script::default().running("Notify", next).functions()
}

/// Runs a mapping of the embedded engine with `records` in its stream.
pub async fn with_records(
    settings: EventSourceMapping,
    records: &[&str],
    functions: Functions,
) -> (Table, JoinHandle<()>) {
    let table = Table::with(Choice::Embedded, settings).await;
    for pk in records {
        table.put(pk, "x").await;
    }
    let running = table.read(functions).await;
    (table, running)
}

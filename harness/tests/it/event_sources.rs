//! Event source mappings of streams: one suite, run on each engine that the harness starts itself.
//! The functions are scripted; the tests move the clock.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use harness::{
    dynamodb::{Choice, Engine, Proxy, create_tables},
    event_source::{EventSources, Pattern, Services},
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
    gateway::{Calls, Functions, Script, answer, function_error},
    sqs,
};

const PUT: &str = "DynamoDB_20120810.PutItem";
const DELETE: &str = "DynamoDB_20120810.DeleteItem";
pub const STREAM: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/chat/stream/2026-01-01T00:00:00.000";

/// A table with a stream, its mapping, and a function that reads it.
pub struct Table {
    engine: Engine,
    _proxy: Proxy,
    address: String,
    stack: Stack,
    clock: Clock,
    faults: Faults,
    queues: Queues,
    close: watch::Sender<bool>,
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
    async fn with(choice: Choice, mapping: EventSourceMapping) -> Self {
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
    async fn read(&self, functions: Functions) -> JoinHandle<()> {
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

    async fn send(&self, target: &str, body: Value) {
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
        let (_api, url) = sqs::open(&self.queues, &self.stack).await;
        let receive = json!({ "QueueUrl": "/Dead", "WaitTimeSeconds": 20 });
        let received = sqs::administer(&url, "ReceiveMessage", receive).await;
        serde_json::from_str(received["Messages"][0]["Body"].as_str().unwrap()).unwrap()
    }

    fn begin(&self, fault: Value) {
        let plan = json!({ "faults": [fault] }).to_string();
        self.faults.begin(Plan::read(&plan).unwrap());
    }

    /// Counts the reads that find something from now on.
    fn count_reads(&self) {
        self.begin(json!({ "eventSource": "stalled", "rate": 0, "ms": [0, 0] }));
    }

    /// Waits until there were so many of them.
    async fn reads(&self, count: u64) {
        while self.progress().seen < count {
            self.wait_a_little().await;
        }
    }

    /// Waits until the only rule of the plan has injected its fault.
    async fn injected(&self) {
        while self.progress().injected == 0 {
            self.wait_a_little().await;
        }
    }

    fn progress(&self) -> Progress {
        self.faults.current().unwrap().progress()[0].clone()
    }

    async fn wait_a_little(&self) {
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

fn healthy() -> (Functions, Calls) {
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

async fn suite(choice: Choice) {
    the_events_have_the_shape_of_aws(choice.clone()).await;
    latest_begins_after_what_is_there(choice.clone()).await;
    a_window_gathers_and_a_full_batch_does_not_wait(choice.clone()).await;
    a_batch_that_fails_holds_up_the_next_one(choice.clone()).await;
    filters_choose_the_records(choice).await;
}

#[tokio::test]
async fn embedded() {
    suite(Choice::Embedded).await;
}

#[tokio::test]
async fn local() {
    suite(Choice::Local).await;
}

async fn the_events_have_the_shape_of_aws(choice: Choice) {
    let from = source(StartingPosition::TrimHorizon);
    let table = Table::with(choice, mapping(EventSource::Stream(from))).await;
    table.put("a", "first").await;
    table.put("a", "second").await;
    let key = json!({ "pk": { "S": "a" }, "sk": { "S": "1" } });
    table
        .send(DELETE, json!({ "TableName": "chat", "Key": key }))
        .await;
    let (functions, mut calls) = healthy();
    let running = table.read(functions).await;
    let mut records = Vec::new();
    while records.len() < 3 {
        let event = calls.next("Notify").await;
        assert_eq!(event.as_object().unwrap().len(), 1);
        records.extend(event["Records"].as_array().unwrap().clone());
    }
    let names: Vec<_> = records.iter().map(|record| &record["eventName"]).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    for record in &records {
        assert_eq!(record["eventSource"], "aws:dynamodb");
        assert_eq!(record["awsRegion"], "us-east-1");
        assert_eq!(record["eventSourceARN"], STREAM);
        assert!(record["eventID"].is_string(), "{record}");
        assert!(record["eventVersion"].is_string(), "{record}");
        assert_eq!(record.get("userIdentity"), None);
        let of_dynamodb = &record["dynamodb"];
        assert_eq!(of_dynamodb["Keys"], key);
        assert_eq!(of_dynamodb["StreamViewType"], "NEW_AND_OLD_IMAGES");
        assert!(
            of_dynamodb["ApproximateCreationDateTime"].is_i64(),
            "{record}"
        );
        assert!(of_dynamodb["SizeBytes"].is_i64(), "{record}");
        assert!(of_dynamodb["SequenceNumber"].is_string(), "{record}");
    }
    assert_eq!(records[0]["dynamodb"].get("OldImage"), None);
    assert_eq!(records[1]["dynamodb"]["OldImage"]["body"]["S"], "first");
    assert_eq!(records[1]["dynamodb"]["NewImage"]["body"]["S"], "second");
    assert_eq!(records[2]["dynamodb"].get("NewImage"), None);
    table.stop(running).await;
}

async fn latest_begins_after_what_is_there(choice: Choice) {
    let from = source(StartingPosition::Latest);
    let table = Table::with(choice, mapping(EventSource::Stream(from))).await;
    table.put("before", "x").await;
    let (functions, mut calls) = healthy();
    let running = table.read(functions).await;
    table.put("after", "x").await;
    assert_eq!(received(&mut calls, 1).await, ["after"]);
    table.stop(running).await;
}

async fn a_window_gathers_and_a_full_batch_does_not_wait(choice: Choice) {
    let settings = EventSourceMapping {
        batch_size: 3,
        window: Duration::from_secs(300),
        ..mapping(EventSource::Stream(source(StartingPosition::TrimHorizon)))
    };
    let table = Table::with(choice, settings).await;
    let (functions, mut calls) = healthy();
    let running = table.read(functions).await;
    table.count_reads();
    for (read, pk) in (1..).zip(["a", "b", "c"]) {
        table.put(pk, "x").await;
        table.reads(read).await;
    }
    // They were read one by one.
    let full = calls.next("Notify").await;
    assert_eq!(keys(&full), ["a", "b", "c"]);
    table.put("d", "x").await;
    table.reads(4).await;
    table.put("e", "x").await;
    table.reads(5).await;
    // The window begins when the lane has the record, so one step may come too early.
    let event = loop {
        tokio::select! {
            event = calls.next("Notify") => break event,
            () = table.wait_a_little() => table.ahead(300),
        }
    };
    assert_eq!(keys(&event), ["d", "e"]);
    table.stop(running).await;
}

async fn a_batch_that_fails_holds_up_the_next_one(choice: Choice) {
    let settings = EventSourceMapping {
        batch_size: 1,
        ..mapping(EventSource::Stream(source(StartingPosition::TrimHorizon)))
    };
    let table = Table::with(choice, settings).await;
    let error = function_error("not now");
    let throttled = Err(InvokeError::Throttled);
    let (functions, mut calls) = answering(vec![error.clone(), throttled, error]);
    let running = table.read(functions).await;
    table.put("a", "x").await;
    table.put("b", "x").await;
    let mut order = Vec::new();
    for _ in 0..5 {
        order.extend(received(&mut calls, 1).await);
        table.ahead(60);
    }
    assert_eq!(order, ["a", "a", "a", "a", "b"]);
    table.stop(running).await;
}

async fn filters_choose_the_records(choice: Choice) {
    let pattern = |value: Value| Pattern::parse(&value.to_string()).unwrap();
    let inserted = json!({
        "eventName": ["INSERT"],
        "dynamodb": { "Keys": { "pk": { "S": [{ "prefix": "yes" }] } } },
    });
    let settings = EventSourceMapping {
        filters: vec![
            pattern(inserted),
            pattern(json!({ "dynamodb": { "NewImage": { "body": { "S": ["urgent"] } } } })),
        ],
        ..mapping(EventSource::Stream(source(StartingPosition::TrimHorizon)))
    };
    let table = Table::with(choice, settings).await;
    for (pk, body) in [
        ("no", "x"),
        ("yes1", "x"),
        ("yes1", "changed"),
        ("no", "urgent"),
        ("yes2", "x"),
    ] {
        table.put(pk, body).await;
    }
    let (functions, mut calls) = healthy();
    let running = table.read(functions).await;
    assert_eq!(received(&mut calls, 3).await, ["yes1", "no", "yes2"]);
    table.stop(running).await;
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

#[tokio::test]
async fn parallel_lanes_keep_the_order_of_each_item() {
    let from = StreamSource {
        parallelization: 10,
        ..source(StartingPosition::TrimHorizon)
    };
    let settings = EventSourceMapping {
        batch_size: 1,
        ..mapping(EventSource::Stream(from))
    };
    let table = Table::with(Choice::Embedded, settings).await;
    for body in 0..5 {
        for pk in ["a", "b", "c", "d", "e", "f"] {
            table.put(pk, &body.to_string()).await;
        }
    }
    let (functions, mut calls) = healthy();
    let running = table.read(functions).await;
    let mut seen = std::collections::BTreeMap::<String, Vec<String>>::new();
    for _ in 0..30 {
        let event = calls.next("Notify").await;
        let body = &event["Records"][0]["dynamodb"]["NewImage"]["body"]["S"];
        let of_item = seen.entry(keys(&event)[0].to_owned()).or_default();
        of_item.push(body.as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), 6);
    for bodies in seen.values() {
        assert_eq!(bodies.join(""), "01234");
    }
    table.stop(running).await;
}

#[tokio::test]
async fn expired_items_are_deleted_by_the_clock_with_the_services_identity() {
    let settings = mapping(EventSource::Stream(source(StartingPosition::Latest)));
    let (functions, mut calls) = healthy();
    let (table, running) = with_records(settings, &[], functions).await;
    let tomorrow = time::OffsetDateTime::now_utc().unix_timestamp() + 86_400;
    let item = json!({
        "pk": { "S": "a" }, "sk": { "S": "1" }, "expires_at": { "N": tomorrow.to_string() },
    });
    table
        .send(PUT, json!({ "TableName": "chat", "Item": item }))
        .await;
    assert_eq!(received(&mut calls, 1).await, ["a"]);
    table.ahead(2 * 86_400);
    let event = calls.next("Notify").await;
    let record = &event["Records"][0];
    assert_eq!(record["eventName"], "REMOVE");
    assert_eq!(
        record["userIdentity"],
        json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" })
    );
    assert_eq!(record["dynamodb"]["OldImage"], item);
    // What is written after that has higher sequence numbers.
    table.put("b", "x").await;
    assert_eq!(received(&mut calls, 1).await, ["b"]);
    table.stop(running).await;
}

#[tokio::test]
async fn faults_deliver_a_batch_twice_late_and_after_a_stall() {
    let settings = mapping(EventSource::Stream(source(StartingPosition::Latest)));
    let (functions, mut calls) = healthy();
    let (table, running) = with_records(settings, &[], functions).await;
    table.begin(json!({ "eventSource": "twice", "on": ["NotifyRecords"], "times": 1 }));
    table.put("a", "x").await;
    assert_eq!(received(&mut calls, 2).await, ["a", "a"]);
    let hour = 60 * 60 * 1000;
    for fault in ["late", "stalled"] {
        table.begin(
            json!({ "eventSource": fault, "on": ["Notify"], "times": 1, "ms": [hour, hour] }),
        );
        table.put(fault, "x").await;
        table.injected().await;
        calls.assert_none();
        table.ahead(60 * 60);
        assert_eq!(received(&mut calls, 1).await, [fault]);
    }
    table.stop(running).await;
}

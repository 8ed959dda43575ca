//! Event source mappings of queues. The tests move the clock.

use std::time::Duration;

use harness::{
    event_source::Pattern,
    invoke::{InvokeError, Outcome},
    sqs::Counts,
    stack::{EventSource, EventSourceMapping},
};
use serde_json::{Value, json};

use crate::{
    gateway::{Calls, Functions, Script, answer, function_error},
    sqs_world::{JOBS, World},
};

fn answering(result: Result<Outcome, InvokeError>) -> (Functions, Calls) {
    Script::default().returning("Notify", result).functions()
}

#[tokio::test]
async fn a_function_gets_messages_and_they_are_deleted() {
    let mut world = World::with(|_| {}).await;
    let message = json!({
        "MessageBody": "hello",
        "MessageAttributes": { "kind": { "DataType": "String", "StringValue": "greeting" } },
    });
    let sent = world.call("SendMessage", "Jobs", message).await;
    let (functions, mut calls) = answering(answer(&json!({})));
    let (close, running) = world.map(|_| {}, functions).await;
    let event = calls.next("Notify").await;
    let record = &event["Records"][0];
    let receipt = record["receiptHandle"].clone();
    let attributes = record["attributes"].as_object().unwrap();
    let names: Vec<_> = attributes.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "ApproximateFirstReceiveTimestamp",
            "ApproximateReceiveCount",
            "SenderId",
            "SentTimestamp"
        ]
    );
    let expected = json!({
        "messageId": sent["MessageId"],
        "receiptHandle": receipt,
        "body": "hello",
        "attributes": attributes,
        "messageAttributes": { "kind": {
            "stringValue": "greeting", "stringListValues": [], "binaryListValues": [],
            "dataType": "String",
        } },
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": JOBS,
        "awsRegion": "us-east-1",
    });
    assert_eq!(*record, expected);
    world.settled("Jobs", Counts::default()).await;
    close.send_replace(true);
    running.await.unwrap();
}

#[tokio::test]
async fn messages_of_a_failed_batch_come_back_and_then_move() {
    let mut world = World::with(|_| {}).await;
    world.send("poison").await;
    let (functions, mut calls) = answering(function_error("poison"));
    let (close, running) = world.map(|_| {}, functions).await;
    for count in ["1", "2"] {
        let event = calls.next("Notify").await;
        let attributes = &event["Records"][0]["attributes"];
        assert_eq!(attributes["ApproximateReceiveCount"], count);
        world.ahead(30);
    }
    let one = Counts {
        visible: 1,
        ..Counts::default()
    };
    world.settled("Dead", one).await;
    calls.assert_none();
    close.send_replace(true);
    running.await.unwrap();
}

#[tokio::test]
async fn a_partial_answer_keeps_the_messages_that_failed() {
    let mut world = World::with(|_| {}).await;
    for body in ["good", "bad"] {
        world.send(body).await;
    }
    let fail_bad = |event: Value| {
        let records = event["Records"].as_array().unwrap().clone();
        let bad = records.iter().filter(|record| record["body"] == "bad");
        let failures: Vec<_> = bad
            .map(|record| json!({ "itemIdentifier": record["messageId"] }))
            .collect();
        std::future::ready(answer(&json!({ "batchItemFailures": failures })))
    };
    let (functions, mut calls) = Script::default().running("Notify", fail_bad).functions();
    let (close, running) = world
        .map(|mapping| mapping.reports_failures = true, functions)
        .await;
    calls.next("Notify").await;
    let one = Counts {
        in_flight: 1,
        ..Counts::default()
    };
    world.settled("Jobs", one).await;
    world.ahead(30);
    // The batches may have been two.
    let event = loop {
        let event = calls.next("Notify").await;
        if event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2" {
            break event;
        }
    };
    assert_eq!(event["Records"][0]["body"], "bad");
    close.send_replace(true);
    running.await.unwrap();
}

#[tokio::test]
async fn a_window_gathers_more_messages_than_a_receive_returns() {
    let mut world = World::with(|_| {}).await;
    for number in 0..25 {
        world.send(&number.to_string()).await;
    }
    let (functions, mut calls) = answering(answer(&json!({})));
    let change = |mapping: &mut EventSourceMapping| {
        mapping.batch_size = 25;
        mapping.window = Duration::from_secs(300);
        let EventSource::Queue(source) = &mut mapping.source else {
            panic!("a queue")
        };
        source.most_concurrent = Some(1);
    };
    let (close, running) = world.map(change, functions).await;
    let event = calls.next("Notify").await;
    assert_eq!(event["Records"].as_array().unwrap().len(), 25);
    close.send_replace(true);
    running.await.unwrap();
}

#[tokio::test]
async fn filters_delete_the_messages_that_they_exclude() {
    let mut world = World::with(|_| {}).await;
    for body in ["text", r#"{"kind":"no"}"#, r#"{"kind":"yes"}"#] {
        world.send(body).await;
    }
    let (functions, mut calls) = answering(answer(&json!({})));
    let pattern = Pattern::parse(r#"{"body":{"kind":["yes"]}}"#).unwrap();
    let (close, running) = world
        .map(|mapping| mapping.filters = vec![pattern], functions)
        .await;
    let event = calls.next("Notify").await;
    assert_eq!(event["Records"][0]["body"], r#"{"kind":"yes"}"#);
    world.settled("Jobs", Counts::default()).await;
    calls.assert_none();
    close.send_replace(true);
    running.await.unwrap();
}

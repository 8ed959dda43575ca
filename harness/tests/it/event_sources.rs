//! Event source mappings of streams: one suite, run on each engine that the harness starts itself.
//! The functions are scripted; the tests move the clock.

use std::time::Duration;

use harness::{
    dynamodb::Choice,
    event_source::Pattern,
    invoke::InvokeError,
    stack::{EventSource, EventSourceMapping, StartingPosition, StreamSource},
};
use serde_json::{Value, json};

use crate::{
    event_sources_world::{
        DELETE, PUT, STREAM, Table, answering, healthy, keys, mapping, received, source,
        with_records,
    },
    gateway::function_error,
};

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

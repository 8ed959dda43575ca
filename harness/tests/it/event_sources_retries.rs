//! What happens to batches of a stream that fail. The tests move the clock.

use std::time::Duration;

use harness::stack::{EventSource, EventSourceMapping, StartingPosition, StreamSource};
use serde_json::{Value, json};

use crate::{
    event_sources_world::{STREAM, answering, keys, mapping, received, source, with_records},
    gateway::{Script, answer, function_error},
};

#[tokio::test]
async fn a_batch_is_discarded_after_its_retries_and_the_queue_is_told() {
    let from = StreamSource {
        retries: Some(2),
        ..source(StartingPosition::TrimHorizon)
    };
    let settings = mapping(EventSource::Stream(from));
    let error = function_error("poison");
    let (functions, mut calls) = answering(vec![error.clone(), error.clone(), error]);
    let (table, running) = with_records(settings, &["a", "b"], functions).await;
    let mut sequences = Vec::new();
    for _ in 0..3 {
        let event = calls.next("Notify").await;
        assert_eq!(keys(&event), ["a", "b"]);
        let of = |n: usize| event["Records"][n]["dynamodb"]["SequenceNumber"].clone();
        sequences = vec![of(0), of(1)];
        table.ahead(60);
    }
    let told = table.discarded().await;
    assert_eq!(told["version"], "1.0");
    let request = &told["requestContext"];
    assert_eq!(request["condition"], "RetryAttemptsExhausted");
    assert_eq!(request["approximateInvokeCount"], 3);
    assert_eq!(
        request["functionArn"],
        "arn:aws:lambda:us-east-1:123456789012:function:test-Notify"
    );
    assert_eq!(
        told["responseContext"],
        json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" })
    );
    let batch = &told["DDBStreamBatchInfo"];
    assert_eq!(batch["startSequenceNumber"], sequences[0]);
    assert_eq!(batch["endSequenceNumber"], sequences[1]);
    assert_eq!(
        (&batch["batchSize"], &batch["streamArn"]),
        (&json!(2), &json!(STREAM))
    );
    assert!(batch["shardId"].as_str().unwrap().starts_with("shardId-"));
    for time in [
        "approximateArrivalOfFirstRecord",
        "approximateArrivalOfLastRecord",
    ] {
        assert!(batch[time].as_str().unwrap().ends_with('Z'), "{batch}");
    }
    // What comes after the discarded batch is delivered.
    table.put("c", "x").await;
    assert_eq!(received(&mut calls, 1).await, ["c"]);
    table.stop(running).await;
}

#[tokio::test]
async fn a_bisected_batch_isolates_the_record_that_fails() {
    let from = StreamSource {
        retries: Some(1),
        bisects: true,
        ..source(StartingPosition::TrimHorizon)
    };
    let poisoned = |event: Value| {
        let has_poison = keys(&event).contains(&"poison");
        std::future::ready(if has_poison {
            function_error("poison")
        } else {
            answer(&json!({}))
        })
    };
    let (functions, mut calls) = Script::default().running("Notify", poisoned).functions();
    let settings = mapping(EventSource::Stream(from));
    let records = ["a", "b", "poison", "c", "d"];
    let (table, running) = with_records(settings, &records, functions).await;
    let mut batches = Vec::new();
    let expected = [
        "a b poison c d",
        "a b poison",
        "a b",
        "poison",
        // The only retry: to split a batch is none.
        "poison",
        "c d",
    ];
    for _ in expected {
        let event = calls.next("Notify").await;
        batches.push(keys(&event).join(" "));
        table.ahead(60);
    }
    assert_eq!(batches, expected);
    let told = table.discarded().await;
    assert_eq!(told["DDBStreamBatchInfo"]["batchSize"], 1);
    table.stop(running).await;
}

#[tokio::test]
async fn a_partial_answer_repeats_the_batch_from_its_first_failure() {
    let from = StreamSource {
        retries: Some(1),
        ..source(StartingPosition::TrimHorizon)
    };
    let settings = EventSourceMapping {
        reports_failures: true,
        ..mapping(EventSource::Stream(from))
    };
    let fail_b = |event: Value| {
        let records = event["Records"].as_array().unwrap().clone();
        let of_b = records
            .iter()
            .filter(|it| it["dynamodb"]["Keys"]["pk"]["S"] == "b");
        let failures: Vec<_> = of_b
            .map(|it| json!({ "itemIdentifier": it["dynamodb"]["SequenceNumber"] }))
            .collect();
        std::future::ready(answer(&json!({ "batchItemFailures": failures })))
    };
    let (functions, mut calls) = Script::default().running("Notify", fail_b).functions();
    let (table, running) = with_records(settings, &["a", "b", "c"], functions).await;
    for expected in [&["a", "b", "c"][..], &["b", "c"]] {
        let event = calls.next("Notify").await;
        assert_eq!(keys(&event), expected);
        table.ahead(60);
    }
    let told = table.discarded().await;
    assert_eq!(told["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(told["DDBStreamBatchInfo"]["batchSize"], 2);
    assert_eq!(told["responseContext"].get("functionError"), None);
    table.stop(running).await;
}

#[tokio::test]
async fn records_that_are_too_old_are_discarded() {
    let from = StreamSource {
        greatest_age: Some(Duration::from_secs(60)),
        ..source(StartingPosition::TrimHorizon)
    };
    let (functions, mut calls) = answering(vec![function_error("not now")]);
    let settings = mapping(EventSource::Stream(from));
    let (table, running) = with_records(settings, &["a"], functions).await;
    assert_eq!(received(&mut calls, 1).await, ["a"]);
    table.ahead(120);
    let told = table.discarded().await;
    assert_eq!(told["requestContext"]["condition"], "RecordAgeExceeded");
    table.put("b", "x").await;
    assert_eq!(received(&mut calls, 1).await, ["b"]);
    table.stop(running).await;
}

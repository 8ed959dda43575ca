//! Queues: the API, permissions, delays, timeouts and redrive. The tests move the clock.

use std::time::Duration;

use harness::{iam::Credentials, sqs::Counts};
use serde_json::{Value, json};

use crate::{
    gateway::http,
    sqs_world::{JOBS, World, call},
};

fn bodies(messages: &[Value]) -> Vec<&str> {
    let messages = messages.iter();
    messages
        .map(|message| message["Body"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let world = World::with(|_| {}).await;
    let url = world
        .call("GetQueueUrl", "Jobs", json!({ "QueueName": "Jobs" }))
        .await;
    assert_eq!(url["QueueUrl"], format!("{}/123456789012/Jobs", world.url));
    let message = json!({
        "MessageBody": "This is a test message",
        "MessageAttributes": {
            "kind": { "DataType": "String", "StringValue": "greeting" },
            "bytes": { "DataType": "Binary", "BinaryValue": "AAE=" },
        },
    });
    let sent = world.call("SendMessage", "Jobs", message).await;
    assert_eq!(sent["MD5OfMessageBody"], "fafb00f5732ab283681e124bf8747ed1");
    assert!(sent["MD5OfMessageAttributes"].is_string(), "{sent}");
    let wanted = json!({
        "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
        "MessageAttributeNames": ["ki.*"],
    });
    let received = world.call("ReceiveMessage", "Jobs", wanted).await;
    let message = &received["Messages"][0];
    assert_eq!(message["MessageId"], sent["MessageId"]);
    assert_eq!(message["Body"], "This is a test message");
    assert_eq!(message["MD5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(
        message["MessageAttributes"],
        json!({ "kind": { "DataType": "String", "StringValue": "greeting" } })
    );
    let attributes = message["Attributes"].as_object().unwrap();
    assert_eq!(attributes.len(), 2);
    assert_eq!(attributes["ApproximateReceiveCount"], "1");
    // It is in flight.
    assert_eq!(world.receive("Jobs").await, [Value::Null; 0]);
    let receipt = json!({ "ReceiptHandle": message["ReceiptHandle"] });
    world.call("DeleteMessage", "Jobs", receipt.clone()).await;
    // Deleting it again has no effect.
    world.call("DeleteMessage", "Jobs", receipt).await;
    world.ahead(3_600);
    assert_eq!(world.counts("Jobs"), Counts::default());
}

#[tokio::test]
async fn errors_are_those_of_sqs() {
    let world = World::with(|queue| queue.largest_message = 1_024).await;
    let none = json!({ "QueueName": "Nobody" });
    let invalid = json!({ "ReceiptHandle": "x" });
    let entry = |id: &str| json!({ "Id": id, "MessageBody": "x" });
    let entries = |entries: Vec<Value>| json!({ "Entries": entries });
    let many = (0..11).map(|n| entry(&n.to_string())).collect();
    for (operation, queue, body, expected) in [
        ("GetQueueUrl", "Nobody", none, "QueueDoesNotExist"),
        ("PurgeQueue", "Nobody", json!({}), "QueueDoesNotExist"),
        ("DeleteMessage", "Jobs", invalid, "ReceiptHandleIsInvalid"),
        ("SendMessage", "Jobs", json!({}), "SerializationException"),
        (
            "SendMessage",
            "Jobs",
            json!({ "MessageBody": "" }),
            "InvalidParameterValueException",
        ),
        (
            "SendMessage",
            "Jobs",
            json!({ "MessageBody": "\u{1}" }),
            "InvalidMessageContents",
        ),
        (
            "SendMessage",
            "Jobs",
            json!({ "MessageBody": "x".repeat(1_025) }),
            "InvalidParameterValueException",
        ),
        (
            "SendMessage",
            "Jobs",
            json!({ "MessageBody": "x", "DelaySeconds": 901 }),
            "InvalidParameterValueException",
        ),
        (
            "ReceiveMessage",
            "Jobs",
            json!({ "MaxNumberOfMessages": 11 }),
            "InvalidParameterValueException",
        ),
        (
            "SendMessageBatch",
            "Jobs",
            entries(vec![]),
            "EmptyBatchRequest",
        ),
        (
            "SendMessageBatch",
            "Jobs",
            entries(many),
            "TooManyEntriesInBatchRequest",
        ),
        (
            "SendMessageBatch",
            "Jobs",
            entries(vec![entry("a"), entry("a")]),
            "BatchEntryIdsNotDistinct",
        ),
        (
            "SendMessageBatch",
            "Jobs",
            entries(vec![entry("?")]),
            "InvalidBatchEntryId",
        ),
        ("CreateQueue", "Jobs", json!({}), "UnsupportedOperation"),
    ] {
        let kind = world.refused(operation, queue, body).await;
        assert_eq!(kind, expected, "{operation}");
    }
    world.send("x").await;
    let received = world.receive("Jobs").await;
    world.ahead(31);
    let late = json!({
        "ReceiptHandle": received[0]["ReceiptHandle"], "VisibilityTimeout": 5,
    });
    let kind = world.refused("ChangeMessageVisibility", "Jobs", late).await;
    assert_eq!(kind, "MessageNotInflight");
}

#[tokio::test]
async fn functions_need_the_permission_of_each_operation() {
    let world = World::with(|_| {}).await;
    let send = world.access.credentials("Send").unwrap();
    let message = json!({ "MessageBody": "x" });
    let batch = json!({ "Entries": [{ "Id": "a", "MessageBody": "x" }] });
    for (operation, queue, body, expected) in [
        ("SendMessage", "Jobs", message.clone(), 200),
        ("SendMessageBatch", "Jobs", batch, 200),
        ("SendMessage", "Dead", message.clone(), 403),
        ("ReceiveMessage", "Jobs", json!({}), 403),
        ("ListQueues", "", json!({}), 403),
    ] {
        let body = world.body(queue, body);
        let (status, answer) = call(send, &world.url, operation, body).await;
        assert_eq!(status, expected, "{operation} {queue}: {answer}");
    }
    let request = http()
        .post(&world.url)
        .header("x-amz-target", "AmazonSQS.SendMessage")
        .body(world.body("Jobs", message).to_string());
    assert_eq!(request.send().await.unwrap().status(), 403);
    assert_eq!(world.counts("Jobs").visible, 2);
}

#[tokio::test]
async fn delays_and_visibility_timeouts_follow_the_clock() {
    let world = World::with(|queue| {
        queue.delay = Duration::from_secs(10);
        queue.redrive = None;
    })
    .await;
    world.send("late").await;
    let now = json!({ "MessageBody": "now", "DelaySeconds": 0 });
    world.call("SendMessage", "Jobs", now).await;
    assert_eq!(bodies(&world.receive("Jobs").await), ["now"]);
    let delayed = Counts {
        visible: 0,
        in_flight: 1,
        delayed: 1,
    };
    assert_eq!(world.counts("Jobs"), delayed);
    world.ahead(10);
    let received = world.receive("Jobs").await;
    assert_eq!(bodies(&received), ["late"]);
    // A longer timeout, and then none.
    let mut change = json!({
        "ReceiptHandle": received[0]["ReceiptHandle"], "VisibilityTimeout": 100,
    });
    world
        .call("ChangeMessageVisibility", "Jobs", change.clone())
        .await;
    world.ahead(30);
    assert_eq!(bodies(&world.receive("Jobs").await), ["now"]);
    change["VisibilityTimeout"] = 0.into();
    world.call("ChangeMessageVisibility", "Jobs", change).await;
    let again = world.receive("Jobs").await;
    assert_eq!(bodies(&again), ["late"]);
    assert_eq!(again[0]["Attributes"]["ApproximateReceiveCount"], "2");
    // After the retention period everything is gone.
    world.ahead(345_600);
    assert_eq!(world.counts("Jobs"), Counts::default());
}

#[tokio::test]
async fn a_receive_waits_for_a_message() {
    let world = World::with(|_| {}).await;
    let administrator = Credentials::administrator();
    let wait = world.body("Jobs", json!({ "WaitTimeSeconds": 20 }));
    let url = world.url.clone();
    let waits =
        tokio::spawn(async move { call(&administrator, &url, "ReceiveMessage", wait).await });
    world.send("at last").await;
    let (_, received) = waits.await.unwrap();
    assert_eq!(received["Messages"][0]["Body"], "at last");
}

#[tokio::test]
async fn a_message_moves_to_the_dead_letter_queue_after_its_receives() {
    let world = World::with(|_| {}).await;
    world.send("poison").await;
    for count in ["1", "2"] {
        let received = world.receive("Jobs").await;
        assert_eq!(received[0]["Attributes"]["ApproximateReceiveCount"], count);
        world.ahead(30);
    }
    assert_eq!(world.receive("Jobs").await, [Value::Null; 0]);
    let moved = world.receive("Dead").await;
    assert_eq!(bodies(&moved), ["poison"]);
    assert_eq!(moved[0]["Attributes"]["DeadLetterQueueSourceArn"], JOBS);
}

#[tokio::test]
async fn a_message_has_at_most_ten_attributes() {
    let world = World::with(|_| {}).await;
    let attributes = |number: usize| {
        let attribute = json!({ "DataType": "String", "StringValue": "v" });
        let all = (0..number).map(|number| (format!("a{number}"), attribute.clone()));
        let all: serde_json::Map<_, _> = all.collect();
        json!({ "MessageBody": "x", "MessageAttributes": all })
    };
    world.call("SendMessage", "Jobs", attributes(10)).await;
    let refused = world.refused("SendMessage", "Jobs", attributes(11)).await;
    assert_eq!(refused, "InvalidParameterValueException");
}

#[tokio::test]
async fn batches_report_each_entry() {
    let world = World::with(|_| {}).await;
    let entries = json!({ "Entries": [
        { "Id": "good", "MessageBody": "x" },
        { "Id": "bad", "MessageBody": "\u{1}" },
    ] });
    let sent = world.call("SendMessageBatch", "Jobs", entries).await;
    assert_eq!(sent["Successful"][0]["Id"], "good");
    assert_eq!(sent["Failed"][0]["Id"], "bad");
    assert_eq!(sent["Failed"][0]["Code"], "InvalidMessageContents");
    let received = world.receive("Jobs").await;
    let handle = &received[0]["ReceiptHandle"];
    let change = json!({ "Entries": [
        { "Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 60 },
    ] });
    let changed = world
        .call("ChangeMessageVisibilityBatch", "Jobs", change)
        .await;
    assert_eq!(changed["Successful"][0]["Id"], "a");
    let delete = json!({ "Entries": [
        { "Id": "a", "ReceiptHandle": handle },
        { "Id": "b", "ReceiptHandle": "x" },
    ] });
    let deleted = world.call("DeleteMessageBatch", "Jobs", delete).await;
    assert_eq!(deleted["Successful"], json!([{ "Id": "a" }]));
    assert_eq!(deleted["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    let names = json!({ "AttributeNames": ["QueueArn", "RedrivePolicy"] });
    let attributes = world.call("GetQueueAttributes", "Jobs", names).await;
    assert_eq!(attributes["Attributes"]["QueueArn"], JOBS);
    assert_eq!(attributes["Attributes"].as_object().unwrap().len(), 2);
    world.send("y").await;
    world.call("PurgeQueue", "Jobs", json!({})).await;
    assert_eq!(world.counts("Jobs"), Counts::default());
}

#[tokio::test]
async fn a_queue_holds_at_most_64_megabytes() {
    let world = World::with(|_| {}).await;
    let administrator = Credentials::administrator();
    let message = world.body("Jobs", json!({ "MessageBody": "x".repeat(1024 * 1024) }));
    let mut accepted = 0;
    let status = loop {
        let send = call(&administrator, &world.url, "SendMessage", message.clone());
        match send.await {
            (200, _) => accepted += 1,
            (status, _) => break status,
        }
    };
    assert_eq!((accepted, status), (63, 503));
}

#[tokio::test]
async fn messages_are_kept_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queues.json");
    let world = World::with(|_| {}).await;
    world.send("seen").await;
    assert_eq!(world.receive("Jobs").await.len(), 1);
    world.send("kept").await;
    world.queues.keep(&file).unwrap();
    let other = World::with(|_| {}).await;
    other.queues.restore(&file).unwrap();
    assert_eq!(bodies(&other.receive("Jobs").await), ["kept"]);
    other.ahead(30);
    let again = other.receive("Jobs").await;
    assert_eq!(bodies(&again).len(), 2);
    let seen = again.iter().find(|it| it["Body"] == "seen").unwrap();
    assert_eq!(seen["Attributes"]["ApproximateReceiveCount"], "2");
}

//! The capacity of calls that do not ask for it: metered and recorded, and not in the answers.

use harness::{
    dynamodb::{Choice, Engine, create_tables},
    faults::Faults,
    gateway::clock::Clock,
    trace::{Settings, Trace},
};
use serde_json::json;

use crate::dynamodb::{call, open_with_faults, tables};

#[tokio::test]
async fn every_call_is_metered_and_its_answer_is_as_without_metering() {
    let put = json!({
        "TableName": "chat",
        "Item": { "pk": { "S": "a" }, "sk": { "S": "b" }, "body": { "S": "secret words" } },
        "ConditionExpression": "attribute_not_exists(pk)",
    });
    let query = json!({
        "TableName": "chat",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": "a" } },
    });
    let asking = json!({
        "TableName": "chat",
        "Key": { "pk": { "S": "a" }, "sk": { "S": "b" } },
        "ConsistentRead": true,
        "ReturnConsumedCapacity": "TOTAL",
    });
    let mut answers = Vec::new();
    for trace in [Trace::default(), Trace::new(Settings::default())] {
        let engine = Engine::start(Choice::Embedded, None).await.unwrap();
        create_tables(&tables("sk"), &engine).await.unwrap();
        let faults = Faults::recorded(Clock::default(), trace.clone());
        let (_proxy, address, send) = open_with_faults(&engine, faults).await;
        let mut each = Vec::new();
        for (operation, request) in [
            ("PutItem", &put),
            ("PutItem", &put),
            ("Query", &query),
            ("GetItem", &asking),
        ] {
            let target = format!("DynamoDB_20120810.{operation}");
            each.push(call(&send, &address, &target, request.clone()).await);
        }
        answers.push(each);
        if trace.is_on() {
            let usage = trace.meter().unwrap().total();
            // A refused condition is billed, too. The query is eventually consistent.
            assert_eq!((usage.write_units, usage.read_units), (2.0, 1.5));
            let events = trace.read(0, 100).events;
            let shown: Vec<_> = events.iter().map(|event| event.json()).collect();
            let key = |index: usize| &shown[index]["attributes"]["aws.dynamodb.key"];
            assert_eq!(key(0), "pk=a sk=b");
            assert_eq!(key(2), "pk = a");
            let refused = &shown[1]["attributes"];
            assert_eq!(refused["aws.dynamodb.condition"], "failed");
            assert_eq!(refused["error.type"], "ConditionalCheckFailedException");
            assert_eq!(shown[1]["level"], "warning");
            assert!(!format!("{shown:?}").contains("secret words"));
        }
        engine.stop().await;
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1][3].1["ConsumedCapacity"]["CapacityUnits"], 1.0);
}

//! The engines behind the proxy: one suite, run on each engine that the harness starts itself.
//! DynamoDB local needs Java and, the first time, Maven Central.

use std::path::Path;

use harness::{
    dynamodb::{Choice, Engine, Proxy, TableError, create_tables},
    faults::Faults,
    iam::{Access, Caller, Credentials, Service, Signatures},
    stack::{Stack, Table},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    access::{allow, function, send_signed, stack},
    gateway::http,
};

/// Returns a stack with only the table `chat`.
pub fn tables(sort_key: &str) -> Stack {
    let create = json!({
        "TableName": "chat",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "pk", "AttributeType": "S" },
            { "AttributeName": sort_key, "AttributeType": "S" },
            { "AttributeName": "owner", "AttributeType": "S" },
        ],
        "KeySchema": [
            { "AttributeName": "pk", "KeyType": "HASH" },
            { "AttributeName": sort_key, "KeyType": "RANGE" },
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_owner",
            "KeySchema": [
                { "AttributeName": "owner", "KeyType": "HASH" },
                { "AttributeName": "pk", "KeyType": "RANGE" },
            ],
            "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["title", "role"] },
        }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    });
    Stack {
        tables: vec![Table {
            name: "chat".to_owned(),
            create,
            expires_by: Some("expires_at".to_owned()),
        }],
        ..Stack::default()
    }
}

/// Opens a proxy in front of `engine`. Returns it with its address and the credentials of the
/// function `Send`, which may do everything.
pub async fn open(engine: &Engine) -> (Proxy, String, Credentials) {
    open_with_faults(engine, Faults::default()).await
}

pub async fn open_with_faults(engine: &Engine, faults: Faults) -> (Proxy, String, Credentials) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let send = function("Send", &[allow("dynamodb:*", "*")]);
    let access = Access::from_stack(&stack([send]), Signatures::Verified);
    let credentials = access.credentials("Send").unwrap().clone();
    let proxy = Proxy::open(vec![listener], engine, access, faults);
    (proxy, address, credentials)
}

pub async fn call(
    credentials: &Credentials,
    proxy: &str,
    target: &str,
    body: Value,
) -> (u16, Value) {
    let request = http()
        .post(proxy)
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string());
    let response = send_signed(credentials, Service::DynamoDb, request).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn engine_suite(choice: Choice) {
    let data = std::env::temp_dir().join(format!("harness-{}", uuid::Uuid::new_v4()));
    tables_and_counting(choice.clone()).await;
    data_survives(choice, &data).await;
    std::fs::remove_dir_all(data).unwrap();
}

async fn tables_and_counting(choice: Choice) {
    let engine = Engine::start(choice, None).await.unwrap();
    for _ in 0..2 {
        create_tables(&tables("sk"), &engine).await.unwrap();
    }
    let (proxy, address, send) = open(&engine).await;

    let put = json!({
        "TableName": "chat",
        "Item": { "pk": { "S": "conversation#1" }, "sk": { "S": "event#1" }, "body": { "S": "Grüße" } },
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ReturnConsumedCapacity": "TOTAL",
    });
    let (status, stored) = call(&send, &address, "DynamoDB_20120810.PutItem", put.clone()).await;
    assert_eq!(
        (status, &stored["ConsumedCapacity"]["CapacityUnits"]),
        (200, &json!(1.0))
    );
    let (status, lost) = call(&send, &address, "DynamoDB_20120810.PutItem", put).await;
    assert_eq!(
        (status, &lost["Item"]["body"]["S"]),
        (400, &json!("Grüße")),
        "{lost}"
    );

    let tallies = proxy.ledger().tallies();
    let [(operation, tally)] = tallies.iter().collect::<Vec<_>>()[..] else {
        panic!("{tallies:?}");
    };
    assert_eq!(operation.caller, Caller::Function("Send".to_owned()));
    assert_eq!(
        (operation.name.as_str(), &operation.tables[..]),
        ("PutItem", &["chat".to_owned()][..])
    );
    assert_eq!((tally.calls, tally.refused, tally.capacity), (2, 1, 1.0));

    let chat = json!({ "TableName": "chat" });
    let (_, ttl) = call(
        &send,
        &address,
        "DynamoDB_20120810.DescribeTimeToLive",
        chat.clone(),
    )
    .await;
    assert_eq!(ttl["TimeToLiveDescription"]["AttributeName"], "expires_at");
    let (_, streams) = call(
        &send,
        &address,
        "DynamoDBStreams_20120810.ListStreams",
        chat,
    )
    .await;
    assert_eq!(streams["Streams"][0]["TableName"], "chat", "{streams}");

    engine.stop().await;
    let (status, dead) = call(&send, &address, "DynamoDB_20120810.ListTables", json!({})).await;
    assert_eq!(status, 503);
    assert!(
        dead["__type"]
            .as_str()
            .unwrap()
            .ends_with("#ServiceUnavailable")
    );
}

async fn data_survives(choice: Choice, data: &Path) {
    let get = json!({ "TableName": "chat", "Key": { "pk": { "S": "a" }, "sk": { "S": "b" } } });
    let put = json!({ "TableName": "chat", "Item": get["Key"] });
    let administrator = Credentials::administrator();

    let engine = Engine::start(choice.clone(), Some(data)).await.unwrap();
    create_tables(&tables("sk"), &engine).await.unwrap();
    let (_proxy, address, _) = open(&engine).await;
    let (status, _) = call(&administrator, &address, "DynamoDB_20120810.PutItem", put).await;
    assert_eq!(status, 200);
    engine.stop().await;

    let engine = Engine::start(choice, Some(data)).await.unwrap();
    create_tables(&tables("sk"), &engine).await.unwrap();
    let (_proxy, address, _) = open(&engine).await;
    let (_, found) = call(
        &administrator,
        &address,
        "DynamoDB_20120810.GetItem",
        get.clone(),
    )
    .await;
    assert_eq!(found["Item"], get["Key"]);
    match create_tables(&tables("other"), &engine).await {
        Err(TableError::Differs { table, what, .. }) => {
            assert_eq!((table.as_str(), what), ("chat", "key"))
        }
        other => panic!("{other:?}"),
    }
    engine.stop().await;
}

#[tokio::test]
async fn embedded() {
    engine_suite(Choice::Embedded).await;
}

#[tokio::test]
async fn local() {
    engine_suite(Choice::Local).await;
}

//! Each fault, by its effect on callers and clients.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use harness::{
    dynamodb::{Choice, Engine, create_tables},
    faults::{Faults, Plan},
    gateway::{clock::Clock, websocket::Connections},
    iam::{Access, Credentials, Service, Signatures},
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    access::{attempt_signed, stack},
    dynamodb::{self, tables},
    gateway::{
        Calls, Client, Gateway, api, close_frame, connection_id, http, next_text, polite,
        serve_http,
    },
    lambda::{self, answer, error, function, is_gone},
};

/// Creates faults that follow these rules.
fn planned(rules: Value) -> Faults {
    planned_by(Clock::default(), rules)
}

/// Creates faults that last as long as this clock says: an hour passes only when a test sets it
/// ahead.
pub fn planned_by(clock: Clock, rules: Value) -> Faults {
    let faults = Faults::new(clock);
    let plan = json!({ "faults": rules });
    faults.begin(Plan::read(&plan.to_string()).unwrap());
    faults
}

/// Waits until the first rule has injected a fault.
pub async fn fault_injected(faults: &Faults) {
    while injected(faults)[0] == 0 {
        tokio::task::yield_now().await;
    }
}

fn injected(faults: &Faults) -> Vec<u64> {
    let schedule = faults.current().unwrap();
    schedule
        .progress()
        .iter()
        .map(|rule| rule.injected)
        .collect()
}

/// Starts an engine with a table for items.
pub async fn engine() -> Engine {
    let engine = Engine::start(Choice::Embedded, None).await.unwrap();
    create_tables(&tables("sk"), &engine).await.unwrap();
    engine
}

pub fn item(sk: &str) -> Value {
    json!({ "TableName": "chat", "Item": { "pk": { "S": "a" }, "sk": { "S": sk } } })
}

pub const PUT: &str = "DynamoDB_20120810.PutItem";
const SCAN: &str = "DynamoDB_20120810.Scan";

/// Counts the items as the administrator, whose calls get no faults.
pub async fn count(address: &str) -> Value {
    let scan = json!({ "TableName": "chat" });
    let (status, found) = dynamodb::call(&Credentials::administrator(), address, SCAN, scan).await;
    assert_eq!(status, 200, "{found}");
    found["Count"].clone()
}

#[tokio::test]
async fn dynamodb_fails_without_effect() {
    let engine = engine().await;
    for (fault, status, kind) in [
        ("throttle", 400, "ProvisionedThroughputExceededException"),
        ("throttleOnDemand", 400, "ThrottlingException"),
        ("internalError", 500, "InternalServerError"),
        ("unavailable", 503, "ServiceUnavailable"),
    ] {
        let faults = planned(json!([
            { "dynamodb": fault, "on": ["PutItem"], "times": 1 },
            { "dynamodb": "timeout", "on": ["Scan", "GetItem"] },
        ]));
        let (_proxy, address, send) = dynamodb::open_with_faults(&engine, faults.clone()).await;
        let before = count(&address).await;
        let (refused, error) = dynamodb::call(&send, &address, PUT, item(fault)).await;
        assert_eq!(refused, status, "{error}");
        let error = error["__type"].as_str().unwrap();
        assert!(error.ends_with(kind), "{error}");
        assert_eq!(count(&address).await, before);
        assert_eq!(injected(&faults), [1, 0]);
        let (status, _) = dynamodb::call(&send, &address, PUT, item(fault)).await;
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn dynamodb_loses_the_answer_after_the_effect() {
    let engine = engine().await;
    let faults = planned(json!([{ "dynamodb": "lostAnswer" }]));
    let (_proxy, address, send) = dynamodb::open_with_faults(&engine, faults).await;
    let request = http()
        .post(&address)
        .header("x-amz-target", PUT)
        .header("content-type", "application/x-amz-json-1.0");
    let request = request.body(item("lost").to_string());
    attempt_signed(&send, Service::DynamoDb, request)
        .await
        .unwrap_err();
    assert_eq!(count(&address).await, 1);
}

#[tokio::test]
async fn a_dynamodb_timeout_has_no_effect_and_no_answer() {
    let engine = engine().await;
    let faults = planned(json!([{ "dynamodb": "timeout" }]));
    let (_proxy, address, send) = dynamodb::open_with_faults(&engine, faults.clone()).await;
    let silent = dynamodb::call(&send, &address, PUT, item("silent"));
    tokio::select! {
        answer = silent => panic!("{answer:?}"),
        // The call has arrived when it is counted.
        () = fault_injected(&faults) => {}
    }
    assert_eq!(count(&address).await, 0);
}

/// Starts a gateway with these faults, and connects one client.
pub async fn connected(faults: &Faults, clock: &Clock) -> (Gateway, Client, String, Calls) {
    let (functions, mut calls) = polite().functions();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let access = Access::from_stack(&stack([]), Signatures::Verified);
    let connections = Connections::new(faults.clone(), clock.clone());
    let gateway = Gateway::start_among(listener, api(), access, functions, connections);
    let client = gateway.connect().await;
    let connection = connection_id(&calls.next("Connect").await);
    (gateway, client, connection, calls)
}

#[tokio::test]
async fn the_management_api_fails_without_delivery() {
    for (fault, status) in [("gone", 410), ("throttle", 429), ("internalError", 500)] {
        let faults = planned(json!([{ "management": fault, "on": ["POST"], "times": 1 }]));
        let (gateway, mut client, connection, _calls) = connected(&faults, &Clock::default()).await;
        let refused = gateway.manage("POST", &connection, "refused").await;
        assert_eq!(refused.status(), status);
        let taken = gateway.manage("POST", &connection, "taken").await;
        assert_eq!(taken.status(), 200);
        assert_eq!(next_text(&mut client).await, "taken");
    }
}

#[tokio::test]
async fn the_management_api_loses_the_answer_after_delivery() {
    let faults = planned(json!([{ "management": "lostAnswer" }]));
    let (gateway, mut client, connection, _calls) = connected(&faults, &Clock::default()).await;
    let call = gateway.management("POST", &connection, "delivered");
    attempt_signed(&Credentials::administrator(), Service::ExecuteApi, call)
        .await
        .unwrap_err();
    assert_eq!(next_text(&mut client).await, "delivered");
}

#[tokio::test]
async fn a_cut_connection_ends_after_its_message_without_a_close_frame() {
    let faults = planned(json!([{ "connection": "cut", "skip": 1 }]));
    let (_gateway, mut client, _, mut calls) = connected(&faults, &Clock::default()).await;
    client
        .send(Message::text(r#"{"action":"chat"}"#))
        .await
        .unwrap();
    assert_eq!(next_text(&mut client).await, r#"{"action":"chat"}"#);
    client
        .send(Message::text(r#"{"action":"quiet"}"#))
        .await
        .unwrap();
    while let Some(Ok(frame)) = client.next().await {
        assert!(!frame.is_close(), "{frame:?}");
    }
    calls.next("Chat").await;
    // Both are spawned at the same time.
    let mut called = [calls.any().await, calls.any().await];
    called.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(called[0].0, "Disconnect");
    assert_eq!(called[0].1["requestContext"]["disconnectStatusCode"], 1006);
    assert_eq!(called[1].0, "Quiet");
}

#[tokio::test]
async fn a_half_open_connection_accepts_posts_until_its_queue_is_full() {
    let faults = planned(json!([{ "connection": "halfOpen" }]));
    let (gateway, mut client, connection, mut calls) = connected(&faults, &Clock::default()).await;
    client
        .send(Message::text(r#"{"action":"quiet"}"#))
        .await
        .unwrap();
    calls.next("Quiet").await;
    let mut taken = 0;
    while gateway.manage("POST", &connection, "unread").await.status() == 200 {
        taken += 1;
        assert!(taken <= 128);
    }
    let full = gateway.manage("POST", &connection, "unread").await;
    assert_eq!(full.status(), 429);
    // The client may leave: the gateway does not notice.
    drop(client);
    assert_eq!(gateway.manage("GET", &connection, "").await.status(), 200);
    calls.assert_none();
}

#[tokio::test]
async fn disconnect_is_called_never_or_twice() {
    for (fault, called) in [
        (json!({ "connection": "disconnectLost", "times": 1 }), 0),
        (json!({ "connection": "disconnectTwice", "times": 1 }), 2),
    ] {
        let (mut gateway, mut client, _, mut calls) =
            connected(&planned(json!([fault])), &Clock::default()).await;
        client.close(None).await.unwrap();
        while client.next().await.is_some() {}
        // The server stops only after the last `$disconnect` has been answered.
        gateway.shutdown.send_replace(true);
        (&mut gateway.server).await.unwrap();
        for _ in 0..called {
            calls.next("Disconnect").await;
        }
        calls.assert_none();
    }
}

#[tokio::test]
async fn connections_age_by_a_clock_that_can_be_set_ahead() {
    let (minute, hour) = (60_000, 60 * 60_000);
    for steps in [vec![10 * minute], vec![9 * minute, 2 * hour]] {
        let (faults, clock) = (Faults::default(), Clock::default());
        let control = harness::faults::router(faults.clone(), clock.clone());
        let (address, _open) = serve_http(control).await;
        let url = format!("http://{address}/.local/clock");
        let (_gateway, mut client, _, mut calls) = connected(&faults, &clock).await;
        let (last, before) = steps.split_last().unwrap();
        for ahead in before {
            let set = json!({ "aheadMs": ahead }).to_string();
            assert_eq!(
                http().put(&url).body(set).send().await.unwrap().status(),
                200
            );
            // A message resets the idle time.
            client
                .send(Message::text(r#"{"action":"chat"}"#))
                .await
                .unwrap();
            next_text(&mut client).await;
            calls.next("Chat").await;
        }
        let set = json!({ "aheadMs": last }).to_string();
        assert_eq!(
            http().put(&url).body(set).send().await.unwrap().status(),
            200
        );
        assert_eq!(
            close_frame(&mut client).await,
            (1001, "Going away".to_owned())
        );
        let back = http()
            .put(&url)
            .body(r#"{"aheadMs":1}"#)
            .send()
            .await
            .unwrap();
        assert_eq!(back.status(), 400);
    }
}

#[tokio::test]
async fn processes_are_killed_before_during_and_after_their_work() {
    for (fault, event) in [
        (json!({ "function": "killBefore", "times": 1 }), json!({})),
        (
            json!({ "function": "killDuring", "times": 1, "ms": [1, 5] }),
            json!({ "do": "hang" }),
        ),
        (json!({ "function": "killAfter", "times": 1 }), json!({})),
    ] {
        let faults = planned(json!([fault]));
        let (lambda, _) = lambda::start_with_faults([function("Send")], 1, faults).await;
        let lost = error(lambda::call(&lambda, "Send", event).await);
        assert_eq!(lost["errorType"], "Runtime.ExitError", "{fault}");
        let message = lost["errorMessage"].as_str().unwrap();
        assert!(message.ends_with("signal: killed"), "{message}");
        answer(lambda::call(&lambda, "Send", json!({})).await);
        lambda.stop().await;
    }
}

#[tokio::test]
async fn a_function_killed_after_its_answer_has_done_its_work() {
    let meeting = lambda::Meeting::new().await;
    let faults = planned(json!([{ "function": "killAfter" }]));
    let (lambda, _) = lambda::start_with_faults([function("Send")], 1, faults).await;
    let call = lambda::spawn(&lambda, "Send", meeting.event(1));
    let (pid, _, mut stream) = meeting.next().await;
    stream.write_u8(0).await.unwrap();
    error(call.await.unwrap());
    assert!(is_gone(&json!(pid)));
}

#[tokio::test]
async fn a_frozen_function_times_out() {
    let faults = planned(json!([{ "function": "timeout", "on": ["Send"] }]));
    let mut send = function("Send");
    send.timeout = Duration::from_secs(1);
    let (lambda, _) = lambda::start_with_faults([send, function("Other")], 1, faults).await;
    let late = error(lambda::call(&lambda, "Send", json!({})).await);
    assert_eq!(late["errorType"], "Sandbox.Timedout");
    answer(lambda::call(&lambda, "Other", json!({})).await);
}

#[tokio::test]
async fn a_plan_is_started_read_and_ended_at_run_time() {
    let faults = Faults::default();
    let (address, _open) =
        serve_http(harness::faults::router(faults.clone(), Clock::default())).await;
    let url = format!("http://{address}/.local/faults");
    let read = async |request: reqwest::RequestBuilder| {
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    };
    let none = (200, json!({ "faults": [] }));
    assert_eq!(read(http().get(&url)).await, none);

    let plan = json!({ "seed": 7, "faults": [{ "dynamodb": "throttle", "rate": 1.0 }] });
    let (status, _) = read(http().put(&url).body(plan.to_string())).await;
    assert_eq!(status, 200);
    let engine = engine().await;
    let (_proxy, table, send) = dynamodb::open_with_faults(&engine, faults).await;
    assert_eq!(dynamodb::call(&send, &table, PUT, item("a")).await.0, 400);
    let done = json!({ "seed": 7, "faults": [
        { "dynamodb": "throttle", "rate": 1.0, "seen": 1, "injected": 1 },
    ] });
    assert_eq!(read(http().get(&url)).await, (200, done.clone()));
    assert_eq!(read(http().delete(&url)).await, (200, done));
    assert_eq!(read(http().get(&url)).await, none);
    assert_eq!(dynamodb::call(&send, &table, PUT, item("a")).await.0, 200);

    let (status, error): (u16, Value) = read(http().put(&url).body(r#"{"faults":[{}]}"#)).await;
    assert_eq!(status, 400);
    let error = error["message"].as_str().unwrap();
    assert!(error.contains("faults[0]: name exactly one of"), "{error}");
    let (status, _): (u16, Value) = read(http().put(&url).body("\"storm\"")).await;
    assert_eq!(status, 200);
    let foreign = http().get(&url).header("host", "attacker.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}

//! Faults with a duration, by a clock that the tests set ahead. No test measures time.

use std::{pin::pin, time::Duration};

use futures_util::StreamExt;
use harness::{
    gateway::clock::Clock,
    invoke::{Invoke, InvokeError},
};
use serde_json::json;

use crate::{
    dynamodb,
    faults::{PUT, connected, count, engine, fault_injected, item, planned_by},
    gateway::next_text,
    lambda::{self, answer, function},
};

const HOUR: Duration = Duration::from_secs(60 * 60);
const HOUR_IN_MS: [u64; 2] = [60 * 60 * 1000; 2];

#[tokio::test]
async fn latency_delays_a_dynamodb_call_before_its_effect() {
    let engine = engine().await;
    let clock = Clock::default();
    let faults = planned_by(
        clock.clone(),
        json!([{ "dynamodb": "latency", "ms": HOUR_IN_MS }]),
    );
    let (_proxy, address, send) = dynamodb::open_with_faults(&engine, faults.clone()).await;
    let mut late = pin!(dynamodb::call(&send, &address, PUT, item("late")));
    tokio::select! {
        answer = &mut late => panic!("{answer:?}"),
        () = fault_injected(&faults) => {}
    }
    // Without the delay it would finish before this call, which starts later.
    tokio::select! {
        biased;
        answer = &mut late => panic!("{answer:?}"),
        found = count(&address) => assert_eq!(found, 0),
    }
    clock.set_ahead(HOUR).unwrap();
    assert_eq!(late.await.0, 200);
    assert_eq!(count(&address).await, 1);
}

#[tokio::test]
async fn a_slow_consumer_delays_one_post_and_not_the_next() {
    // The connection has its own clock, so that it does not reach its maximum age.
    let (clock, ages) = (Clock::default(), Clock::default());
    let rule = json!([{ "management": "slowConsumer", "times": 1, "ms": HOUR_IN_MS }]);
    let faults = planned_by(clock.clone(), rule);
    let (gateway, mut client, connection, _calls) = connected(&faults, &ages).await;
    let mut late = pin!(gateway.manage("POST", &connection, "late"));
    tokio::select! {
        answer = &mut late => panic!("{answer:?}"),
        () = fault_injected(&faults) => {}
    }
    tokio::select! {
        biased;
        answer = &mut late => panic!("{answer:?}"),
        swift = gateway.manage("POST", &connection, "swift") => assert_eq!(swift.status(), 200),
    }
    clock.set_ahead(HOUR).unwrap();
    assert_eq!(late.await.status(), 200);
    assert_eq!(next_text(&mut client).await, "swift");
    assert_eq!(next_text(&mut client).await, "late");
}

#[tokio::test]
async fn disconnect_is_called_later() {
    let (clock, ages) = (Clock::default(), Clock::default());
    let rule = json!([{ "connection": "disconnectLate", "times": 1, "ms": HOUR_IN_MS }]);
    let faults = planned_by(clock.clone(), rule);
    let (gateway, mut client, _, mut calls) = connected(&faults, &ages).await;
    client.close(None).await.unwrap();
    while client.next().await.is_some() {}
    fault_injected(&faults).await;
    // Without the delay it would be called before the functions of a later connection.
    let mut other = gateway.connect().await;
    calls.next("Connect").await;
    other.close(None).await.unwrap();
    calls.next("Disconnect").await;
    calls.assert_none();
    clock.set_ahead(HOUR).unwrap();
    calls.next("Disconnect").await;
}

#[tokio::test]
async fn lambda_throttles_and_starts_slowly() {
    let clock = Clock::default();
    let rules = json!([
        { "function": "slowStart", "on": ["Send"], "ms": HOUR_IN_MS },
        { "function": "throttle", "on": ["Send"], "times": 1 },
    ]);
    let faults = planned_by(clock.clone(), rules);
    let functions = [function("Send"), function("Other")];
    let (lambda, _) = lambda::start_with_faults(functions, 1, faults.clone()).await;
    let refused = lambda
        .invoke("Send", "{}".into(), lambda::not_queued())
        .await;
    assert_eq!(refused, Err(InvokeError::Throttled));
    let late = lambda::spawn(&lambda, "Send", json!({}));
    fault_injected(&faults).await;
    // Another function, without the fault, is not delayed.
    answer(lambda::call(&lambda, "Other", json!({})).await);
    assert!(!late.is_finished());
    clock.set_ahead(HOUR).unwrap();
    answer(late.await.unwrap());
}

//! Limits on the duration and the number of invocations, and what happens beyond them.

use std::{
    collections::BTreeSet,
    fs,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::body::Bytes;
use harness::{
    invoke::{Invoke, InvokeError, Outcome},
    stack::Function,
};
use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    sync::oneshot::{self, error::TryRecvError},
    time::timeout,
};

use crate::lambda::{
    Meeting, answer, call, error, function, is_gone, mark, not_queued, spawn, start,
    with_environment,
};

/// Calls `One` so often without waiting. Its events do not end before they meet.
fn begin_calls<I: Invoke + Clone>(
    lambda: &I,
    meeting: &Meeting,
    number: usize,
) -> Vec<Pin<Box<impl Future<Output = Result<Outcome, InvokeError>> + use<I>>>> {
    let mut calls: Vec<_> = (0..number)
        .map(|number| {
            let event = meeting.event(number).to_string();
            let lambda = lambda.clone();
            Box::pin(async move { lambda.invoke("One", event.into(), not_queued()).await })
        })
        .collect();
    for call in &mut calls {
        let mut unwoken = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut unwoken).is_pending());
    }
    calls
}

#[tokio::test]
async fn a_function_over_its_timeout_is_killed() {
    let slow = Function {
        timeout: Duration::from_millis(1500),
        ..function("Slow")
    };
    let (lambda, _) = start([slow], 1).await;
    let first = answer(call(&lambda, "Slow", json!({})).await);
    let killed = error(call(&lambda, "Slow", json!({ "do": "hang" })).await);
    assert_eq!(killed["errorType"], "Sandbox.Timedout");
    let reason = "Error: Task timed out after 1.50 seconds";
    assert!(
        killed["errorMessage"].as_str().unwrap().ends_with(reason),
        "{killed}"
    );
    assert!(is_gone(&first["pid"]));
    lambda.stop().await;
}

#[tokio::test]
async fn events_beyond_the_concurrency_wait_in_order() {
    let (lambda, _) = start([function("One")], 2).await;
    let meeting = Meeting::new().await;
    // Accepted in this order, which is the order of the calls and not of the polls.
    let calls: Vec<_> = (0..5)
        .map(|number| spawn(&lambda, "One", meeting.event(number)))
        .collect();
    let (first_pid, _, mut first) = meeting.next().await;
    let (second_pid, _, mut second) = meeting.next().await;
    let mut order = Vec::new();
    for _ in 2..5 {
        first.write_u8(1).await.unwrap();
        let (pid, number, next) = meeting.next().await;
        assert!(
            [first_pid, second_pid].contains(&pid),
            "there is no third process"
        );
        order.push(number);
        first = std::mem::replace(&mut second, next);
    }
    assert_eq!(order, [2, 3, 4]);
    for stream in [&mut first, &mut second] {
        stream.write_u8(1).await.unwrap();
    }
    let mut pids = BTreeSet::new();
    for call in calls {
        pids.insert(answer(call.await.unwrap())["pid"].to_string());
    }
    assert_eq!(pids.len(), 2);
    lambda.stop().await;
}

#[tokio::test]
async fn the_queue_signal_ends_when_a_process_is_coming() {
    let (lambda, _) = start([function("One")], 1).await;
    let meeting = Meeting::new().await;
    let invoke = |number| {
        let (queued, taken) = oneshot::channel::<()>();
        let (lambda, event) = (lambda.clone(), meeting.event(number));
        let ended = tokio::spawn(async move {
            lambda
                .invoke("One", event.to_string().into(), queued)
                .await
                .unwrap()
        });
        (taken, ended)
    };
    let (taken, first) = invoke(1);
    // A process is coming for the first event, so it is in a cold start and not in a queue.
    taken.await.unwrap_err();
    let (_, _, mut go_on) = meeting.next().await;
    let (mut taken, second) = invoke(2);
    tokio::task::yield_now().await;
    assert_eq!(taken.try_recv(), Err(TryRecvError::Empty));
    go_on.write_u8(1).await.unwrap();
    taken.await.unwrap_err();
    answer(first.await.unwrap());
    let (_, number, mut go_on) = meeting.next().await;
    assert_eq!(number, 2);
    go_on.write_u8(1).await.unwrap();
    answer(second.await.unwrap());
    lambda.stop().await;
}

#[tokio::test]
async fn reserved_concurrency_throttles() {
    let reserved = Function {
        reserved_concurrency: Some(1),
        ..function("One")
    };
    let (lambda, address) = start([reserved], 8).await;
    let meeting = Meeting::new().await;
    let call = spawn(&lambda, "One", meeting.event(1));
    let (_, _, mut stream) = meeting.next().await;
    let throttled = lambda
        .invoke("One", Bytes::from_static(b"{}"), not_queued())
        .await;
    assert_eq!(throttled, Err(InvokeError::Throttled));
    let throttled = reqwest::Client::new()
        .post(format!("{address}/One/invocations"))
        .send()
        .await
        .unwrap();
    assert_eq!(throttled.status(), 429);
    stream.write_u8(1).await.unwrap();
    answer(call.await.unwrap());
    lambda.stop().await;
}

#[tokio::test]
async fn functions_share_the_concurrency_of_the_account() {
    let reserved = Function {
        reserved_concurrency: Some(10),
        ..function("Reserved")
    };
    let (lambda, _) = start([function("One"), function("Other"), reserved], 1).await;
    // A waiting event counts only after the function's first answer, since its duration is unknown
    // before.
    answer(call(&lambda, "One", json!({})).await);
    let meeting = Meeting::new().await;
    let mut calls = begin_calls(&lambda, &meeting, 990);
    let beyond = lambda.invoke("Other", Bytes::from_static(b"{}"), not_queued());
    assert_eq!(beyond.await, Err(InvokeError::Throttled));
    answer(call(&lambda, "Reserved", json!({})).await);

    let (_, _, mut stream) = meeting.next().await;
    stream.write_u8(1).await.unwrap();
    answer(calls.remove(0).await.unwrap());
    answer(call(&lambda, "Other", json!({})).await);
    lambda.stop().await;
}

#[tokio::test]
async fn events_of_a_function_that_never_answered_throttle_no_other_function() {
    let (lambda, _) = start([function("One"), function("Other")], 1).await;
    let meeting = Meeting::new().await;
    let _calls = begin_calls(&lambda, &meeting, 1_500);
    answer(call(&lambda, "Other", json!({})).await);
    lambda.stop().await;
}

#[tokio::test]
async fn events_that_wait_for_a_process_count_for_as_long_as_they_would_run() {
    let (lambda, _) = start([function("One"), function("Other")], 1).await;
    // How long the function takes is known after its first answer.
    answer(call(&lambda, "One", json!({})).await);
    let meeting = Meeting::new().await;
    let _calls = begin_calls(&lambda, &meeting, 1_000);
    let other = async {
        loop {
            let event = Bytes::from_static(b"{}");
            match lambda.invoke("Other", event, not_queued()).await {
                Err(InvokeError::Throttled) => tokio::task::yield_now().await,
                outcome => break answer(outcome.unwrap()),
            }
        }
    };
    timeout(Duration::from_secs(20), other)
        .await
        .expect("an event that waits stops counting");
    lambda.stop().await;
}

#[tokio::test]
async fn no_more_than_5000_events_of_a_function_wait_for_a_process() {
    let (lambda, _) = start([function("One"), function("Other")], 1).await;
    answer(call(&lambda, "One", json!({})).await);
    let meeting = Meeting::new().await;
    let begin = |number: usize| {
        let event = meeting.event(number).to_string();
        let lambda = lambda.clone();
        let mut call =
            Box::pin(async move { lambda.invoke("One", event.into(), not_queued()).await });
        let first = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        (call, first)
    };
    // One event runs, the others wait. An attempt is throttled while too many of them count.
    let mut calls = Vec::new();
    while calls.len() < 5_001 {
        let (call, first) = begin(calls.len());
        match first {
            Poll::Pending => calls.push(call),
            Poll::Ready(outcome) => {
                assert_eq!(outcome, Err(InvokeError::Throttled));
                tokio::task::yield_now().await;
            }
        }
    }
    // The account has room again once another function is served.
    loop {
        let event = Bytes::from_static(b"{}");
        match lambda.invoke("Other", event, not_queued()).await {
            Err(InvokeError::Throttled) => tokio::task::yield_now().await,
            outcome => break drop(answer(outcome.unwrap())),
        }
    }
    let (_, beyond) = begin(5_001);
    assert_eq!(beyond, Poll::Ready(Err(InvokeError::Throttled)));
    lambda.stop().await;
}

#[tokio::test]
async fn no_more_than_64_megabytes_of_events_of_a_function_wait_for_a_process() {
    let (lambda, _) = start([function("One")], 1).await;
    let meeting = Meeting::new().await;
    let _running = begin_calls(&lambda, &meeting, 1);
    let _met = meeting.next().await;
    let padding = " ".repeat(4 * 1024 * 1024);
    let mut calls = Vec::new();
    let throttled = loop {
        let event = meeting.event(calls.len()).to_string() + &padding;
        let lambda = lambda.clone();
        let mut call =
            Box::pin(async move { lambda.invoke("One", event.into(), not_queued()).await });
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => calls.push(call),
            Poll::Ready(outcome) => break outcome,
        }
        assert!(calls.len() < 100, "nothing bounds the bytes");
    };
    assert_eq!(throttled, Err(InvokeError::Throttled));
    // Each event has slightly more than 4 MB.
    assert_eq!(calls.len(), 15);
    lambda.stop().await;
}

#[tokio::test]
async fn a_failed_init_is_retried_once_and_then_fails_the_event() {
    let mark = mark();
    let once = with_environment(
        function("Once"),
        &[("INIT", "exit once"), ("MARK", mark.to_str().unwrap())],
    );
    let always = with_environment(function("Always"), &[("INIT", "exit")]);
    let (lambda, _) = start([once, always], 1).await;
    answer(call(&lambda, "Once", json!({})).await);
    for _ in 0..2 {
        let failed = error(call(&lambda, "Always", json!({})).await);
        assert_eq!(failed["errorType"], "Runtime.ExitError");
        let reason = "Error: Runtime exited with error: exit status 3";
        assert!(
            failed["errorMessage"].as_str().unwrap().ends_with(reason),
            "{failed}"
        );
    }
    lambda.stop().await;
    fs::remove_file(mark).unwrap();
}

#[tokio::test]
async fn a_hanging_init_is_retried_once_within_the_functions_timeout() {
    let mut hanging = with_environment(function("Hanging"), &[("INIT", "hang")]);
    hanging.timeout = Duration::from_secs(1);
    let (lambda, _) = start([hanging], 1).await;
    let failed = error(call(&lambda, "Hanging", json!({})).await);
    assert_eq!(failed["errorType"], "Sandbox.Timedout");
    let message = failed["errorMessage"].as_str().unwrap();
    assert!(
        message.ends_with("Task timed out after 1.00 seconds"),
        "{message}"
    );
    lambda.stop().await;
}

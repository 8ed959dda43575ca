//! The Invoke API: its answers and permissions.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use harness::{
    faults::Faults,
    gateway::clock::Clock,
    iam::{Credentials, Service},
    stack::Asynchronous,
};
use serde_json::{Value, json};

use tokio::io::AsyncWriteExt;

use crate::{
    access,
    lambda::{self, Meeting, answer, call, function, start},
};

#[tokio::test]
async fn the_invoke_api_answers_as_aws_does() {
    let (lambda, address) = start([function("One")], 1).await;
    let client = reqwest::Client::new();
    // Function, invocation type, body; status, error type or function error, part of the body.
    let table = [
        (
            "One",
            "RequestResponse",
            r#"{"n":1}"#,
            200,
            "",
            r#""event":{"n":1}"#,
        ),
        ("One", "RequestResponse", "", 200, "", r#""event":{}"#),
        (
            "test-One:$LATEST",
            "RequestResponse",
            "[]",
            200,
            "",
            r#""event":[]"#,
        ),
        (
            "One",
            "RequestResponse",
            r#"{"do":"fail"}"#,
            200,
            "Unhandled",
            "as you wished",
        ),
        ("One", "DryRun", "{}", 204, "", ""),
        ("One", "Event", "{}", 202, "", ""),
        (
            "One",
            "Sometime",
            "{}",
            400,
            "InvalidParameterValueException",
            "Sometime",
        ),
        (
            "One",
            "RequestResponse",
            "{",
            400,
            "InvalidRequestContentException",
            "Could not parse",
        ),
        (
            "None",
            "RequestResponse",
            "{}",
            404,
            "ResourceNotFoundException",
            "function:None",
        ),
        // The only version is `$LATEST`.
        (
            "One:live",
            "RequestResponse",
            "{}",
            404,
            "ResourceNotFoundException",
            "function:One:live",
        ),
    ];
    for (function, kind, body, status, failure, contains) in table {
        let response = client
            .post(format!("{address}/{function}/invocations"))
            .header("x-amz-invocation-type", kind)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{function} {kind} {body}");
        let headers = response.headers();
        let header = headers
            .get("x-amz-function-error")
            .or(headers.get("x-amzn-errortype"));
        assert_eq!(
            header.map_or("", |value| value.to_str().unwrap()),
            failure,
            "{function} {kind} {body}"
        );
        let text = response.text().await.unwrap();
        assert!(text.contains(contains), "{function} {kind} {body}: {text}");
    }
    let too_large = client
        .post(format!("{address}/One/invocations"))
        .body(" ".repeat(harness::lambda::MAX_PAYLOAD + 1))
        .send()
        .await
        .unwrap();
    assert_eq!(too_large.status(), 413);
    let with_context = client
        .post(format!("{address}/One/invocations"))
        .header("x-amz-client-context", "eyJjdXN0b20iOnt9LCJlbnYiOnt9fQ==")
        .send()
        .await
        .unwrap();
    assert_eq!(with_context.json::<Value>().await.unwrap()["client"], true);
    for (query, length, status) in [
        ("?Qualifier=%24LATEST", 2685, 200),
        ("?Qualifier=live", 20, 404),
        ("", 2688, 400),
    ] {
        let context = format!(r#"{{"custom":{{"x":"{}"}}}}"#, "x".repeat(length - 19));
        let response = client
            .post(format!("{address}/One/invocations{query}"))
            .header("x-amz-client-context", BASE64_STANDARD.encode(context))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{query} {length}");
    }
    lambda.stop().await;
}

/// Invokes the function One asynchronously with the first event of the meeting.
async fn leave_event(address: &str, meeting: &Meeting) {
    let taken = reqwest::Client::new()
        .post(format!("{address}/One/invocations"))
        .header("x-amz-invocation-type", "Event")
        .body(meeting.event(1).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status(), 202);
}

#[tokio::test]
async fn an_event_that_fails_is_repeated_twice_after_minutes() {
    let clock = Clock::default();
    let faults = Faults::new(clock.clone());
    let (lambda, address) = lambda::start_with_faults([function("One")], 1, faults).await;
    let meeting = Meeting::new().await;
    leave_event(&address, &meeting).await;
    // Without an answer the function fails.
    drop(meeting.next().await);
    for least in [50, 110] {
        let (_, later) = meeting.next_by(&clock).await;
        assert!(later >= Duration::from_secs(least), "{later:?}");
    }
    // The event was dropped after its last attempt: the next one is another event.
    clock
        .set_ahead(clock.ahead() + Duration::from_secs(60 * 60))
        .unwrap();
    let other = lambda::spawn(&lambda, "One", meeting.event(2));
    let (_, number, mut go_on) = meeting.next().await;
    assert_eq!(number, 2);
    go_on.write_u8(1).await.unwrap();
    answer(other.await.unwrap());
    lambda.stop().await;
}

#[tokio::test]
async fn an_event_is_repeated_as_often_as_its_function_is_configured() {
    let one_minute = Duration::from_secs(60);
    // The retries, the age, and how often the event comes: a second retry is three minutes old.
    let table = [
        (0, 60 * one_minute, 1),
        (1, 60 * one_minute, 2),
        (2, 2 * one_minute, 2),
        (2, 3 * one_minute, 3),
    ];
    for (retries, age, times) in table {
        let mut one = function("One");
        one.asynchronous = Asynchronous { retries, age };
        let clock = Clock::default();
        let faults = Faults::new(clock.clone());
        let (lambda, address) = lambda::start_with_faults([one], 1, faults).await;
        let meeting = Meeting::new().await;
        leave_event(&address, &meeting).await;
        drop(meeting.next().await);
        for _ in 1..times {
            drop(meeting.next_by(&clock).await);
        }
        clock
            .set_ahead(clock.ahead() + Duration::from_secs(60 * 60))
            .unwrap();
        let other = lambda::spawn(&lambda, "One", meeting.event(2));
        let (_, number, mut go_on) = meeting.next().await;
        assert_eq!(number, 2, "{retries} {age:?}");
        go_on.write_u8(1).await.unwrap();
        answer(other.await.unwrap());
        lambda.stop().await;
    }
}

#[tokio::test]
async fn a_signed_invocation_needs_a_valid_signature_and_permission() {
    let two = "arn:aws:lambda:us-east-1:123456789012:function:test-Two";
    let one = access::function("One", &[access::allow("lambda:InvokeFunction", two)]);
    let (lambda, address) = start([one, function("Two")], 1).await;
    let seen = answer(call(&lambda, "One", json!({ "do": "environment" })).await);
    let text = |name: &str| seen[name].as_str().unwrap().to_owned();
    let own = Credentials {
        access_key_id: text("AWS_ACCESS_KEY_ID"),
        secret_access_key: text("AWS_SECRET_ACCESS_KEY"),
        session_token: Some(text("AWS_SESSION_TOKEN")),
    };
    let without_token = Credentials {
        session_token: None,
        ..own.clone()
    };
    let denied = "User: arn:aws:sts::123456789012:assumed-role/OneRole/test-One is not authorized to perform: \
                  lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:123456789012:function:test-One because no \
                  identity-based policy allows the lambda:InvokeFunction action";
    let table = [
        (&own, "test-Two", 200, "", json!(null)),
        (
            &Credentials::administrator(),
            "test-One",
            200,
            "",
            json!(null),
        ),
        (
            &own,
            "test-One",
            403,
            "AccessDeniedException",
            json!({ "Message": denied }),
        ),
        (
            &without_token,
            "test-Two",
            403,
            "UnrecognizedClientException",
            json!({ "message": "The security token included in the request is invalid." }),
        ),
    ];
    for (credentials, function, status, kind, body) in table {
        let request = reqwest::Client::new().post(format!("{address}/{function}/invocations"));
        let response = access::send_signed(credentials, Service::Lambda, request).await;
        assert_eq!(response.status(), status, "{credentials:?} {function}");
        let given = response.headers().get("x-amzn-errortype");
        assert_eq!(given.map_or("", |given| given.to_str().unwrap()), kind);
        if status != 200 {
            assert_eq!(response.json::<Value>().await.unwrap(), body);
        }
    }
    lambda.stop().await;
}

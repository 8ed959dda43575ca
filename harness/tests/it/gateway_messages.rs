//! Which routes messages take, and what clients get back.

use std::{sync::Arc, time::Duration};

use futures_util::SinkExt;
use harness::invoke::InvokeError;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

use crate::gateway::{
    Gateway, Script, answer, api, connection_id, function_error, next_text, polite,
};

/// Returns what a client reads after one message, on an API with the functions of `script`.
async fn frame_for(script: Script, with_default: bool, message: &str) -> Value {
    let (functions, mut calls) = script.functions();
    let mut api = api();
    if with_default {
        let mut route = api.routes["chat"].clone();
        route.target = "Default".into();
        api.routes.insert("$default".into(), route);
    }
    let gateway = Gateway::start(api, functions).await;
    let mut client = gateway.connect().await;
    let connection = connection_id(&calls.next("Connect").await);
    client.send(Message::text(message)).await.unwrap();
    let mut frame: Value = serde_json::from_str(&next_text(&mut client).await).unwrap();
    // Whatever the result, the connection stays open.
    client.send(Message::Ping("alive".into())).await.unwrap();
    assert_eq!(
        futures_util::StreamExt::next(&mut client)
            .await
            .unwrap()
            .unwrap(),
        Message::Pong("alive".into())
    );
    if let Some(id) = frame.get_mut("connectionId") {
        assert_eq!(id.take(), connection);
        assert!(frame["requestId"].take().is_string());
    }
    frame
}

#[tokio::test]
async fn messages_take_their_route_and_errors_are_frames() {
    let error = |message| json!({ "message": message, "connectionId": null, "requestId": null });
    let default = || {
        polite().running("Default", |event| std::future::ready(answer(&json!({ "statusCode": 200, "body": event["requestContext"]["routeKey"].to_string() }))))
    };
    let chat = |result| polite().returning("Chat", result);
    let to_chat = r#"{"action":"chat"}"#;
    for (script, with_default, message, expected) in [
        (polite(), false, to_chat, json!({ "action": "chat" })),
        (
            polite(),
            false,
            r#"{"action":"nobody"}"#,
            error("Forbidden"),
        ),
        (polite(), false, "no JSON", error("Forbidden")),
        (
            polite(),
            false,
            r#"{"action":"$connect"}"#,
            error("Forbidden"),
        ),
        (default(), true, r#"{"action":"nobody"}"#, json!("$default")),
        (default(), true, "no JSON", json!("$default")),
        (
            default(),
            true,
            r#"{"action":"$disconnect"}"#,
            json!("$default"),
        ),
        (default(), true, r#"{"action":"Chat"}"#, json!("$default")),
        (
            chat(function_error("broken")),
            false,
            to_chat,
            error("Internal server error"),
        ),
        (
            chat(Err(InvokeError::Throttled)),
            false,
            to_chat,
            error("Internal server error"),
        ),
        (
            chat(answer(&json!({ "statusCode": 400, "body": "hidden" }))),
            false,
            to_chat,
            error("Internal server error"),
        ),
        (
            polite().returning("Quiet", function_error("broken")),
            false,
            r#"{"action":"quiet"}"#,
            error("Internal server error"),
        ),
    ] {
        assert_eq!(
            frame_for(script, with_default, message).await,
            expected,
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_slow_function_is_an_error_frame() {
    let (functions, _calls) = polite()
        .running("Chat", |_| std::future::pending())
        .functions();
    let mut api = api();
    api.routes.get_mut("chat").unwrap().timeout = Duration::from_millis(1);
    let gateway = Gateway::start(api, functions).await;
    let mut client = gateway.connect().await;
    client
        .send(Message::text(r#"{"action":"chat"}"#))
        .await
        .unwrap();
    let frame: Value = serde_json::from_str(&next_text(&mut client).await).unwrap();
    assert_eq!(frame["message"], "Endpoint request timed out");
}

#[tokio::test]
async fn without_a_route_response_or_a_body_there_is_no_reply() {
    let silent = |event: Value| {
        let body = event["body"].as_str().unwrap();
        answer(&if body.contains("loud") {
            json!({ "statusCode": 200, "body": "loud" })
        } else {
            json!(null)
        })
    };
    let (functions, mut calls) = polite()
        .running("Chat", move |event| std::future::ready(silent(event)))
        .functions();
    let gateway = Gateway::start(api(), functions).await;
    let mut client = gateway.connect().await;
    let connection = connection_id(&calls.next("Connect").await);
    for (message, function) in [
        (r#"{"action":"quiet"}"#, "Quiet"),
        (r#"{"action":"chat"}"#, "Chat"),
        (r#"{"action":"chat","loud":true}"#, "Chat"),
    ] {
        client.send(Message::text(message)).await.unwrap();
        calls.next(function).await;
    }
    assert_eq!(next_text(&mut client).await, "loud");
    // Deleting sends queued messages first, so nothing can follow it.
    assert_eq!(
        gateway.manage("DELETE", &connection, "").await.status(),
        204
    );
    let last = futures_util::StreamExt::next(&mut client)
        .await
        .unwrap()
        .unwrap();
    assert!(last.is_close(), "{last:?}");
}

#[tokio::test]
async fn messages_of_one_connection_run_concurrently() {
    let second_called = Arc::new(Notify::new());
    let script = polite().running("Chat", move |event| {
        let second_called = Arc::clone(&second_called);
        async move {
            // The first call ends only because the second one has started.
            if event["body"].as_str().unwrap().contains("first") {
                second_called.notified().await
            } else {
                second_called.notify_one()
            }
            answer(&json!({ "statusCode": 200, "body": event["body"] }))
        }
    });
    let (functions, _calls) = script.functions();
    let gateway = Gateway::start(api(), functions).await;
    let mut client = gateway.connect().await;
    for name in ["first", "second"] {
        client
            .send(Message::text(format!(
                r#"{{"action":"chat","name":"{name}"}}"#
            )))
            .await
            .unwrap();
    }
    let replies = [next_text(&mut client).await, next_text(&mut client).await];
    assert!(
        replies.iter().any(|reply| reply.contains("first"))
            && replies.iter().any(|reply| reply.contains("second"))
    );
}

//! Throttles of stages and routes, with the gateway's clock.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::Router;
use futures_util::SinkExt;
use harness::{
    faults::Faults,
    gateway::{clock::Clock, http, websocket::Connections},
    iam::{Access, Signatures},
    stack::{Throttle, Throttling, WebSocketApi},
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    access::stack,
    gateway::{self, Calls, Gateway, authorizer, connection_id, next_text, policy, polite},
    gateway_http::{self, ok, status_and_json},
};

/// Returns a bucket of `burst` tokens that gains one in a hundred seconds, so that it gains none
/// during a slow run of the tests.
fn slow(burst: u32) -> Throttle {
    Throttle { rate: 0.01, burst }
}

const UNTIL_THE_NEXT_TOKEN: Duration = Duration::from_secs(100);

fn routes<const N: usize>(throttles: [(&str, Throttle); N]) -> Throttling {
    let named = throttles.map(|(key, throttle)| (key.to_owned(), throttle));
    Throttling {
        default: None,
        routes: BTreeMap::from(named),
    }
}

/// Starts a WebSocket API with these throttles and an authorizer that allows everything.
async fn throttled(throttling: Throttling) -> (Gateway, Calls, Clock) {
    let (functions, calls) = polite()
        .answering("Authorizer", policy("Allow", "*", &json!({})))
        .functions();
    let api = WebSocketApi {
        throttling,
        authorizer: authorizer(&[]),
        ..gateway::api()
    };
    let clock = Clock::default();
    let connections = Connections::new(Faults::default(), clock.clone());
    let access = Access::from_stack(&stack([]), Signatures::Verified);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::start_among(listener, api, access, functions, connections);
    (gateway, calls, clock)
}

#[tokio::test]
async fn a_throttled_message_is_an_error_frame_and_calls_no_function() {
    let (gateway, mut calls, clock) = throttled(routes([("chat", slow(2))])).await;
    let mut client = gateway.connect().await;
    calls.next("Authorizer").await;
    let connection = connection_id(&calls.next("Connect").await);
    let mut say = async || -> Value {
        let frame = r#"{"action":"chat"}"#;
        client.send(Message::text(frame)).await.unwrap();
        serde_json::from_str(&next_text(&mut client).await).unwrap()
    };
    let echo = json!({ "action": "chat" });
    for expected in [Some(&echo), Some(&echo), None, None] {
        let mut frame = say().await;
        if let Some(expected) = expected {
            assert_eq!(&frame, expected);
            calls.next("Chat").await;
            continue;
        }
        assert!(frame["requestId"].take().is_string());
        let error = json!({ "message": "Too Many Requests", "connectionId": connection, "requestId": null });
        assert_eq!(frame, error);
    }
    calls.assert_none();
    clock.set_ahead(UNTIL_THE_NEXT_TOKEN).unwrap();
    assert_eq!(say().await, echo);
}

#[tokio::test]
async fn a_throttled_handshake_is_a_429_and_calls_no_function() {
    let (gateway, mut calls, clock) = throttled(routes([("$connect", slow(1))])).await;
    let open = gateway.connect().await;
    for function in ["Authorizer", "Connect"] {
        calls.next(function).await;
    }
    let (status, body) = gateway.rejected_handshake(gateway.url()).await;
    assert_eq!(
        (status, &body["message"]),
        (429, &json!("Too Many Requests"))
    );
    calls.assert_none();
    clock.set_ahead(UNTIL_THE_NEXT_TOKEN).unwrap();
    gateway.connect().await;
    drop(open);
}

#[tokio::test]
async fn the_end_of_a_connection_is_never_throttled() {
    let throttling = Throttling {
        default: Some(slow(1)),
        routes: BTreeMap::from([("$disconnect".to_owned(), slow(0))]),
    };
    let (gateway, mut calls, _) = throttled(throttling).await;
    drop(gateway.connect().await);
    for function in ["Authorizer", "Connect", "Disconnect"] {
        calls.next(function).await;
    }
}

#[tokio::test]
async fn a_throttled_http_request_is_a_429_and_calls_no_function() {
    let mut api = gateway_http::api();
    api.throttling = Throttling {
        default: Some(slow(1)),
        ..routes([("POST /rooms/{id}", slow(2))])
    };
    let clock = Clock::default();
    let (functions, mut calls) = ok()
        .answering("Authorizer", json!({ "isAuthorized": true }))
        .functions();
    let router = http::router(Arc::new(api), functions, clock.clone(), Router::new()).unwrap();
    let (address, _shutdown) = gateway::serve_http(router).await;
    let ask = async |method: Method, path: &str| {
        let request = gateway::http().request(method, format!("http://{address}{path}"));
        let request = request.header("Authorization", "token");
        request.send().await.unwrap()
    };
    for (path, status) in [("/rooms/a", 200), ("/rooms/b", 200), ("/rooms/a", 429)] {
        assert_eq!(ask(Method::POST, path).await.status(), status, "{path}");
    }
    assert_eq!(ask(Method::GET, "/open").await.status(), 200);
    // All methods of `ANY /open` are one route.
    let refused = ask(Method::PUT, "/open").await;
    assert!(refused.headers().contains_key("apigw-requestid"));
    let expected = (429, json!({ "message": "Too Many Requests" }));
    assert_eq!(status_and_json(refused).await, expected);
    for _ in 0..3 {
        calls.next("Rest").await;
    }
    assert_eq!(ask(Method::GET, "/guarded").await.status(), 200);
    for function in ["Authorizer", "Rest"] {
        calls.next(function).await;
    }
    assert_eq!(ask(Method::GET, "/guarded").await.status(), 429);
    calls.assert_none();
    clock.set_ahead(UNTIL_THE_NEXT_TOKEN).unwrap();
    assert_eq!(ask(Method::GET, "/open").await.status(), 200);
}

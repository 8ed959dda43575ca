//! Handshakes, and the events of a connection's life.

use std::time::Duration;

use futures_util::SinkExt;
use harness::invoke::{InvokeError, Outcome};
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{ClientRequestBuilder, Message, client::IntoClientRequest},
};

use crate::gateway::{
    Gateway, answer, api, authorizer, connection_id, function_error, http, keys, policy, polite,
};

const CONTEXT: [&str; 13] = [
    "apiId",
    "connectedAt",
    "connectionId",
    "domainName",
    "eventType",
    "extendedRequestId",
    "identity",
    "messageDirection",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "routeKey",
    "stage",
];

fn assert_context(event: &Value, route_key: &str, event_type: &str, more: &[&str]) {
    let context = &event["requestContext"];
    assert_eq!(keys(context), CONTEXT.iter().chain(more).copied().collect());
    assert_eq!(context["routeKey"], route_key);
    assert_eq!(context["eventType"], event_type);
    assert_eq!(context["requestId"], context["extendedRequestId"]);
    assert_eq!(context["stage"], "prod");
    assert_eq!(context["apiId"], "abcdef1234");
    assert_eq!(context["messageDirection"], "IN");
    assert!(
        context["connectedAt"].as_u64().unwrap() <= context["requestTimeEpoch"].as_u64().unwrap()
    );
}

#[tokio::test]
async fn the_three_kinds_of_events_have_exactly_the_real_keys() {
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(api(), functions).await;
    let mut client = gateway.connect().await;

    let connect = calls.next("Connect").await;
    assert_eq!(
        keys(&connect),
        [
            "headers",
            "isBase64Encoded",
            "multiValueHeaders",
            "requestContext"
        ]
        .into()
    );
    assert_context(&connect, "$connect", "CONNECT", &[]);
    let names = [
        "Host",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
    ];
    assert_eq!(keys(&connect["headers"]), names.into());
    assert_eq!(keys(&connect["multiValueHeaders"]), names.into());
    assert_eq!(connect["headers"]["X-Forwarded-For"], "127.0.0.1");
    assert_eq!(
        connect["requestContext"]["identity"],
        json!({ "sourceIp": "127.0.0.1" })
    );
    assert_eq!(
        connect["requestContext"]["domainName"],
        connect["headers"]["Host"]
    );

    client
        .send(Message::text(r#"{"action":"chat"}"#))
        .await
        .unwrap();
    let message = calls.next("Chat").await;
    assert_eq!(
        keys(&message),
        ["body", "isBase64Encoded", "requestContext"].into()
    );
    assert_context(&message, "chat", "MESSAGE", &["messageId"]);
    assert_eq!(message["body"], r#"{"action":"chat"}"#);
    for repeated in ["connectionId", "connectedAt", "identity", "domainName"] {
        assert_eq!(
            message["requestContext"][repeated],
            connect["requestContext"][repeated]
        );
    }

    client.close(None).await.unwrap();
    let disconnect = calls.next("Disconnect").await;
    assert_eq!(
        keys(&disconnect),
        [
            "headers",
            "isBase64Encoded",
            "multiValueHeaders",
            "requestContext"
        ]
        .into()
    );
    assert_context(
        &disconnect,
        "$disconnect",
        "DISCONNECT",
        &["disconnectReason", "disconnectStatusCode"],
    );
    let host = gateway.address.to_string();
    assert_eq!(
        disconnect["headers"],
        json!({ "Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "" })
    );
    assert_eq!(disconnect["requestContext"]["disconnectStatusCode"], 1005);
    assert_eq!(
        disconnect["requestContext"]["disconnectReason"],
        "Client-side close frame status not set"
    );
    assert_eq!(connection_id(&disconnect), connection_id(&connect));
}

#[tokio::test]
async fn a_handshake_is_passed_on_as_sent() {
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(api(), functions).await;
    let uri = format!("{}?room=a%20b&room=c&empty=", gateway.url())
        .parse()
        .unwrap();
    let request = ClientRequestBuilder::new(uri)
        .with_header("User-Agent", "test")
        .with_header("Cookie", "a=1; b=2")
        .with_sub_protocol("one")
        .with_sub_protocol("two");
    // The protocol is not confirmed, so the client gives up. The test reads the event.
    connect_async(request).await.unwrap_err();
    let event = calls.next("Connect").await;
    assert_eq!(event["headers"]["Sec-WebSocket-Protocol"], "one, two");
    assert_eq!(
        event["headers"]["cookie"], "a=1; b=2",
        "this client writes its own headers in lower case: {event}"
    );
    assert_eq!(
        event["queryStringParameters"],
        json!({ "room": "c", "empty": "" })
    );
    assert_eq!(
        event["multiValueQueryStringParameters"],
        json!({ "room": ["a b", "c"], "empty": [""] })
    );
    assert_eq!(
        event["requestContext"]["identity"],
        json!({ "sourceIp": "127.0.0.1", "userAgent": "test" })
    );
    calls.next("Disconnect").await;
}

#[tokio::test]
async fn an_authorizer_sees_the_handshake_and_every_event_has_its_context() {
    let context = json!({ "user": "ann", "expires": 7, "guest": false });
    let arn = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/$connect";
    let (functions, mut calls) = polite()
        .answering("Authorizer", policy("Allow", arn, &context))
        .functions();
    let mut api = api();
    api.authorizer = authorizer(&[
        "route.request.header.Authorization",
        "route.request.querystring.token",
    ]);
    let gateway = Gateway::start(api, functions).await;
    let uri = format!("{}?token=x", gateway.url()).parse().unwrap();
    let request = ClientRequestBuilder::new(uri).with_header("authorization", "Bearer x");
    let (mut client, _) = connect_async(request).await.unwrap();

    let event = calls.next("Authorizer").await;
    let expected = [
        "headers",
        "methodArn",
        "multiValueHeaders",
        "multiValueQueryStringParameters",
        "queryStringParameters",
        "requestContext",
        "stageVariables",
        "type",
    ];
    assert_eq!(keys(&event), expected.into());
    assert_context(&event, "$connect", "CONNECT", &[]);
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(event["methodArn"], arn);
    assert_eq!(event["headers"]["Upgrade"], "websocket");
    assert_eq!(event["headers"]["content-length"], "0");
    assert_eq!(event["queryStringParameters"], json!({ "token": "x" }));
    assert_eq!(event["stageVariables"], json!({}));

    client
        .send(Message::text(r#"{"action":"quiet"}"#))
        .await
        .unwrap();
    let connect = calls.next("Connect").await;
    let message = calls.next("Quiet").await;
    client.close(None).await.unwrap();
    let disconnect = calls.next("Disconnect").await;
    for later in [connect, message, disconnect] {
        let mut authorizer = later["requestContext"]["authorizer"].clone();
        assert!(authorizer["integrationLatency"].take().is_u64());
        assert_eq!(
            authorizer,
            json!({ "principalId": "ann", "user": "ann", "expires": 7, "guest": false, "integrationLatency": null })
        );
        assert_eq!(connection_id(&later), connection_id(&event));
    }
}

#[tokio::test]
async fn a_refused_handshake_has_the_status_of_aws() {
    let throttled = || Err(InvokeError::Throttled);
    let cases = [
        (
            400,
            answer(&json!({ "statusCode": 400, "body": "never shown" })),
        ),
        (401, answer(&json!({ "statusCode": 401 }))),
        (503, answer(&json!({ "statusCode": 503 }))),
        (302, answer(&json!({ "statusCode": 302 }))),
        (502, answer(&json!({ "body": "no status" }))),
        (502, answer(&json!({ "statusCode": 101 }))),
        (502, answer(&json!({ "statusCode": 99999 }))),
        (502, answer(&json!(null))),
        (502, answer(&json!([200]))),
        (502, Ok(Outcome::Answer("no JSON".into()))),
        (502, function_error("broken")),
        (500, throttled()),
    ];
    for (status, result) in cases {
        let (functions, mut calls) = polite().returning("Connect", result.clone()).functions();
        let gateway = Gateway::start(api(), functions).await;
        let (refused, body) = gateway.rejected_handshake(gateway.url()).await;
        assert_eq!(refused, status, "{result:?}");
        assert_eq!(
            keys(&body),
            ["connectionId", "message", "requestId"].into(),
            "{result:?}"
        );
        calls.next("Connect").await;
        calls.assert_none();
    }
}

#[tokio::test]
async fn a_slow_connect_is_a_504() {
    let (functions, _calls) = polite()
        .running("Connect", |_| std::future::pending())
        .functions();
    let mut api = api();
    api.routes.get_mut("$connect").unwrap().timeout = Duration::from_millis(1);
    let gateway = Gateway::start(api, functions).await;
    assert_eq!(gateway.rejected_handshake(gateway.url()).await.0, 504);
}

#[tokio::test]
async fn a_refusing_authorizer_prevents_connect() {
    let nested = policy("Allow", "*", &json!({ "user": { "id": 1 } }));
    let long = policy("Allow", "*", &json!({ "user": "x".repeat(8 * 1024) }));
    let another_route = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/*/*";
    for (status, result) in [
        (403, answer(&policy("Deny", "*", &json!({})))),
        (403, answer(&policy("Allow", another_route, &json!({})))),
        (401, function_error("Unauthorized")),
        (500, function_error("Unauthorized: no token")),
        (500, answer(&json!({ "isAuthorized": true }))),
        (500, answer(&nested)),
        (500, answer(&long)),
        (500, Err(InvokeError::Throttled)),
    ] {
        let (functions, mut calls) = polite().returning("Authorizer", result.clone()).functions();
        let gateway = Gateway::start(
            harness::stack::WebSocketApi {
                authorizer: authorizer(&[]),
                ..api()
            },
            functions,
        )
        .await;
        assert_eq!(
            gateway.rejected_handshake(gateway.url()).await.0,
            status,
            "{result:?}"
        );
        calls.next("Authorizer").await;
        calls.assert_none();
    }
}

#[tokio::test]
async fn a_missing_identity_source_is_a_401_without_a_call() {
    let (functions, mut calls) = polite()
        .answering("Authorizer", policy("Allow", "*", &json!({})))
        .functions();
    let mut api = api();
    api.authorizer = authorizer(&["route.request.header.Authorization"]);
    let gateway = Gateway::start(api, functions).await;
    assert_eq!(gateway.rejected_handshake(gateway.url()).await.0, 401);
    calls.assert_none();
}

#[tokio::test]
async fn only_the_stage_accepts_and_only_websockets() {
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(api(), functions).await;
    for path in ["", "/", "/other", "/prod/deeper"] {
        assert_eq!(
            gateway
                .rejected_handshake(format!("ws://{}{path}", gateway.address))
                .await
                .0,
            403,
            "{path:?}"
        );
    }
    let plain = http()
        .get(format!("http://{}/prod", gateway.address))
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 426);
    let mut old = gateway.url().into_client_request().unwrap();
    old.headers_mut()
        .insert("sec-websocket-version", "12".parse().unwrap());
    assert_eq!(gateway.rejected_handshake(old).await.0, 400);
    calls.assert_none();
}

#[tokio::test]
async fn a_url_of_more_than_4096_characters_is_a_414() {
    let (functions, _calls) = polite().functions();
    let gateway = Gateway::start(api(), functions).await;
    let base = format!("{}?x=", gateway.url());
    // The scheme does not count.
    let url = |length: usize| {
        let rest = "ws://".len() + length - base.len();
        format!("{base}{}", "x".repeat(rest))
    };
    connect_async(url(4096)).await.unwrap();
    assert_eq!(gateway.rejected_handshake(url(4097)).await.0, 414);
}

#[tokio::test]
async fn connect_chooses_the_subprotocol() {
    for (reply, expected) in [
        (
            json!({ "statusCode": 200, "headers": { "Sec-WebSocket-Protocol": "two" } }),
            Some("two"),
        ),
        (
            json!({ "statusCode": 200, "headers": {}, "multiValueHeaders": { "sec-websocket-protocol": ["two"] } }),
            Some("two"),
        ),
        (json!({ "statusCode": 200 }), None),
    ] {
        let (functions, _calls) = polite().answering("Connect", reply).functions();
        let gateway = Gateway::start(api(), functions).await;
        let request = ClientRequestBuilder::new(gateway.url().parse().unwrap())
            .with_sub_protocol("one")
            .with_sub_protocol("two");
        let confirmed = connect_async(request).await.ok().map(|(_, response)| {
            response.headers()["sec-websocket-protocol"]
                .to_str()
                .unwrap()
                .to_owned()
        });
        assert_eq!(confirmed.as_deref(), expected);
    }
}

#[tokio::test]
async fn without_lifecycle_routes_every_handshake_succeeds() {
    let (functions, mut calls) = polite().functions();
    let mut api = api();
    api.routes.retain(|key, _| !key.starts_with('$'));
    let gateway = Gateway::start(api, functions).await;
    let mut client = gateway.connect().await;
    client
        .send(Message::text(r#"{"action":"chat"}"#))
        .await
        .unwrap();
    calls.next("Chat").await;
}

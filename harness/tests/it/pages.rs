//! Requests of web pages in the developer's browser to the listeners of the harness.

use std::time::Duration;

use harness::{
    dynamodb::{Choice, Engine},
    faults::{self, Faults},
    gateway::clock::Clock,
    iam::{Access, Service, Signatures},
    push::PushService,
    server::{self, Pages},
    sqs::{Queues, SqsApi},
};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_tungstenite::{connect_async, tungstenite::ClientRequestBuilder};

use crate::{
    access::{send_signed, stack},
    dynamodb,
    event_sources_world::queue,
    gateway::{Gateway, api, connection_id, http, manage, polite},
    lambda::{function, start},
};

/// What a browser adds to the requests of a foreign page, one header each. The last one comes from
/// DNS rebinding.
const FOREIGN: [(&str, &str); 4] = [
    ("origin", "https://example.com"),
    ("origin", "http://localhost:5173"),
    ("sec-fetch-site", "cross-site"),
    ("host", "rebound.example.com:8000"),
];

/// Asserts that a foreign page's request and its preflight are refused, with each of its headers.
async fn refuses_pages(build: impl Fn(Method) -> RequestBuilder) {
    for (name, value) in FOREIGN {
        for method in [Method::POST, Method::OPTIONS] {
            let request = build(method.clone()).header(name, value);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 403, "{method} with {name}: {value}");
            let granted = response.headers().get("access-control-allow-origin");
            assert_eq!(granted, None, "{method} with {name}: {value}");
        }
    }
}

#[tokio::test]
async fn pages_may_not_call_dynamodb() {
    let engine = Engine::start(Choice::Embedded, None).await.unwrap();
    let (_proxy, address, send) = dynamodb::open(&engine).await;
    refuses_pages(|method| http().request(method, &address).body("{}")).await;
    let list = http()
        .post(&address)
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .header("content-type", "application/x-amz-json-1.0")
        .body("{}");
    let response = send_signed(&send, Service::DynamoDb, list).await;
    assert_eq!(response.status(), 200);
    let mut names = response.headers().keys();
    assert!(!names.any(|name| name.as_str().starts_with("access-control-")));
    engine.stop().await;
}

#[tokio::test]
async fn pages_may_not_invoke_functions() {
    let (lambda, address) = start([function("One")], 1).await;
    let url = format!("{address}/One/invocations");
    refuses_pages(|method| http().request(method, &url).body("{}")).await;
    let program = http().post(&url).body("{}").send().await.unwrap();
    assert_eq!(program.status(), 200);
    lambda.stop().await;
}

#[tokio::test]
async fn pages_may_not_call_sqs() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Without signatures only the guard is left to refuse a page.
    let access = Access::from_stack(&stack([]), Signatures::Ignored);
    let queues = Queues::new(&[queue("Jobs")], Clock::default());
    let _api = SqsApi::open(
        vec![listener],
        url.clone(),
        queues,
        access,
        Faults::default(),
    );
    let purge = |method| {
        let request = http()
            .request(method, &url)
            .body(json!({ "QueueUrl": format!("{url}/123456789012/Jobs") }).to_string());
        request.header("x-amz-target", "AmazonSQS.PurgeQueue")
    };
    refuses_pages(purge).await;
    assert_eq!(purge(Method::POST).send().await.unwrap().status(), 200);
}

/// Pages of this machine may: the page of the project subscribes.
#[tokio::test]
async fn foreign_pages_may_not_use_the_push_service_and_the_controls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (clock, faults) = (Clock::default(), Faults::default());
    let push = PushService::new(origin.clone(), clock.clone(), faults.clone());
    let router = push.router().merge(faults::router(faults, clock));
    let (_open, closes) = watch::channel(false);
    tokio::spawn(server::serve(vec![listener], router, Pages::Cors, closes));
    let foreign = FOREIGN
        .iter()
        .filter(|(_, value)| !value.contains("localhost"));
    for (name, value) in foreign.copied().chain([("origin", "null")]) {
        for (method, path) in [
            (Method::POST, "push/subscriptions"),
            (Method::GET, "push/subscriptions/id"),
            (Method::POST, "push/messages/id"),
            (Method::PUT, "faults"),
            (Method::PUT, "clock"),
        ] {
            let request = http().request(method, format!("{origin}/.local/{path}"));
            let response = request.header(name, value).send().await.unwrap();
            assert_eq!(response.status(), 403, "{path} with {name}: {value}");
        }
    }
    let subscribe = http().post(format!("{origin}/.local/push/subscriptions"));
    let local = subscribe.header("origin", "http://localhost:3000");
    assert_eq!(local.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn pages_may_open_sockets_but_not_manage_connections() {
    let (functions, mut calls) = polite().functions();
    // Without signatures only the guard is left to refuse a page.
    let access = Access::from_stack(&stack([]), Signatures::Ignored);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::start_with(listener, api(), access, functions);
    let url = format!("ws://{}/prod", gateway.address);
    let handshake = ClientRequestBuilder::new(url.parse().unwrap())
        .with_header("Origin", "https://example.com")
        .with_header("Sec-Fetch-Site", "cross-site");
    let (_client, _) = connect_async(handshake).await.unwrap();
    let event = calls.next("Connect").await;
    assert_eq!(event["headers"]["Origin"], json!("https://example.com"));

    let connection = connection_id(&event);
    let url = format!("http://{}/prod/@connections/{connection}", gateway.address);
    refuses_pages(|method| http().request(method, &url).body("hello")).await;
    let program = manage(http().post(&url).body("hello")).await;
    assert_eq!(program.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_its_body_is_disconnected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_open, closes) = watch::channel(false);
    let router = axum::Router::new().fallback(async |body: axum::body::Bytes| body);
    tokio::spawn(server::serve(vec![listener], router, Pages::None, closes));
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf of it")
        .await
        .unwrap();
    // The paused clock jumps to the server's deadline.
    let hour = Duration::from_secs(60 * 60);
    let mut answer = Vec::new();
    let ended = timeout(hour, client.read_to_end(&mut answer)).await;
    assert!(ended.is_ok());
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_its_head_is_disconnected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_open, closes) = watch::channel(false);
    let router = axum::Router::new();
    tokio::spawn(server::serve(vec![listener], router, Pages::None, closes));
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: loc")
        .await
        .unwrap();
    // The paused clock jumps to the next deadline, and the server's comes first.
    let hour = Duration::from_secs(60 * 60);
    let ended = timeout(hour, client.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok());
}

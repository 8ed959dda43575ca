//! The HTTP API.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use harness::{
    gateway::{clock::Clock, http},
    invoke::{InvokeError, Outcome},
    stack::{HttpApi, HttpAuthorizer, HttpRoute, Throttling},
};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::gateway::{Calls, Script, answer, function_error, http as client, keys, serve_http};

/// An API with `/open` and `/rooms/{id}` without an authorizer, and `/guarded` with one that is
/// cached for a minute.
pub fn api() -> HttpApi {
    let route = |method: &str, path: &str, authorizer: Option<&str>| HttpRoute {
        method: method.into(),
        path: path.into(),
        target: "Rest".into(),
        authorizer: authorizer.map(str::to_owned),
        scopes: Vec::new(),
        timeout: Duration::from_secs(29),
    };
    let authorizer = HttpAuthorizer {
        function: "Authorizer".into(),
        identity_sources: vec!["$request.header.Authorization".into()],
        cached_for: Duration::from_secs(60),
    };
    HttpApi {
        logical_id: "Api".into(),
        api_id: "abcdef1234".into(),
        stage: "$default".into(),
        routes: vec![
            route("ANY", "/open", None),
            route("POST", "/rooms/{id}", None),
            route("GET", "/guarded", Some("Tokens")),
        ],
        authorizers: BTreeMap::from([("Tokens".into(), authorizer)]),
        jwt_authorizers: BTreeMap::new(),
        cors: None,
        stage_variables: BTreeMap::new(),
        throttling: Throttling::default(),
    }
}

/// A running API in front of a page.
pub struct Server {
    pub address: SocketAddr,
    pub calls: Calls,
    _shutdown: watch::Sender<bool>,
}

impl Server {
    pub async fn open(api: HttpApi, script: Script) -> Self {
        let (functions, calls) = script.functions();
        let page = Router::new().route("/", get(async || "page"));
        let router = http::router(Arc::new(api), functions, Clock::default(), page).unwrap();
        let (address, shutdown) = serve_http(router).await;
        Self {
            address,
            calls,
            _shutdown: shutdown,
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        client().request(method, format!("http://{}{path}", self.address))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }
}

pub fn rest(reply: Value) -> Script {
    Script::default().answering("Rest", reply)
}

pub fn ok() -> Script {
    rest(json!({ "statusCode": 200 }))
}

pub async fn status_and_json(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn an_event_has_payload_format_2_0() {
    let mut server = Server::open(api(), ok()).await;
    let request = server
        .request(Method::POST, "/rooms/a%2Fb?x=1&y=a%20b&x=2")
        .header("User-Agent", "test")
        .header("X-Two", "1");
    let request = request
        .header("X-Two", "2")
        .header("Cookie", "a=1; b=2")
        .header("content-type", "application/json");
    assert_eq!(
        request.body(r#"{"é":1}"#).send().await.unwrap().status(),
        200
    );

    let mut event = server.calls.next("Rest").await;
    let trace = event["headers"]["x-amzn-trace-id"].take();
    assert!(trace.as_str().unwrap().starts_with("Root=1-"), "{trace}");
    let context = &mut event["requestContext"];
    for (key, known) in [
        ("time", context["time"].take()),
        ("requestId", context["requestId"].take()),
    ] {
        assert!(known.is_string(), "{key}");
    }
    assert!(context["timeEpoch"].take().is_u64());
    let host = server.address.to_string();
    let expected = json!({
        "version": "2.0",
        "routeKey": "POST /rooms/{id}",
        "rawPath": "/rooms/a/b",
        "rawQueryString": "x=1&y=a%20b&x=2",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "accept": "*/*", "content-length": "8", "content-type": "application/json", "host": host, "user-agent": "test", "x-two": "1,2",
            "x-amzn-trace-id": null, "x-forwarded-for": "127.0.0.1", "x-forwarded-port": server.address.port().to_string(), "x-forwarded-proto": "http",
        },
        "queryStringParameters": { "x": "1,2", "y": "a b" },
        "pathParameters": { "id": "a/b" },
        "requestContext": {
            "accountId": "123456789012", "apiId": "abcdef1234", "domainName": host, "domainPrefix": "127",
            "http": { "method": "POST", "path": "/rooms/a/b", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test" },
            "requestId": null, "routeKey": "POST /rooms/{id}", "stage": "$default", "time": null, "timeEpoch": null,
        },
        "body": r#"{"é":1}"#,
        "isBase64Encoded": false,
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn absent_parts_have_no_key_and_binary_bodies_are_base64() {
    let mut server = Server::open(api(), ok()).await;
    server.get("/open").await;
    let event = server.calls.next("Rest").await;
    let expected = [
        "headers",
        "isBase64Encoded",
        "rawPath",
        "rawQueryString",
        "requestContext",
        "routeKey",
        "version",
    ];
    assert_eq!(keys(&event), expected.into());
    assert_eq!(
        (&event["routeKey"], &event["rawQueryString"]),
        (&json!("ANY /open"), &json!(""))
    );

    for (kind, sent, body, encoded) in [
        (Some("text/plain; charset=utf-8"), "hi", "hi", false),
        (Some("application/octet-stream"), "hi", "aGk=", true),
        (
            Some("application/x-www-form-urlencoded"),
            "hi",
            "aGk=",
            true,
        ),
        (None, r#"{"a":1}"#, "eyJhIjoxfQ==", true),
    ] {
        let mut request = server.request(Method::POST, "/open").body(sent);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        request.send().await.unwrap();
        let event = server.calls.next("Rest").await;
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!(body), &json!(encoded)),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_path_is_decoded_twice_and_cut_at_a_question_mark() {
    let mut server = Server::open(api(), ok()).await;
    for (sent, raw_path, id) in [
        ("/rooms/a%20b?x=1", "/rooms/a b", "a b"),
        ("/rooms/a%3Fb", "/rooms/a", "a"),
        ("/rooms/a%3Fb/members", "/rooms/a", "a"),
        ("/rooms/a%252Fb", "/rooms/a/b", "a/b"),
        ("/rooms/a%253Fb", "/rooms/a?b", "a?b"),
        ("/rooms/a%2525b", "/rooms/a%b", "a%b"),
    ] {
        let response = server.request(Method::POST, sent).send().await.unwrap();
        assert_eq!(response.status(), 200, "{sent}");
        let event = server.calls.next("Rest").await;
        assert_eq!(event["rawPath"], raw_path, "{sent}");
        assert_eq!(event["requestContext"]["http"]["path"], raw_path, "{sent}");
        assert_eq!(event["pathParameters"], json!({ "id": id }), "{sent}");
    }
    let refused = server.request(Method::POST, "/rooms/a%25b");
    assert_eq!(refused.send().await.unwrap().status(), 400);
    assert_eq!(server.get("/100%25").await.status(), 400);
    server.calls.assert_none();
}

#[tokio::test]
async fn a_function_decides_the_response() {
    let structured = json!({
        "statusCode": 201, "body": "PGI+", "isBase64Encoded": true, "cookies": ["a=1", "b=2"],
        "headers": { "Content-Type": "text/html", "X-Number": 7 },
    });
    let response = Server::open(api(), rest(structured))
        .await
        .get("/open")
        .await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["content-type"], "text/html");
    assert_eq!(response.headers()["x-number"], "7");
    assert_eq!(
        response
            .headers()
            .get_all("set-cookie")
            .iter()
            .collect::<Vec<_>>(),
        ["a=1", "b=2"]
    );
    assert!(response.headers().contains_key("apigw-requestid"));
    assert_eq!(response.text().await.unwrap(), "<b>");

    for (result, status, kind, body) in [
        (
            answer(&json!({ "statusCode": "404", "body": "no" })),
            404,
            "text/plain;charset=UTF-8",
            "no",
        ),
        (
            answer(&json!({ "hello": 1 })),
            200,
            "application/json",
            r#"{"hello":1}"#,
        ),
        (
            answer(&json!("hello")),
            200,
            "application/json",
            r#""hello""#,
        ),
        (
            answer(&json!({ "statusCode": "no" })),
            500,
            "application/json",
            r#"{"message":"Internal Server Error"}"#,
        ),
        (
            answer(&json!({ "statusCode": 200, "body": {} })),
            500,
            "application/json",
            r#"{"message":"Internal Server Error"}"#,
        ),
        (
            answer(&json!({ "statusCode": 200, "headers": { "x": [] } })),
            500,
            "application/json",
            r#"{"message":"Internal Server Error"}"#,
        ),
        (
            Ok(Outcome::Answer("no JSON".into())),
            500,
            "application/json",
            r#"{"message":"Internal Server Error"}"#,
        ),
        (
            function_error("broken"),
            500,
            "application/json",
            r#"{"message":"Internal Server Error"}"#,
        ),
        (
            Err(InvokeError::Throttled),
            500,
            "application/json",
            r#"{"message":"Internal Server Error"}"#,
        ),
        (
            Err(InvokeError::TooLarge),
            413,
            "application/json",
            r#"{"message":"Request Entity Too Large"}"#,
        ),
    ] {
        let response = Server::open(api(), Script::default().returning("Rest", result.clone()))
            .await
            .get("/open")
            .await;
        assert_eq!(
            (
                response.status().as_u16(),
                response.headers()["content-type"].to_str().unwrap()
            ),
            (status, kind),
            "{result:?}"
        );
        assert_eq!(response.text().await.unwrap(), body, "{result:?}");
    }
}

#[tokio::test]
async fn the_gateway_enforces_its_own_limits() {
    let mut slow = api();
    slow.routes[0].timeout = Duration::from_millis(1);
    let server = Server::open(
        slow,
        Script::default().running("Rest", |_| std::future::pending()),
    )
    .await;
    assert_eq!(
        status_and_json(server.get("/open").await).await,
        (503, json!({ "message": "Service Unavailable" }))
    );

    let mut server = Server::open(api(), ok()).await;
    let limit = 10 * 1024 * 1024;
    for (length, status) in [(limit, 200), (limit + 1, 413)] {
        let response = server
            .request(Method::POST, "/open")
            .body("x".repeat(length))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{length}");
    }
    server.calls.next("Rest").await;
    let response = server
        .request(Method::GET, "/open")
        .header("x-long", "x".repeat(10_240))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 431);
    server.calls.assert_none();
}

#[tokio::test]
async fn unmatched_requests_go_to_the_page_or_get_404() {
    let mut server = Server::open(api(), ok()).await;
    assert_eq!(server.get("/").await.text().await.unwrap(), "page");
    let not_found = json!({ "message": "Not Found" });
    for (method, path) in [
        (Method::POST, "/"),
        (Method::GET, "/rooms/1"),
        (Method::DELETE, "/guarded"),
    ] {
        let response = server.request(method.clone(), path).send().await.unwrap();
        assert_eq!(response.status(), 404, "{method} {path}");
        if method != Method::GET {
            assert_eq!(response.json::<Value>().await.unwrap(), not_found);
        }
    }
    server.calls.assert_none();
}

#[tokio::test]
async fn a_named_stage_is_the_first_segment() {
    let mut staged = api();
    staged.stage = "prod".into();
    let mut server = Server::open(staged, ok()).await;
    assert_eq!(server.get("/open").await.status(), 404);
    assert_eq!(server.get("/production/open").await.status(), 404);
    assert_eq!(server.get("/prod/open").await.status(), 200);
    let event = server.calls.next("Rest").await;
    assert_eq!(
        (&event["rawPath"], &event["requestContext"]["stage"]),
        (&json!("/prod/open"), &json!("prod"))
    );
}

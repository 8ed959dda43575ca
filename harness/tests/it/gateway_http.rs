//! The HTTP API.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use harness::{
    gateway::http,
    invoke::{InvokeError, Outcome},
    stack::{Cors, HttpApi, HttpAuthorizer, HttpRoute},
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::gateway::{Calls, Script, answer, failure, keys, serve_http};

const ORIGIN: &str = "https://chat.example.com";

/// `/open` and `/rooms/{id}` are for everybody, `/guarded` has an authorizer which is asked once a minute.
fn api() -> HttpApi {
    let route = |method: &str, path: &str, authorizer: Option<&str>| HttpRoute {
        method: method.into(),
        path: path.into(),
        function: "Rest".into(),
        authorizer: authorizer.map(str::to_owned),
        timeout: Duration::from_secs(29),
    };
    let authorizer = HttpAuthorizer {
        function: "Authorizer".into(),
        identity_sources: vec!["$request.header.Authorization".into()],
        cached_for: Duration::from_secs(60),
    };
    HttpApi {
        api_id: "abcdef1234".into(),
        stage: "$default".into(),
        routes: vec![
            route("ANY", "/open", None),
            route("POST", "/rooms/{id}", None),
            route("GET", "/guarded", Some("Tokens")),
        ],
        authorizers: BTreeMap::from([("Tokens".into(), authorizer)]),
        cors: None,
        stage_variables: BTreeMap::new(),
    }
}

/// A running API in front of a page.
struct Door {
    address: SocketAddr,
    calls: Calls,
    _shutdown: watch::Sender<bool>,
}

impl Door {
    async fn open(api: HttpApi, script: Script) -> Self {
        let (functions, calls) = script.functions();
        let page = Router::new().route("/", get(async || "page"));
        let router = http::router(Arc::new(api), functions, page).unwrap();
        let (address, shutdown) = serve_http(router).await;
        Self {
            address,
            calls,
            _shutdown: shutdown,
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        Client::new().request(method, format!("http://{}{path}", self.address))
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }
}

fn rest(reply: Value) -> Script {
    Script::default().answering("Rest", reply)
}

fn ok() -> Script {
    rest(json!({ "statusCode": 200 }))
}

async fn status_and_json(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn an_event_is_payload_2_0() {
    let mut door = Door::open(api(), ok()).await;
    let request = door
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

    let mut event = door.calls.next("Rest").await;
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
    let host = door.address.to_string();
    let expected = json!({
        "version": "2.0",
        "routeKey": "POST /rooms/{id}",
        "rawPath": "/rooms/a/b",
        "rawQueryString": "x=1&y=a%20b&x=2",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "accept": "*/*", "content-length": "8", "content-type": "application/json", "host": host, "user-agent": "test", "x-two": "1,2",
            "x-amzn-trace-id": null, "x-forwarded-for": "127.0.0.1", "x-forwarded-port": door.address.port().to_string(), "x-forwarded-proto": "http",
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
async fn what_is_absent_has_no_key_and_what_is_no_text_is_base64() {
    let mut door = Door::open(api(), ok()).await;
    door.get("/open").await;
    let event = door.calls.next("Rest").await;
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
        ("text/plain; charset=utf-8", "hi", "hi", false),
        ("application/octet-stream", "hi", "aGk=", true),
        ("application/x-www-form-urlencoded", "hi", "aGk=", true),
    ] {
        door.request(Method::POST, "/open")
            .header("content-type", kind)
            .body(sent)
            .send()
            .await
            .unwrap();
        let event = door.calls.next("Rest").await;
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!(body), &json!(encoded)),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_function_says_what_the_client_gets() {
    let structured = json!({
        "statusCode": 201, "body": "PGI+", "isBase64Encoded": true, "cookies": ["a=1", "b=2"],
        "headers": { "Content-Type": "text/html", "X-Number": 7 },
    });
    let response = Door::open(api(), rest(structured)).await.get("/open").await;
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
            failure("broken"),
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
        let response = Door::open(api(), Script::default().returning("Rest", result.clone()))
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
async fn the_gateways_own_limits() {
    let mut slow = api();
    slow.routes[0].timeout = Duration::from_millis(1);
    let door = Door::open(
        slow,
        Script::default().running("Rest", |_| std::future::pending()),
    )
    .await;
    assert_eq!(
        status_and_json(door.get("/open").await).await,
        (503, json!({ "message": "Service Unavailable" }))
    );

    let mut door = Door::open(api(), ok()).await;
    let limit = 10 * 1024 * 1024;
    for (length, status) in [(limit, 200), (limit + 1, 413)] {
        let response = door
            .request(Method::POST, "/open")
            .body("x".repeat(length))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{length}");
    }
    door.calls.next("Rest").await;
    let response = door
        .request(Method::GET, "/open")
        .header("x-long", "x".repeat(10_240))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 431);
    door.calls.assert_none();
}

#[tokio::test]
async fn what_no_route_takes_is_the_pages_or_nobodys() {
    let mut door = Door::open(api(), ok()).await;
    assert_eq!(door.get("/").await.text().await.unwrap(), "page");
    let not_found = json!({ "message": "Not Found" });
    for (method, path) in [
        (Method::POST, "/"),
        (Method::GET, "/rooms/1"),
        (Method::DELETE, "/guarded"),
    ] {
        let response = door.request(method.clone(), path).send().await.unwrap();
        assert_eq!(response.status(), 404, "{method} {path}");
        if method != Method::GET {
            assert_eq!(response.json::<Value>().await.unwrap(), not_found);
        }
    }
    door.calls.assert_none();
}

#[tokio::test]
async fn a_named_stage_is_the_first_segment() {
    let mut staged = api();
    staged.stage = "prod".into();
    let mut door = Door::open(staged, ok()).await;
    assert_eq!(door.get("/open").await.status(), 404);
    assert_eq!(door.get("/production/open").await.status(), 404);
    assert_eq!(door.get("/prod/open").await.status(), 200);
    let event = door.calls.next("Rest").await;
    assert_eq!(
        (&event["rawPath"], &event["requestContext"]["stage"]),
        (&json!("/prod/open"), &json!("prod"))
    );
}

#[tokio::test]
async fn an_authorizer_is_asked_once_for_the_same_identity() {
    let says = |event: Value| {
        answer(
            &json!({ "isAuthorized": event["identitySource"] != json!(["no"]), "context": { "user": event["identitySource"][0], "nested": { "n": 1 } } }),
        )
    };
    let mut door = Door::open(
        api(),
        ok().running("Authorizer", move |event| std::future::ready(says(event))),
    )
    .await;
    let guarded = |token: &str| {
        door.request(Method::GET, "/guarded?a=1")
            .header("authorization", token)
            .send()
    };

    assert_eq!(guarded("ann").await.unwrap().status(), 200);
    let again = guarded("ann").await.unwrap();
    let other = guarded("bob").await.unwrap();
    let refused = [guarded("no").await.unwrap(), guarded("no").await.unwrap()];
    assert_eq!(
        (again.status(), other.status()),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    for refused in refused {
        assert_eq!(
            status_and_json(refused).await,
            (403, json!({ "message": "Forbidden" }))
        );
    }

    let event = door.calls.next("Authorizer").await;
    let expected = [
        "headers",
        "identitySource",
        "queryStringParameters",
        "rawPath",
        "rawQueryString",
        "requestContext",
        "routeArn",
        "routeKey",
        "type",
        "version",
    ];
    assert_eq!(keys(&event), expected.into());
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["identitySource"], json!(["ann"]));
    assert_eq!(
        event["routeArn"],
        "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/$default/GET/guarded"
    );
    for user in ["ann", "ann"] {
        let event = door.calls.next("Rest").await;
        assert_eq!(
            event["requestContext"]["authorizer"],
            json!({ "lambda": { "user": user, "nested": { "n": 1 } } })
        );
    }
    // Bob is a new identity, and so is the refused one, whose second try is answered from memory too.
    door.calls.next("Authorizer").await;
    door.calls.next("Rest").await;
    door.calls.next("Authorizer").await;
    door.calls.assert_none();
}

#[tokio::test]
async fn an_authorizer_that_is_not_cached_is_asked_every_time() {
    let mut uncached = api();
    uncached.authorizers.get_mut("Tokens").unwrap().cached_for = Duration::ZERO;
    let mut door = Door::open(
        uncached,
        ok().answering("Authorizer", json!({ "isAuthorized": true })),
    )
    .await;
    for _ in 0..2 {
        door.request(Method::GET, "/guarded")
            .header("authorization", "ann")
            .send()
            .await
            .unwrap();
        door.calls.next("Authorizer").await;
        assert_eq!(
            door.calls.next("Rest").await["requestContext"]["authorizer"],
            json!({ "lambda": {} })
        );
    }
}

#[tokio::test]
async fn an_authorizer_refuses_without_calling_the_function() {
    for (token, result, status, message) in [
        (
            None,
            answer(&json!({ "isAuthorized": true })),
            401,
            "Unauthorized",
        ),
        (
            Some(""),
            answer(&json!({ "isAuthorized": true })),
            401,
            "Unauthorized",
        ),
        (Some("x"), failure("broken"), 500, "Internal Server Error"),
        (Some("x"), failure("Unauthorized"), 401, "Unauthorized"),
        (
            Some("x"),
            answer(&json!({ "isAuthorized": "true" })),
            500,
            "Internal Server Error",
        ),
        (
            Some("x"),
            answer(&json!(null)),
            500,
            "Internal Server Error",
        ),
    ] {
        let mut door = Door::open(api(), ok().returning("Authorizer", result.clone())).await;
        let mut request = door.request(Method::GET, "/guarded");
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        assert_eq!(
            status_and_json(request.send().await.unwrap()).await,
            (status, json!({ "message": message })),
            "{token:?} {result:?}"
        );
        if token == Some("x") {
            door.calls.next("Authorizer").await;
        }
        door.calls.assert_none();
    }
}

#[tokio::test]
async fn cors_is_the_gateways_alone() {
    let mut configured = api();
    configured.cors = Some(Cors {
        allow_origins: vec![ORIGIN.into(), "http://*".into()],
        allow_methods: vec!["GET".into(), "POST".into()],
        allow_headers: vec!["authorization".into()],
        expose_headers: vec!["x-seen".into()],
        allow_credentials: true,
        max_age: Some(Duration::from_secs(300)),
    });
    let own = json!({ "statusCode": 200, "headers": { "access-control-allow-origin": "https://evil.example.com", "access-control-max-age": "9" } });
    let mut door = Door::open(configured, rest(own)).await;

    for (method, path, origin, expected) in [
        (
            Method::OPTIONS,
            "/open",
            ORIGIN,
            "204 ORIGIN credentials=true methods=GET,POST headers=authorization max-age=300",
        ),
        (
            Method::OPTIONS,
            "/guarded",
            "http://localhost:5173",
            "204 ORIGIN credentials=true methods=GET,POST headers=authorization max-age=300",
        ),
        (Method::OPTIONS, "/open", "https://evil.example.com", "204"),
        (
            Method::GET,
            "/open",
            ORIGIN,
            "200 ORIGIN credentials=true expose=x-seen",
        ),
        (Method::GET, "/open", "https://evil.example.com", "200"),
        (
            Method::GET,
            "/guarded",
            ORIGIN,
            "401 ORIGIN credentials=true expose=x-seen",
        ),
    ] {
        let mut request = door.request(method.clone(), path).header("origin", origin);
        if method == Method::OPTIONS {
            request = request.header("access-control-request-method", "GET");
        }
        let response = request.send().await.unwrap();
        let mut seen = response.status().as_u16().to_string();
        for (label, name) in [
            ("", "origin"),
            ("credentials=", "credentials"),
            ("methods=", "methods"),
            ("headers=", "headers"),
        ] {
            if let Some(value) = response
                .headers()
                .get(format!("access-control-allow-{name}"))
            {
                seen.push_str(&format!(
                    " {label}{}",
                    value.to_str().unwrap().replace(origin, "ORIGIN")
                ));
            }
        }
        for (label, name) in [
            ("expose=", "access-control-expose-headers"),
            ("max-age=", "access-control-max-age"),
        ] {
            if let Some(value) = response.headers().get(name) {
                seen.push_str(&format!(" {label}{}", value.to_str().unwrap()));
            }
        }
        assert_eq!(seen, expected, "{method} {path} from {origin}");
    }
    // No preflight has reached a function.
    door.calls.next("Rest").await;
    door.calls.next("Rest").await;
    door.calls.assert_none();
}

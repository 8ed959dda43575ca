//! Access to the functions of an HTTP API: authorizers and CORS.

use std::time::Duration;

use harness::stack::Cors;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    gateway::{answer, function_error, keys},
    gateway_http::{Server, api, ok, rest, status_and_json},
};

const ORIGIN: &str = "https://chat.example.com";

#[tokio::test]
async fn an_authorizer_is_called_once_per_identity() {
    let says = |event: Value| {
        answer(
            &json!({ "isAuthorized": event["identitySource"] != json!(["no"]), "context": { "user": event["identitySource"][0], "nested": { "n": 1 } } }),
        )
    };
    let mut server = Server::open(
        api(),
        ok().running("Authorizer", move |event| std::future::ready(says(event))),
    )
    .await;
    let guarded = |token: &str| {
        server
            .request(Method::GET, "/guarded?a=1")
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

    let event = server.calls.next("Authorizer").await;
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
        let event = server.calls.next("Rest").await;
        assert_eq!(
            event["requestContext"]["authorizer"],
            json!({ "lambda": { "user": user, "nested": { "n": 1 } } })
        );
    }
    // `bob` and `no` are new identities. The second request of `no` is answered from the cache.
    server.calls.next("Authorizer").await;
    server.calls.next("Rest").await;
    server.calls.next("Authorizer").await;
    server.calls.assert_none();
}

#[tokio::test]
async fn an_uncached_authorizer_is_called_every_time() {
    let mut uncached = api();
    uncached.authorizers.get_mut("Tokens").unwrap().cached_for = Duration::ZERO;
    let mut server = Server::open(
        uncached,
        ok().answering("Authorizer", json!({ "isAuthorized": true })),
    )
    .await;
    for _ in 0..2 {
        server
            .request(Method::GET, "/guarded")
            .header("authorization", "ann")
            .send()
            .await
            .unwrap();
        server.calls.next("Authorizer").await;
        assert_eq!(
            server.calls.next("Rest").await["requestContext"]["authorizer"],
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
        (
            Some("x"),
            function_error("broken"),
            500,
            "Internal Server Error",
        ),
        (
            Some("x"),
            function_error("Unauthorized"),
            401,
            "Unauthorized",
        ),
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
        let mut server = Server::open(api(), ok().returning("Authorizer", result.clone())).await;
        let mut request = server.request(Method::GET, "/guarded");
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        assert_eq!(
            status_and_json(request.send().await.unwrap()).await,
            (status, json!({ "message": message })),
            "{token:?} {result:?}"
        );
        if token == Some("x") {
            server.calls.next("Authorizer").await;
        }
        server.calls.assert_none();
    }
}

#[tokio::test]
async fn cors_headers_come_from_the_gateway_alone() {
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
    let mut server = Server::open(configured, rest(own)).await;

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
        let mut request = server
            .request(method.clone(), path)
            .header("origin", origin);
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
    server.calls.next("Rest").await;
    server.calls.next("Rest").await;
    server.calls.assert_none();
}

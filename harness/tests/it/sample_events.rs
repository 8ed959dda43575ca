//! Compares the sample events in `events/` with the events of the gateway. A test repeats the
//! request of a sample, and the function must receive exactly the keys and types of the sample.

use std::{fs, path::Path};

use futures_util::SinkExt;
use harness::stack::{HttpAuthorizer, HttpRoute, WebSocketRoute};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderName},
};

use crate::{
    gateway::{Gateway, Script, api, authorizer},
    gateway_http::{self, Server},
};

/// Returns all samples with the names of their files.
fn samples() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let mut samples: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let sample = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            (name, sample)
        })
        .collect();
    samples.sort_by(|one, other| one.0.cmp(&other.0));
    samples
}

fn is_http(sample: &Value) -> bool {
    sample["version"] == "2.0"
}

fn is_authorizer(sample: &Value) -> bool {
    sample["type"] == "REQUEST"
}

/// Returns the keys and types of a value. Header names are compared in lower case.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
        Value::Array(items) => items.first().map(shape).into_iter().collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let key = match value {
                    Value::Object(_) => key.clone(),
                    _ => key.to_lowercase(),
                };
                (key, shape(value))
            })
            .collect::<Map<_, _>>()
            .into(),
    }
}

#[track_caller]
fn assert_alike(name: &str, sample: &Value, event: &Value) {
    let (expected, seen) = (shape(sample), shape(event));
    assert_eq!(
        seen, expected,
        "events/{name}.json is {expected:#}\nthe gateway sends {seen:#}"
    );
}

/// Returns the headers of the client, without those that the transport and the gateway add.
fn own_headers(sample: &Value) -> impl Iterator<Item = (String, &str)> {
    let headers = sample["headers"].as_object().unwrap().iter();
    headers
        .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap()))
        .filter(|(name, _)| {
            let added = [
                "x-amzn-trace-id",
                "host",
                "connection",
                "upgrade",
                "content-length",
            ];
            let of_handshake = ["sec-websocket-key", "sec-websocket-version"];
            !name.starts_with("x-forwarded-")
                && !added.contains(&name.as_str())
                && !of_handshake.contains(&name.as_str())
        })
}

/// Returns the context from the authorizer, without the keys that the gateway adds.
fn context(sample: &Value) -> Map<String, Value> {
    let mut context = sample["requestContext"]["authorizer"]
        .as_object()
        .unwrap()
        .clone();
    context.remove("principalId");
    context.remove("integrationLatency");
    context
}

#[tokio::test]
async fn websocket_events_have_the_shape_of_the_samples() {
    let samples: Vec<_> = samples()
        .into_iter()
        .filter(|(_, sample)| !is_http(sample))
        .collect();
    let sample = |wanted: &str| {
        let found = samples.iter().find(|(name, _)| name == wanted);
        found.unwrap().1.clone()
    };
    let connect = sample("connect");
    let allow = json!({ "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*" });
    let answer = json!({
        "principalId": "ada",
        "policyDocument": { "Version": "2012-10-17", "Statement": [allow] },
        "context": context(&sample("send_message")),
    });
    let welcome =
        json!({ "statusCode": 200, "headers": { "Sec-WebSocket-Protocol": "confab.v1" } });
    let script = Script::default()
        .answering("Authorizer", answer)
        .answering("Connect", welcome)
        .answering("Disconnect", json!({ "statusCode": 200 }))
        .answering("Message", json!({ "statusCode": 200 }));
    let (functions, mut calls) = script.functions();
    let mut api = api();
    api.authorizer = authorizer(&[]);
    let is_message = |sample: &Value| sample["requestContext"]["eventType"] == "MESSAGE";
    for (_, sample) in samples.iter().filter(|(_, sample)| is_message(sample)) {
        let route = WebSocketRoute {
            target: "Message".into(),
            timeout: Duration::from_secs(29),
            replies: false,
        };
        let key = sample["requestContext"]["routeKey"].as_str().unwrap();
        api.routes.insert(key.into(), route);
    }
    let gateway = Gateway::start(api, functions).await;

    let mut request = gateway.url().into_client_request().unwrap();
    for (name, value) in own_headers(&connect) {
        let name = HeaderName::try_from(name).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (mut client, _) = connect_async(request).await.unwrap();
    let authorized = calls.next("Authorizer").await;
    let connected = calls.next("Connect").await;
    for (name, sample) in &samples {
        match sample["requestContext"]["eventType"]
            .as_str()
            .unwrap_or_default()
        {
            "CONNECT" if is_authorizer(sample) => assert_alike(name, sample, &authorized),
            "CONNECT" => assert_alike(name, sample, &connected),
            "MESSAGE" => {
                let body = sample["body"].as_str().unwrap();
                client.send(Message::text(body)).await.unwrap();
                let event = calls.next("Message").await;
                assert_alike(name, sample, &event);
                let route_key = |event: &Value| event["requestContext"]["routeKey"].clone();
                assert_eq!(route_key(&event), route_key(sample), "events/{name}.json");
            }
            _ => {}
        }
    }
    client.close(None).await.unwrap();
    let disconnected = calls.next("Disconnect").await;
    assert_alike("disconnect", &sample("disconnect"), &disconnected);
}

#[tokio::test]
async fn http_events_have_the_shape_of_the_samples() {
    let mut api = gateway_http::api();
    let samples: Vec<_> = samples()
        .into_iter()
        .filter(|(_, sample)| is_http(sample))
        .collect();
    assert!(samples.len() > 10);
    let keys = samples
        .iter()
        .map(|(_, sample)| sample["routeKey"].as_str().unwrap());
    for key in keys {
        let (method, path) = key.split_once(' ').unwrap();
        let known = |route: &HttpRoute| route.method == method && route.path == path;
        if !api.routes.iter().any(known) {
            api.routes.push(HttpRoute {
                method: method.into(),
                path: path.into(),
                target: "Rest".into(),
                authorizer: Some("Tokens".into()),
                scopes: Vec::new(),
                timeout: Duration::from_secs(29),
            });
        }
    }
    let asked_always = HttpAuthorizer {
        function: "Authorizer".into(),
        identity_sources: vec!["$request.header.Authorization".into()],
        cached_for: Duration::ZERO,
    };
    api.authorizers.insert("Tokens".into(), asked_always);
    for (name, sample) in &samples {
        let lambda = &sample["requestContext"]["authorizer"]["lambda"];
        let answer = json!({ "isAuthorized": true, "context": lambda });
        let script = gateway_http::ok().answering("Authorizer", answer);
        let mut server = Server::open(api.clone(), script).await;
        let path = sample["rawPath"].as_str().unwrap();
        let query = match sample["rawQueryString"].as_str().unwrap() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let method: Method = sample["requestContext"]["http"]["method"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let mut request = server.request(method, &format!("{path}{query}"));
        for (header, value) in own_headers(sample) {
            request = request.header(header, value);
        }
        if let Some(body) = sample["body"].as_str() {
            request = request.body(body.to_owned());
        }
        request.send().await.unwrap();
        let authorized = server.calls.next("Authorizer").await;
        let event = if is_authorizer(sample) {
            authorized
        } else {
            server.calls.next("Rest").await
        };
        assert_alike(name, sample, &event);
    }
}

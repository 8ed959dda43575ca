//! A client's HTTP request as the deployed function receives it: path, query, headers and body, and
//! the route that it asks for.
//!
//! The header `x-route` is the route key that the gateway has found, and `x-id` and `x-user` are its
//! path parameters. Without it, the function finds the route by the path.

use axum::http::Method;
use chat::fakes::FakeChat;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::message::Message;

pub fn run(data: &[u8]) {
    let Some(message) = Message::read(data) else {
        return;
    };
    // The gateway accepts no other methods.
    if message.method.parse::<Method>().is_err() {
        return;
    }
    let event = event(&message).to_string();
    let chat = FakeChat::new();
    let conversation = chat.conversation("welcome", &["ada", "grace"]);
    chat.history(&conversation, "grace", 3);
    let response = chat.run(chat_aws::rest::answer(&chat.limits, &chat, &event));
    let status = response.unwrap().status().as_u16();
    assert_ne!(status, 500, "a request is an internal error");
}

fn event(message: &Message<'_>) -> Value {
    let mut query = Map::new();
    for pair in message.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        query.insert(name.to_owned(), value.into());
    }
    let mut parameters = Map::new();
    for name in ["id", "user"] {
        if let Some(value) = message.header(&format!("x-{name}")) {
            parameters.insert(name.to_owned(), value.into());
        }
    }
    let headers: Map<String, Value> = message
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
        .collect();
    // HTTP APIs pass paths on in decoded form.
    let path = percent_decode_str(message.path).decode_utf8_lossy();
    let route_key = message.header("x-route").unwrap_or("$default");
    let body = std::str::from_utf8(message.body).ok();
    json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": message.query,
        "headers": headers,
        "queryStringParameters": query,
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "bcdefa2345",
            "authorizer": {"lambda": {"user": "ada", "name": "Ada", "expires": "4102444800"}},
            "domainName": "api.example.org",
            "domainPrefix": "api",
            "http": {
                "method": message.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "fuzz",
            },
            "requestId": "request",
            "routeKey": route_key,
            "stage": "$default",
            "time": "01/Jan/2026:00:01:02 +0000",
            "timeEpoch": 1_767_225_662_553_u64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

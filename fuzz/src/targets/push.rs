//! Requests to the push service of the harness: subscriptions, and messages with their VAPID tokens.
//!
//! The path `/subscriptions` makes a subscription. Every other path is the endpoint of one. The
//! header `x-token` is replaced by a token with this header and these claims, which is signed with
//! the right key: `x-token: {"alg":"ES256"} {"aud":…}`. `EXP` is a time in an hour. With the header
//! `x-encrypt` the body is encrypted for the subscription.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Request, header::AUTHORIZATION},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use harness::{
    faults::Faults,
    gateway::clock::Clock,
    push::{PATH, PushService},
};
use serde_json::Value;
use time::OffsetDateTime;
use tower::ServiceExt;
use web_push::{LONGEST_CONTENT, Subscription, encrypt};

use super::block_on;
use crate::message::Message;

/// Tokens are signed for it.
const ORIGIN: &str = "http://127.0.0.1:3000";

thread_local! {
    static KEY: EcdsaKeyPair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
}

pub fn run(data: &[u8]) {
    let Some(mut message) = Message::read(data) else {
        return;
    };
    let service = PushService::new(ORIGIN.to_owned(), Clock::default(), Faults::default());
    let router = service.router();
    let subscriptions = format!("{PATH}/subscriptions");
    if message.path == "/subscriptions" {
        let status = ask(&router, &subscriptions, HeaderMap::new(), message.body).0;
        assert!([201, 400].contains(&status), "{status}");
        return;
    }
    let (status, made) = ask(&router, &subscriptions, HeaderMap::new(), b"");
    assert_eq!(status, 201);
    let id = made["id"].as_str().unwrap();
    if let Some(token) = message.header("x-token").and_then(signed) {
        message.headers.insert(AUTHORIZATION, token);
    }
    let encrypted = message.headers.contains_key("x-encrypt").then(|| {
        let key = |name: &str| made["keys"][name].as_str().unwrap();
        let subscription = Subscription::parse(key("p256dh"), key("auth")).unwrap();
        encrypt(&subscription, message.body, LONGEST_CONTENT).unwrap_or_default()
    });
    let body = encrypted.as_deref().unwrap_or(message.body);
    let path = format!("{PATH}/messages/{id}");
    let (status, _) = ask(&router, &path, message.headers, body);
    assert!([201, 400, 401, 403, 413].contains(&status), "{status}");
    let look = format!("{subscriptions}/{id}");
    let shown = Request::get(look).body(Body::empty()).unwrap();
    let (_, shown) = answer(&router, shown);
    let shown = shown["messages"].as_array().unwrap();
    assert_eq!(shown.len(), usize::from(status == 201));
    if let (Some(_), [message]) = (encrypted, shown.as_slice()) {
        assert_eq!(message["error"], Value::Null);
    }
}

/// Returns the header `Authorization` with a token of this header and these claims.
fn signed(parts: &str) -> Option<HeaderValue> {
    let expires = OffsetDateTime::now_utc().unix_timestamp() + 3_600;
    let parts = parts.replacen("EXP", &expires.to_string(), 1);
    let (head, claims) = parts.split_once(' ')?;
    let [head, claims] = [head, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let text = format!("{head}.{claims}");
    KEY.with(|key| {
        let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        let public = BASE64_URL_SAFE_NO_PAD.encode(key.public_key());
        HeaderValue::from_str(&format!("vapid t={text}.{signature}, k={public}")).ok()
    })
}

fn ask(router: &Router, path: &str, headers: HeaderMap, body: &[u8]) -> (u16, Value) {
    let request = Request::post(path).body(Body::from(body.to_vec()));
    let mut request = request.unwrap();
    *request.headers_mut() = headers;
    answer(router, request)
}

fn answer(router: &Router, request: Request<Body>) -> (u16, Value) {
    block_on(async {
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    })
}

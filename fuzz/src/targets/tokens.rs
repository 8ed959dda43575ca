//! Tokens and the headers that hold them.
//!
//! An input of two lines is the header and the claims of a token that is signed with the right key.
//! Any other input is the value of both headers that may hold a token.

use std::{future::Future, time::Duration};

use authorizer::{Authorizer, Configuration, Event};
use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chat::{domain::Timestamp, ports::Clock};
use serde_json::json;

use super::block_on;
use crate::message::first_line;

const SECRET: &str = "a-secret-of-the-targets-with-32-bytes";

thread_local! {
    static AUTHORIZER: Authorizer<StandingClock> = {
        let configuration = Configuration::read(|name| Some(match name {
            "ALLOWED_ORIGINS" => "https://chat.example.org,http://localhost:3000",
            "TOKEN_ISSUER" => "https://id.example.org",
            "TOKEN_AUDIENCE" => "confab",
            "TOKEN_SHARED_SECRET" => SECRET,
            _ => return None,
        }.to_owned()));
        block_on(Authorizer::open(configuration.unwrap(), StandingClock)).unwrap()
    };
}

pub fn run(data: &[u8]) {
    let (first, rest) = first_line(data);
    if rest.is_empty() {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        handle(&format!("confab.v1, bearer.{text}"), text);
    } else {
        let token = signed(first, rest);
        handle(&format!("bearer.{token}"), "https://chat.example.org");
    }
}

fn handle(protocols: &str, other: &str) {
    let headers = json!({"Sec-WebSocket-Protocol": protocols, "Origin": other});
    let event = json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/dev/$connect",
        "headers": headers,
        "requestContext": {"eventType": "CONNECT"},
    });
    authorize(&event);
    let headers = json!({"authorization": other});
    authorize(&json!({"version": "2.0", "type": "REQUEST", "headers": headers}));
}

fn authorize(event: &serde_json::Value) {
    let event: Event = serde_json::from_str(&event.to_string()).unwrap();
    AUTHORIZER.with(|authorizer| {
        // The answer depends on the input; it only has to be one.
        let _ = block_on(authorizer.handle(event));
    });
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let text = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()));
    format!("{text}.{signature}")
}

/// It is always the same second.
#[derive(Clone, Copy)]
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

//! The push service: what it accepts, and what it shows.

use std::time::Duration;

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use harness::{
    faults::{Faults, Plan},
    gateway::clock::Clock,
    push::PushService,
    server::{self, Pages},
};
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::watch};

struct Push {
    origin: String,
    clock: Clock,
    faults: Faults,
    /// Follows no redirects.
    client: Client,
    /// The application.
    key: EcdsaKeyPair,
    _close: watch::Sender<bool>,
}

impl Push {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let clock = Clock::default();
        let faults = Faults::new(clock.clone());
        let service = PushService::new(origin.clone(), clock.clone(), faults.clone());
        let (close, closed) = watch::channel(false);
        let served = server::serve(vec![listener], service.router(), Pages::Cors, closed);
        tokio::spawn(served);
        Self {
            origin,
            clock,
            faults,
            client: Client::builder().redirect(Policy::none()).build().unwrap(),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            _close: close,
        }
    }

    async fn subscribe(&self, body: Value) -> Value {
        let url = format!("{}/.local/push/subscriptions", self.origin);
        let request = self.client.post(url).body(body.to_string());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 201);
        response.json().await.unwrap()
    }

    fn public(&self) -> String {
        BASE64URL.encode(self.key.public_key())
    }

    fn claims(&self) -> Value {
        let expires = OffsetDateTime::now_utc().unix_timestamp() + 12 * 60 * 60;
        json!({ "aud": self.origin, "exp": expires, "sub": "mailto:ops@chat.example" })
    }

    fn authorization(&self, head: &Value, claims: &Value) -> String {
        let encoded = |value: &Value| BASE64URL.encode(value.to_string());
        let signed = format!("{}.{}", encoded(head), encoded(claims));
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        let signature = BASE64URL.encode(signature);
        format!("vapid t={signed}.{signature}, k={}", self.public())
    }

    /// A message that the service accepts.
    fn request(&self, subscription: &Value, body: Vec<u8>) -> RequestBuilder {
        let signed = self.authorization(&json!({ "alg": "ES256", "typ": "JWT" }), &self.claims());
        self.client
            .post(subscription["endpoint"].as_str().unwrap())
            .header("authorization", signed)
            .header("ttl", "60")
            .header("content-encoding", "aes128gcm")
            .body(body)
    }

    async fn messages(&self, subscription: &Value, query: &str) -> Vec<Value> {
        let id = subscription["id"].as_str().unwrap();
        let url = format!("{}/.local/push/subscriptions/{id}{query}", self.origin);
        let shown: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        shown["messages"].as_array().unwrap().clone()
    }
}

/// Encrypts as an application does (RFC 8291), with HKDF written out in HMACs.
fn encrypted(subscription: &Value, content: &[u8]) -> Vec<u8> {
    let key = |name: &str| {
        let text = subscription["keys"][name].as_str().unwrap();
        BASE64URL.decode(text).unwrap()
    };
    let (receiver, secret) = (key("p256dh"), key("auth"));
    let mac = |key: &[u8], parts: &[&[u8]]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, &parts.concat()).as_ref().to_vec()
    };
    let private = PrivateKey::generate(&ECDH_P256).unwrap();
    let public = private.compute_public_key().unwrap();
    let peer = UnparsedPublicKey::new(&ECDH_P256, &receiver);
    let shared = agree(&private, peer, (), |shared| Ok(shared.to_vec())).unwrap();
    let first = mac(&secret, &[&shared]);
    let material = mac(
        &first,
        &[b"WebPush: info\0", &receiver, public.as_ref(), &[1]],
    );
    let salt = [7; 16];
    let second = mac(&salt, &[&material]);
    let key = mac(&second, &[b"Content-Encoding: aes128gcm\0", &[1]]);
    let nonce = mac(&second, &[b"Content-Encoding: nonce\0", &[1]]);
    let mut record = [content, &[2, 0, 0]].concat();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).unwrap();
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record)
        .unwrap();
    let head: [&[u8]; 4] = [&salt, &4096_u32.to_be_bytes(), &[65], public.as_ref()];
    [head.concat(), record].concat()
}

async fn status(request: RequestBuilder) -> u16 {
    let response: Response = request.send().await.unwrap();
    response.status().as_u16()
}

#[tokio::test]
async fn a_message_is_accepted_and_shown_decrypted() {
    let push = Push::open().await;
    let own = json!({ "applicationServerKey": push.public() });
    let subscription = push.subscribe(own).await;
    let content = json!({ "title": "Lunch?", "unread": 5 });
    let body = encrypted(&subscription, content.to_string().as_bytes());
    let request = push.request(&subscription, body.clone());
    let response = request.header("topic", "chat-1").header("urgency", "high");
    let response = response.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["ttl"], "60");
    assert!(response.headers().contains_key("location"));
    let messages = push.messages(&subscription, "?accepted=1").await;
    assert_eq!(messages.len(), 1);
    let expected = json!({
        "id": messages[0]["id"], "ttl": 60, "topic": "chat-1", "urgency": "high",
        "subject": "mailto:ops@chat.example", "bytes": body.len(), "expired": false,
        "text": content.to_string(), "json": content, "base64": null, "error": null,
    });
    assert_eq!(messages[0], expected);

    // The same topic replaces it, and no content is content, too.
    let request = push.request(&subscription, Vec::new());
    assert_eq!(status(request.header("topic", "chat-1")).await, 201);
    // What is encrypted for another subscription is noticed by the browser only.
    let other = push.subscribe(json!({})).await;
    let foreign = encrypted(&other, b"x");
    assert_eq!(status(push.request(&subscription, foreign)).await, 201);
    let messages = push.messages(&subscription, "?accepted=3").await;
    assert_eq!(messages.len(), 2);
    assert_eq!(
        (&messages[0]["text"], &messages[0]["error"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        messages[1]["error"]
            .as_str()
            .unwrap()
            .contains("not encrypted for")
    );
    push.clock.set_ahead(Duration::from_secs(61)).unwrap();
    assert_eq!(push.messages(&subscription, "").await[0]["expired"], true);
}

#[tokio::test]
async fn what_real_services_refuse_is_refused() {
    let push = Push::open().await;
    let subscription = push.subscribe(json!({})).await;
    let body = encrypted(&subscription, b"x");
    let without = |name: &'static str| {
        let request = push.request(&subscription, body.clone());
        let mut request = request.build().unwrap();
        request.headers_mut().remove(name);
        RequestBuilder::from_parts(push.client.clone(), request)
    };
    let with = |name: &'static str, value: &str| {
        let mut request = without(name).build().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        RequestBuilder::from_parts(push.client.clone(), request)
    };
    let token = |change: Value| {
        let mut claims = push.claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let head = json!({ "alg": "ES256" });
        with("authorization", &push.authorization(&head, &claims))
    };
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let none = push.authorization(&json!({ "alg": "none" }), &push.claims());
    let another = Push::open().await;
    let signed = push.authorization(&json!({ "alg": "ES256" }), &push.claims());
    let not_by_k = signed.replace(&push.public(), &another.public());
    for (case, request, expected) in [
        ("accepted", push.request(&subscription, body.clone()), 201),
        ("no TTL", without("ttl"), 400),
        ("a wrong TTL", with("ttl", "soon"), 400),
        ("another encoding", with("content-encoding", "aesgcm"), 400),
        ("no encoding", without("content-encoding"), 400),
        ("a long topic", with("topic", &"x".repeat(33)), 400),
        ("a topic of other characters", with("topic", "a b"), 400),
        ("another urgency", with("urgency", "now"), 400),
        ("no token", without("authorization"), 401),
        ("another scheme", with("authorization", "Bearer x"), 401),
        (
            "another audience",
            token(json!({ "aud": "https://push.example" })),
            403,
        ),
        ("expired", token(json!({ "exp": now - 100 })), 403),
        ("for too long", token(json!({ "exp": now + 90_000 })), 403),
        ("long expired", token(json!({ "exp": i64::MIN })), 403),
        ("for ever", token(json!({ "exp": i64::MAX })), 403),
        ("no subject", token(json!({ "sub": null })), 403),
        (
            "a local subject",
            token(json!({ "sub": "mailto:me@localhost" })),
            403,
        ),
        ("no signature", with("authorization", &none), 403),
        ("another key", with("authorization", &not_by_k), 403),
        (
            "too large",
            push.request(&subscription, vec![0; 4_097]),
            413,
        ),
    ] {
        assert_eq!(status(request).await, expected, "{case}");
    }
    let owned = push
        .subscribe(json!({ "applicationServerKey": another.public() }))
        .await;
    assert_eq!(status(push.request(&owned, Vec::new())).await, 403);
    let url = format!("{}/.local/push/subscriptions", push.origin);
    let long = json!({ "applicationServerKey": "A".repeat(1_000) });
    let subscribe = push.client.post(url).body(long.to_string());
    assert_eq!(status(subscribe).await, 400);
    let unknown = json!({ "endpoint": format!("{}/.local/push/messages/x", push.origin) });
    assert_eq!(status(push.request(&unknown, Vec::new())).await, 404);
    let id = subscription["id"].as_str().unwrap();
    let url = format!("{}/.local/push/subscriptions/{id}", push.origin);
    assert_eq!(status(push.client.delete(url)).await, 204);
    assert_eq!(status(push.request(&subscription, body)).await, 410);
}

#[tokio::test]
async fn faults_are_injected_by_subscription() {
    let push = Push::open().await;
    let subscription = push.subscribe(json!({})).await;
    let other = push.subscribe(json!({})).await;
    for (fault, expected) in [
        ("unknown", 404),
        ("gone", 410),
        ("tooLarge", 413),
        ("throttle", 429),
        ("internalError", 500),
        ("redirect", 307),
    ] {
        let rule = json!({ "push": fault, "on": [subscription["id"]] });
        let plan = json!({ "faults": [rule] }).to_string();
        push.faults.begin(Plan::read(&plan).unwrap());
        let request = push.request(&subscription, Vec::new());
        assert_eq!(status(request).await, expected, "{fault}");
        assert_eq!(status(push.request(&other, Vec::new())).await, 201);
    }
    let plan = json!({ "faults": [{ "push": "lostAnswer" }] }).to_string();
    push.faults.begin(Plan::read(&plan).unwrap());
    let request = push.request(&subscription, Vec::new());
    let answered = async { request.send().await?.bytes().await };
    assert!(answered.await.is_err());
    assert_eq!(push.messages(&subscription, "").await.len(), 1);
}

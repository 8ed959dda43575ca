//! Messages for the push service of the harness, which decrypts them and verifies their tokens.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy's exception for tests does not cover functions that tests share"
)]

use std::time::SystemTime;

use harness::{
    faults::Faults,
    gateway::clock::Clock,
    push::PushService,
    server::{self, Pages},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};
use web_push::{LONGEST_CONTENT, Subscription, VapidKey, encrypt};

const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const PUBLIC: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

#[tokio::test]
async fn a_push_service_accepts_and_a_browser_decrypts_messages_of_every_length() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let service = PushService::new(origin.clone(), Clock::default(), Faults::default());
    let (_close, closed) = watch::channel(false);
    let served = server::serve(vec![listener], service.router(), Pages::Cors, closed);
    tokio::spawn(served);

    let client = reqwest::Client::new();
    let subscriptions = format!("{origin}/.local/push/subscriptions");
    let wanted = json!({ "applicationServerKey": PUBLIC });
    let made = client.post(&subscriptions).json(&wanted).send().await;
    let made: Value = made.unwrap().json().await.unwrap();
    let keys = |name: &str| made["keys"][name].as_str().unwrap();
    let subscription = Subscription::parse(keys("p256dh"), keys("auth")).unwrap();
    let endpoint = made["endpoint"].as_str().unwrap();
    let application = VapidKey::parse(PRIVATE, PUBLIC, "mailto:ops@chat.example").unwrap();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();

    let contents = ["", "x", "Grüße 👋", &"y".repeat(LONGEST_CONTENT)].map(str::to_owned);
    for content in &contents {
        let body = encrypt(&subscription, content.as_bytes(), LONGEST_CONTENT).unwrap();
        let authorization = application.authorization(endpoint, now).unwrap();
        let request = client
            .post(endpoint)
            .header("authorization", authorization)
            .header("content-encoding", "aes128gcm")
            .header("ttl", "86400")
            .body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    }
    let shown = format!("{subscriptions}/{}", made["id"].as_str().unwrap());
    let shown: Value = client
        .get(shown)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let shown = shown["messages"].as_array().unwrap().iter();
    let texts: Vec<_> = shown
        .map(|message| message["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, contents);
}

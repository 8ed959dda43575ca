//! The console, the recording and the bill, with a template of another application.

use std::{fs, path::Path, time::Duration};

use futures_util::{SinkExt, StreamExt};
use nix::sys::signal::Signal;
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::{
    gateway::next_text,
    run::{Folder, Program},
};

/// Far longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(60);

async fn start(options: &[&str]) -> (Folder, Program, String) {
    let foreign = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign");
    let folder = Folder::of(&foreign);
    let mut program = folder.start(&[&["--http-port=0"], options].concat());
    program.says("Ready after").await;
    let http = folder.ready()["http"].as_str().unwrap().to_owned();
    (folder, program, http)
}

async fn get(url: &str) -> Value {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{url}");
    answer.json().await.unwrap()
}

/// Reads the events of the console until one fits.
async fn event(http: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let address = format!("{}/.local/console/events", http.replace("http", "ws"));
    let (mut socket, _) = connect_async(address).await.unwrap();
    let found = async {
        while let Some(Ok(message)) = socket.next().await {
            let batch: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            let mut events = batch["events"].as_array().unwrap().iter();
            if let Some(found) = events.find(|event| fits(event)) {
                return found.clone();
            }
        }
        panic!("the socket ended");
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap()
}

#[tokio::test]
async fn what_a_foreign_template_does_is_recorded_billed_and_shown() {
    let (folder, program, http) = start(&["--record=events.jsonl"]).await;
    let url = folder.ready()["ws"].as_str().unwrap().to_owned();
    let (mut guest, _) = connect_async(format!("{url}?name=secret-name"))
        .await
        .unwrap();
    let wish = json!({ "room": "lobby", "wish": "greet", "more": "secret-words" });
    guest.send(Message::text(wish.to_string())).await.unwrap();
    next_text(&mut guest).await;

    let request = event(&http, |event| event["name"] == "lobby/greet").await;
    assert_eq!(request["kind"], "socket");
    assert!(request["cost"].as_f64().unwrap() > 0.0);
    let trace = &request["traceId"];
    let invocation = event(&http, |event| {
        event["kind"] == "invocation" && event["traceId"] == *trace
    })
    .await;
    assert_eq!(invocation["attributes"]["outcome"], "success");
    assert_eq!(invocation["parentSpanId"], request["spanId"]);

    let bill = get(&format!("{http}/.local/bill")).await;
    // One message in, and one reply.
    assert_eq!(bill["usage"]["socketMessages"], 2);
    assert!(bill["usage"]["invocations"].as_u64().unwrap() >= 1);
    assert!(bill["total"].as_f64().unwrap() > 0.0);

    let overview = get(&format!("{http}/.local/console/overview")).await;
    let connection = overview["connections"][0]["id"].as_str().unwrap();
    let command = format!("{http}/.local/console/connections/{connection}/cut");
    let client = reqwest::Client::new();
    let answer = client.post(&command).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    // Without a close frame.
    assert!(guest.next().await.unwrap().is_err());

    let invoked = client
        .post(format!("{http}/.local/console/invocations/Host"))
        .body(r#"{"routeKey":"x","weather":"fine"}"#)
        .send()
        .await
        .unwrap();
    let invoked: Value = invoked.json().await.unwrap();
    assert_eq!(invoked["kind"], "answer", "{invoked}");

    assert!(program.end(Signal::SIGINT).await.success());
    let recording = fs::read_to_string(folder.path.join("events.jsonl")).unwrap();
    let lines: Vec<Value> = recording
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for kind in ["socket", "invocation", "process"] {
        assert!(lines.iter().any(|event| event["kind"] == kind), "{kind}");
    }
    // The end of the connection is in it as well.
    assert!(lines.iter().any(|event| event["name"] == "$disconnect"));
    assert!(!recording.contains("secret-words"));
    assert!(!recording.contains("secret-name"));
}

#[tokio::test]
async fn bodies_are_recorded_if_asked_for_and_nothing_is_recorded_if_not() {
    let (folder, program, http) = start(&["--record-bodies"]).await;
    let url = folder.ready()["ws"].as_str().unwrap().to_owned();
    let (mut guest, _) = connect_async(url).await.unwrap();
    let wish = r#"{"room":"lobby","wish":"greet"}"#;
    guest.send(Message::text(wish)).await.unwrap();
    let request = event(&http, |event| event["name"] == "lobby/greet").await;
    assert_eq!(request["body"], wish);
    assert!(program.end(Signal::SIGINT).await.success());

    let (_folder, program, http) = start(&["--no-trace"]).await;
    let bill = reqwest::get(format!("{http}/.local/bill")).await.unwrap();
    assert_eq!(bill.status(), StatusCode::NOT_FOUND);
    assert!(program.end(Signal::SIGINT).await.success());
}

#[tokio::test]
async fn the_console_answers_only_its_own_page_and_local_programs() {
    let (_folder, program, http) = start(&[]).await;
    let host = http.strip_prefix("http://").unwrap();
    let port = host.rsplit_once(':').unwrap().1;
    let client = reqwest::Client::new();
    let paths = [
        "/.local/",
        "/.local/console/overview",
        "/.local/console/files/app.js",
    ];
    for path in paths {
        let page = client.get(format!("{http}{path}")).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        for (name, value) in [
            (header::HOST, format!("rebound.example:{port}")),
            (header::ORIGIN, "https://foreign.example".to_owned()),
            (header::ORIGIN, "http://localhost:5173".to_owned()),
            (header::ORIGIN, "null".to_owned()),
        ] {
            let request = client.get(format!("{http}{path}")).header(name, &value);
            let status = request.send().await.unwrap().status();
            assert_eq!(status, StatusCode::FORBIDDEN, "{path} {value}");
        }
    }
    let page = client.get(format!("{http}/.local/")).send().await.unwrap();
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'"),
        "{policy}"
    );
    let events = format!("ws://{host}/.local/console/events");
    for (origin, opens) in [
        (format!("http://{host}"), true),
        ("http://localhost:5173".to_owned(), false),
        ("https://foreign.example".to_owned(), false),
    ] {
        let mut request = events.as_str().into_client_request().unwrap();
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
        assert_eq!(connect_async(request).await.is_ok(), opens, "{origin}");
    }
    let scan = client.post(format!("{http}/.local/console/tables/DeleteTable"));
    let status = scan.body("{}").send().await.unwrap().status();
    assert_eq!(status, StatusCode::BAD_REQUEST, "only reads");
    let sample = client.get(format!("{http}/.local/console/samples/..%2Ftemplate"));
    assert_eq!(sample.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert!(program.end(Signal::SIGINT).await.success());
}

//! A template of another application: `AWS::ApiGatewayV2` resources, and functions in bash.

use std::path::{Path, PathBuf};

use futures_util::SinkExt;
use nix::sys::signal::Signal;
use serde_json::json;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, Message},
};

use crate::{
    gateway::{Client, next_text},
    run::Folder,
};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign")
}

/// Connects, or returns the status of the refused handshake.
async fn enter(url: &str) -> Result<Client, u16> {
    match connect_async(url).await {
        Ok((client, _)) => Ok(client),
        Err(Error::Http(error)) => Err(error.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

async fn ask(client: &mut Client, room: &str, wish: &str) {
    let message = json!({ "room": room, "wish": wish });
    client
        .send(Message::text(message.to_string()))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_template_without_sam_apis_runs_with_a_runtime_in_bash() {
    let folder = Folder::of(&project());
    let overrides = [
        "--parameter-overrides",
        "Guarded=yes",
        "Greeting=Ahoy",
        "StageName=night",
    ];
    let mut program = folder.start(&[&["--http-port=0"], overrides.as_slice()].concat());
    program.says("Ready after").await;
    let ready = folder.ready();
    let url = ready["ws"].as_str().unwrap();
    assert!(url.ends_with("/night"), "{url}");

    assert_eq!(
        enter(url).await.unwrap_err(),
        401,
        "the identity source is missing"
    );
    assert_eq!(
        enter(&format!("{url}?name=mallory")).await.unwrap_err(),
        403
    );
    let mut ada = enter(&format!("{url}?name=ada")).await.unwrap();
    let greeting = |guest: &str, route: &str, entrance: &str| {
        format!("Ahoy, {guest}: {route}, {entrance}, fair weather, at wss://")
    };
    ask(&mut ada, "lobby", "greet").await;
    let heard = next_text(&mut ada).await;
    assert!(
        heard.starts_with(&greeting("ada", "lobby/greet", "guarded")),
        "{heard}"
    );
    assert!(
        heard.ends_with(".execute-api.us-east-1.amazonaws.com/night"),
        "{heard}"
    );
    // This route has no response, so the next message answers the request after it.
    ask(&mut ada, "lobby", "whisper").await;
    ask(&mut ada, "cellar", "greet").await;
    let heard = next_text(&mut ada).await;
    assert!(
        heard.starts_with(&greeting("ada", "$default", "guarded")),
        "{heard}"
    );
    assert!(program.end(Signal::SIGINT).await.success());

    let mut program = folder.start(&["--http-port=0", "--parameter-overrides", "Greeting=Ahoy"]);
    program.says("Ready after").await;
    let ready = folder.ready();
    let mut anybody = enter(ready["ws"].as_str().unwrap()).await.unwrap();
    ask(&mut anybody, "lobby", "greet").await;
    let heard = next_text(&mut anybody).await;
    assert!(
        heard.starts_with(&greeting("stranger", "lobby/greet", "open")),
        "{heard}"
    );
    assert!(program.end(Signal::SIGINT).await.success());
}

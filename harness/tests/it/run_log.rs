//! What the log of the program says about functions and clients that fail.

use std::{fs, os::unix::fs::PermissionsExt};

use nix::sys::signal::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{run::Folder, template::variables};

/// Answers every event with an error, and writes nothing.
const FAILING: &str = r#"#!/usr/bin/env bash
call() {
  exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
  printf '%s /2018-06-01/runtime/invocation/%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "$2" "$AWS_LAMBDA_RUNTIME_API" "${#3}" "$3" >&3
  response=$(cat <&3)
  exec 3>&-
}
while true; do
  call GET next ''
  id=$(printf '%s' "$response" | tr -d '\r' | sed -n 's/^lambda-runtime-aws-request-id: //Ip')
  call POST "$id/error" '{"errorType":"KeyError","errorMessage":"no room 7"}'
done
"#;
/// Never asks for an event.
const HANGING: &str = "#!/bin/sh\nexec sleep 1000\n";

/// Returns a folder with a function at `GET /` of an HTTP API.
fn folder(bootstrap: &str) -> Folder {
    let event = "      Events: {Get: {Type: HttpApi, Properties: {Path: /, Method: GET}}}\n";
    let folder = Folder::with(&(variables("", "A: b") + event));
    let path = folder.path.join("bootstrap");
    fs::write(&path, bootstrap).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[tokio::test]
async fn the_error_of_a_function_is_in_the_log() {
    let folder = folder(FAILING);
    let mut program = folder.start(&["--http-port=0"]);
    program.says("Ready after").await;
    let url = folder.ready()["http"].as_str().unwrap().to_owned();
    let response = reqwest::get(format!("{url}/")).await.unwrap();
    assert_eq!(response.status(), 500);
    let log = program.log_until(Signal::SIGINT).await;
    let line = log.lines().find(|line| line.contains("function error"));
    let line = line.unwrap_or_else(|| panic!("{log}"));
    assert!(
        line.contains("error_type=KeyError error=no room 7"),
        "{line}"
    );
}

#[tokio::test]
async fn a_process_that_is_stopped_in_its_init_has_not_failed() {
    let folder = folder(HANGING);
    let mut program = folder.start(&["--http-port=0"]);
    program.says("Ready after").await;
    let url = folder.ready()["http"].as_str().unwrap().to_owned();
    let host = url.strip_prefix("http://").unwrap();
    let mut client = TcpStream::connect(host).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    // Once a second request is answered, the first one has reached the gateway and started a
    // process.
    let login = reqwest::get(format!("{url}/.local/jwks.json"))
        .await
        .unwrap();
    assert_eq!(login.status(), 200);
    let log = program.log_until(Signal::SIGINT).await;
    assert!(!log.contains("init failed"), "{log}");
}

#[tokio::test]
async fn a_client_that_speaks_tls_is_told_what_to_do() {
    let folder = folder(HANGING);
    let mut program = folder.start(&["--http-port=0"]);
    program.says("Ready after").await;
    let url = folder.ready()["http"].as_str().unwrap().to_owned();
    let mut client = TcpStream::connect(url.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    // The beginning of a ClientHello.
    client
        .write_all(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")
        .await
        .unwrap();
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest).await;
    let log = program.log_until(Signal::SIGINT).await;
    assert!(
        log.contains("a client speaks TLS")
            && log.contains("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"),
        "{log}"
    );
}

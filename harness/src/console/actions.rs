//! What the page asks for beside events, and what a developer does with it.

use std::path::Path as FilePath;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Console;
use crate::{
    gateway::websocket::Command,
    invoke::{Invoke, InvokeError, Outcome},
    stack::Table,
    trace::{self, Fact, Kind},
};

/// The longest name of a sample event.
const LONGEST_NAME: usize = 100;
/// The most connections that are shown.
const MOST_CONNECTIONS: usize = 1_000;

/// Shows the state of the stack.
pub(super) async fn overview(State(console): State<Console>) -> Json<Value> {
    let parts = &console.0;
    let occupations = parts.lambda.occupations();
    let functions = parts.stack.functions.values().map(|function| {
        let occupation = occupations.get(&function.logical_id);
        json!({
            "id": function.logical_id,
            "name": function.name,
            "memory": function.memory,
            "timeoutMs": milliseconds(function.timeout),
            "reserved": function.reserved_concurrency,
            "occupation": occupation,
        })
    });
    let mut connections = parts.connections.all();
    let count = connections.len();
    connections.sort_by_key(|connection| connection.session.connected_at);
    connections.truncate(MOST_CONNECTIONS);
    let connections = connections.iter().map(|connection| {
        json!({
            "id": connection.session.connection_id,
            "user": connection.user(),
            "openMs": milliseconds(connection.open_for()),
            "idleMs": milliseconds(connection.idle_for()),
        })
    });
    let queues = parts.queues.names().map(|name| {
        let counts = parts.queues.counts(name).unwrap_or_default();
        json!({
            "name": name,
            "visible": counts.visible,
            "inFlight": counts.in_flight,
            "delayed": counts.delayed,
        })
    });
    let shown = json!({
        "functions": functions.collect::<Vec<_>>(),
        "connections": connections.collect::<Vec<_>>(),
        "connectionCount": count,
        "tables": parts.stack.tables.iter().map(table).collect::<Vec<_>>(),
        "queues": queues.collect::<Vec<_>>(),
        "recording": parts.trace.is_on(),
    });
    Json(shown)
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Shows the keys of a table and of its indexes.
fn table(table: &Table) -> Value {
    let indexes = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
        .into_iter()
        .filter_map(|kind| table.create.get(kind)?.as_array())
        .flatten()
        .map(|index| json!({ "name": index.get("IndexName"), "keys": keys(index) }));
    json!({
        "name": table.name,
        "keys": keys(&table.create),
        "attributes": table.create.get("AttributeDefinitions"),
        "indexes": indexes.collect::<Vec<_>>(),
    })
}

/// Returns the names of the partition key and of the sort key, if there is one.
fn keys(described: &Value) -> Vec<&Value> {
    let schema = described.get("KeySchema").and_then(Value::as_array);
    let names = schema.into_iter().flatten();
    names.filter_map(|part| part.get("AttributeName")).collect()
}

/// Does something to a connection: `cut`, `halfOpen`, `idle`, `gone`, `close`.
pub(super) async fn command(
    State(console): State<Console>,
    Path((id, command)): Path<(String, String)>,
) -> Response {
    let connections = &console.0.connections;
    let Some(connection) = connections.find(&id) else {
        return refused(StatusCode::NOT_FOUND, "there is no such connection");
    };
    match command.as_str() {
        "cut" => connection.command(Command::Cut),
        "halfOpen" => connection.command(Command::HalfOpen),
        "idle" => connection.command(Command::Idle),
        "gone" => {
            connections.forget(&id);
        }
        "close" => {
            connections.delete(&id);
        }
        _ => {
            let reason = "the command is none of cut, halfOpen, idle, gone and close";
            return refused(StatusCode::BAD_REQUEST, reason);
        }
    }
    StatusCode::NO_CONTENT.into_response()
}

/// Reads a table, by an operation of DynamoDB and its request.
pub(super) async fn read_table(
    State(console): State<Console>,
    Path(operation): Path<String>,
    body: Bytes,
) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refused(StatusCode::BAD_REQUEST, "the request is not JSON");
    };
    match console.0.browser.get() {
        Some(browser) => {
            let (status, answer) = browser.read(&operation, &request).await;
            (status, Json(answer)).into_response()
        }
        None => refused(StatusCode::SERVICE_UNAVAILABLE, "DynamoDB has not started"),
    }
}

/// Lists the names of the sample events.
pub(super) async fn samples(State(console): State<Console>) -> Json<Value> {
    let mut names = Vec::new();
    if let Ok(mut folder) = tokio::fs::read_dir(&console.0.samples).await {
        while let Ok(Some(file)) = folder.next_entry().await {
            let name = file.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".json"));
            names.extend(name.map(str::to_owned));
        }
    }
    names.sort_unstable();
    Json(json!(names))
}

/// Shows one sample event.
pub(super) async fn sample(State(console): State<Console>, Path(name): Path<String>) -> Response {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    // A name stays in the folder.
    let is_name = name.len() <= LONGEST_NAME && name.bytes().all(is_part) && !name.starts_with('.');
    let path = console
        .0
        .samples
        .join(FilePath::new(&format!("{name}.json")));
    match is_name.then(|| std::fs::read_to_string(path)) {
        Some(Ok(text)) => text.into_response(),
        Some(Err(_)) | None => refused(StatusCode::NOT_FOUND, "there is no such sample event"),
    }
}

/// Sends an event to a function, and shows the result.
pub(super) async fn invoke(
    State(console): State<Console>,
    Path(function): Path<String>,
    body: Bytes,
) -> Response {
    if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
        return refused(StatusCode::BAD_REQUEST, "the event is not JSON");
    }
    let trace = &console.0.trace;
    let span = trace.root("console");
    let context = span.context().cloned();
    let id = context.as_ref().map(|context| context.trace.to_string());
    let (queued, _) = oneshot::channel();
    let lambda = &console.0.lambda;
    let invoking = async { lambda.invoke(&function, body, queued).await };
    let outcome = trace::within(context, invoking).await;
    let (status, kind, result) = match outcome {
        Ok(Outcome::Answer(answer)) => (StatusCode::OK, "answer", shown(&answer)),
        Ok(Outcome::FunctionError(error)) => (StatusCode::OK, "error", shown(&error)),
        Err(error) => {
            let status = match error {
                InvokeError::UnknownFunction(_) => StatusCode::NOT_FOUND,
                InvokeError::Throttled => StatusCode::TOO_MANY_REQUESTS,
                InvokeError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            };
            (status, "refused", error.to_string().into())
        }
    };
    if trace.is_on() {
        let fact = Fact::new(Kind::Invocation, "sent by the console")
            .with("faas.name", function)
            .with("outcome", kind);
        trace.record(span, fact);
    }
    let shown = json!({ "kind": kind, "result": result, "traceId": id });
    (status, Json(shown)).into_response()
}

fn shown(answer: &[u8]) -> Value {
    serde_json::from_slice(answer)
        .unwrap_or_else(|_| String::from_utf8_lossy(answer).into_owned().into())
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

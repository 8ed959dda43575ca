//! Reads the script of an event and follows it.

use std::{env, future::pending, process};

use lambda_runtime::{Context, Error};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connections::Connections;

/// The steps of an invocation. Without a step that ends the invocation, it returns status 200 with
/// the event as the body.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Script(Vec<Step>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Step {
    /// Posts `{"as", "event", "outcomes"}` to a connection: the event and the results of earlier
    /// steps.
    Report { to: String, r#as: String },
    /// Posts to a connection. Here and below, `self` names the event's own connection.
    Post { to: String, data: String },
    /// Describes a connection.
    Get(String),
    /// Closes a connection.
    Delete(String),
    /// Waits until a connection is gone.
    AwaitEnd(String),
    /// Returns this value. In it, the texts `$event`, `$request`, `$instance`, `$sequence` and `$8KB`
    /// are replaced by the event, the request id, an id of the process, the sequence number of a
    /// stream's record, and 8 KB of text, which would not fit into the URL of a handshake.
    Answer(Value),
    /// Returns the environment variables without the secret ones.
    Environment,
    /// Fails with this message.
    Fail(String),
    /// Ends the process with this code.
    Exit(i32),
    /// Never ends.
    Hang,
}

impl Script {
    /// Reads the script of an event. An event without a script has an empty one.
    ///
    /// # Errors Fails if the script cannot be parsed.
    pub fn of(event: &Value) -> Result<Self, serde_json::Error> {
        let record = &event["Records"][0];
        match record["eventSource"].as_str() {
            Some("aws:dynamodb") => return Self::of_record(&record["dynamodb"]),
            Some("aws:sqs") => return Self::of_message(&record["body"]),
            _ => {}
        }
        let context = &event["requestContext"];
        let is_authorizer = event["type"] == "REQUEST";
        let text = match (event["version"].as_str(), context["eventType"].as_str()) {
            (Some("2.0"), _) if is_authorizer => &event["headers"]["authorization"],
            (Some("2.0"), _) => &event["headers"]["x-script"],
            (_, Some("CONNECT")) if is_authorizer => &event["queryStringParameters"]["authorizer"],
            (_, Some("CONNECT")) => &event["queryStringParameters"]["connect"],
            (_, Some("DISCONNECT")) => &context["authorizer"]["disconnect"],
            (_, Some("MESSAGE")) => return Self::of_message(&event["body"]),
            _ => return Self::of_value(&event["script"]),
        };
        text.as_str()
            .map_or_else(|| Ok(Self::default()), serde_json::from_str)
    }

    /// The script is an attribute of the item, which a deletion shows in its old image.
    fn of_record(record: &Value) -> Result<Self, serde_json::Error> {
        let images = ["NewImage", "OldImage"].map(|name| &record[name]["script"]["S"]);
        let script = images.into_iter().find_map(Value::as_str);
        script.map_or_else(|| Ok(Self::default()), serde_json::from_str)
    }

    /// A message may be any text; only a JSON object can contain a script.
    fn of_message(body: &Value) -> Result<Self, serde_json::Error> {
        let message = body
            .as_str()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        Self::of_value(&message.unwrap_or_default()["script"])
    }

    fn of_value(script: &Value) -> Result<Self, serde_json::Error> {
        if script.is_null() {
            return Ok(Self::default());
        }
        Self::deserialize(script)
    }

    /// Performs the steps in order.
    ///
    /// # Errors Fails if a step of the script says so.
    pub async fn follow(
        self,
        event: &Value,
        context: &Context,
        connections: &Connections,
    ) -> Result<Value, Error> {
        let own = event["requestContext"]["connectionId"]
            .as_str()
            .unwrap_or_default();
        let id = |name: String| if name == "self" { own.to_owned() } else { name };
        let mut outcomes = Vec::new();
        for step in self.0 {
            match step {
                Step::Report { to, r#as } => {
                    let report = json!({ "as": r#as, "event": event, "outcomes": outcomes });
                    outcomes.push(connections.post(&id(to), &report.to_string()).await);
                }
                Step::Post { to, data } => outcomes.push(connections.post(&id(to), &data).await),
                Step::Get(of) => outcomes.push(connections.get(&id(of)).await),
                Step::Delete(of) => outcomes.push(connections.delete(&id(of)).await),
                Step::AwaitEnd(of) => connections.await_end(&id(of)).await,
                Step::Answer(answer) => return Ok(filled(answer, event, context)),
                Step::Environment => return Ok(environment()),
                Step::Fail(message) => return Err(message.into()),
                Step::Exit(code) => process::exit(code),
                Step::Hang => pending().await,
            }
        }
        Ok(json!({ "statusCode": 200, "body": event.to_string() }))
    }
}

fn filled(answer: Value, event: &Value, context: &Context) -> Value {
    match answer {
        Value::String(text) => match text.as_str() {
            "$event" => event.to_string().into(),
            "$request" => context.request_id.clone().into(),
            "$instance" => env::var("AWS_LAMBDA_LOG_STREAM_NAME")
                .unwrap_or_default()
                .into(),
            "$sequence" => event["Records"][0]["dynamodb"]["SequenceNumber"].clone(),
            "$8KB" => "x".repeat(8 * 1024).into(),
            _ => text.into(),
        },
        Value::Array(items) => items
            .into_iter()
            .map(|item| filled(item, event, context))
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, filled(value, event, context)))
            .collect(),
        other => other,
    }
}

fn environment() -> Value {
    let secret = |name: &str| ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].contains(&name);
    env::vars()
        .map(|(name, value)| {
            let value = if secret(&name) { "" } else { value.as_str() };
            (name, Value::from(value))
        })
        .collect()
}

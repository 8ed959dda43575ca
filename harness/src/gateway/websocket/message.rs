//! One message of a client: selects the route, builds the event, calls the integration, and sends
//! the reply.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Gateway,
    connections::{Connection, IncomingMessage},
    mock, session,
};
use crate::{
    bill::Usage,
    gateway::{
        ids,
        integration::{self, IntegrationError},
    },
    invoke::Invoke,
    stack::{WebSocketRoute, WebSocketTarget},
    trace::{self, Fact, Kind, Level},
};

const DEFAULT: &str = "$default";

/// The answer of a function to a message. On AWS `statusCode` may be a string.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntegrationResponse {
    status_code: Value,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

/// Calls the integration that `message` selects and sends the reply or the error frame.
pub(super) async fn deliver<I: Invoke>(
    gateway: Arc<Gateway<I>>,
    connection: Arc<Connection>,
    message: IncomingMessage,
) {
    let request_id = ids::new_id();
    let IncomingMessage {
        text,
        in_progress: _until_the_reply,
    } = message;
    let trace = gateway.connections.trace();
    let selected = select(&gateway, &text);
    let route_key = selected.map_or("no route", |(key, _)| key);
    let span = trace.root(route_key);
    let (bytes, body) = (text.len(), trace.body(&text));
    let answer = answer_to(&gateway, &connection, &request_id, selected, text);
    let answer = trace::within(span.context().cloned(), answer).await;
    let error = answer.as_ref().err().map(ToString::to_string);
    let frame = answer.unwrap_or_else(|message| {
        Some(error_frame(
            &message,
            &connection.session.connection_id,
            &request_id,
        ))
    });
    if trace.is_on() {
        let mut usage = Usage::message_in(bytes);
        if let Some(frame) = &frame {
            usage += Usage::message_out(frame.len());
        }
        let fact = Fact::new(Kind::Socket, route_key)
            .with("aws.apigateway.event_type", "MESSAGE")
            .with("aws.apigateway.route_key", route_key)
            .with(
                "aws.apigateway.connection_id",
                connection.session.connection_id.as_str(),
            )
            .with("aws.apigateway.request_id", request_id)
            .with("messaging.message.body.size", bytes)
            .maybe("aws.apigateway.reply.size", frame.as_ref().map(String::len))
            .maybe("user.id", connection.user())
            .with("outcome", if error.is_some() { "error" } else { "success" })
            .level(match error.as_deref() {
                None => Level::Ok,
                Some("Too Many Requests" | "Forbidden") => Level::Warning,
                Some(_) => Level::Error,
            })
            .maybe("error.message", error)
            .body(body)
            .usage(usage);
        trace.record(span, fact);
    }
    if let Some(frame) = frame {
        connection.reply(frame).await;
    }
}

/// Returns the text to send, if any, or the message of an error frame.
async fn answer_to<I: Invoke>(
    gateway: &Gateway<I>,
    connection: &Connection,
    request_id: &str,
    selected: Option<(&str, &WebSocketRoute)>,
    text: String,
) -> Result<Option<String>, Cow<'static, str>> {
    let (route_key, route) = selected.ok_or("Forbidden")?;
    if !gateway.throttles.admits(route_key) {
        return Err("Too Many Requests".into());
    }
    let event = session::message_event(
        &gateway.api,
        &connection.session,
        route_key,
        request_id,
        &text,
    );
    drop(text);
    let function = match &route.target {
        WebSocketTarget::Function(function) => function,
        WebSocketTarget::Mock(mock) => {
            return Ok(mock::text(mock, &event).filter(|_| route.replies));
        }
        WebSocketTarget::Absent(reason) => return Err(reason.clone().into()),
    };
    let answer = integration::call(&gateway.invoke, function, event, route.timeout)
        .await
        .map_err(|error| match error {
            IntegrationError::TimedOut => "Endpoint request timed out",
            IntegrationError::Function(_) | IntegrationError::Refused(_) => "Internal server error",
        })?;
    let body = body_of(&answer).ok_or("Internal server error")?;
    Ok(body.filter(|_| route.replies))
}

/// Returns the route whose key the expression selects, or `$default`. A message never selects the
/// two lifecycle routes.
fn select<'a, I>(gateway: &'a Gateway<I>, text: &str) -> Option<(&'a str, &'a WebSocketRoute)> {
    let routes = &gateway.api.routes;
    let chosen = gateway
        .selection
        .key(text)
        .filter(|key| key != "$connect" && key != "$disconnect");
    let chosen = chosen.and_then(|key| routes.get_key_value(&key));
    chosen
        .or_else(|| routes.get_key_value(DEFAULT))
        .map(|(key, route)| (key.as_str(), route))
}

/// Returns the body for a route response. An empty answer is valid and has none.
///
/// `None` means that the answer counts as an error: a status of 400 or more, or a malformed answer.
fn body_of(answer: &[u8]) -> Option<Option<String>> {
    if answer.is_empty() {
        return Some(None);
    }
    let answer: Option<IntegrationResponse> = serde_json::from_slice(answer).ok()?;
    let Some(answer) = answer else {
        return Some(None);
    };
    if status(&answer.status_code)? >= 400 {
        return None;
    }
    let body = match answer.body {
        Some(body) if answer.is_base64_encoded == Some(true) => {
            String::from_utf8(BASE64_STANDARD.decode(body).ok()?).ok()?
        }
        Some(body) => body,
        None => String::new(),
    };
    Some(Some(body).filter(|body| !body.is_empty()))
}

/// Parses a status code: a number, or a string of digits.
pub(super) fn status(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Returns an error frame with exactly the spaces of API Gateway's.
pub(super) fn error_frame(message: &str, connection_id: &str, request_id: &str) -> String {
    let message = Value::from(message);
    format!(
        r#"{{"message": {message}, "connectionId":"{connection_id}", "requestId":"{request_id}"}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_api_gateway_reads_them() {
        let nothing = Some(None);
        let text = |text: &str| Some(Some(text.to_owned()));
        for (answer, expected) in [
            ("", nothing.clone()),
            ("null", nothing.clone()),
            (r#"{"statusCode":200}"#, nothing.clone()),
            (r#"{"statusCode":200,"body":""}"#, nothing.clone()),
            (r#"{"statusCode":200,"body":null}"#, nothing),
            (r#"{"statusCode":200,"body":"hi","headers":{}}"#, text("hi")),
            (r#"{"statusCode":"200","body":"hi"}"#, text("hi")),
            (
                r#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#,
                text("hi"),
            ),
            (r#"{"statusCode":399,"body":"hi"}"#, text("hi")),
            (r#"{"statusCode":400,"body":"hi"}"#, None),
            (r#"{"statusCode":500,"body":"hi"}"#, None),
            (r#"{"body":"hi"}"#, None),
            (r#""hi""#, None),
            ("no JSON", None),
        ] {
            assert_eq!(body_of(answer.as_bytes()), expected, "{answer}");
        }
    }
}

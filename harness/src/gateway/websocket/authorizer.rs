//! The REQUEST authorizer, called once, before `$connect`.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    policy::Policy,
    session::{self, Handshake, Session},
};
use crate::{
    gateway::integration,
    invoke::Invoke,
    stack::{WebSocketApi, WebSocketAuthorizer},
};

/// The integration's time limit. A template sets no timeout for an authorizer.
const LIMIT: Duration = Duration::from_secs(29);
/// The longest answer, in bytes.
const LONGEST_ANSWER: usize = 8 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerResponse {
    principal_id: String,
    policy_document: Policy,
    #[serde(default)]
    context: Option<Map<String, Value>>,
}

/// Returns what later events carry as `requestContext.authorizer`, or the status of the refused
/// handshake: 401, 403 or 500.
pub(super) async fn authorize<I: Invoke>(
    invoke: &I,
    api: &WebSocketApi,
    authorizer: &WebSocketAuthorizer,
    session: &Session,
    handshake: &Handshake,
) -> Result<Map<String, Value>, StatusCode> {
    for source in &authorizer.identity_sources {
        let value = identity(source, api, handshake).ok_or_else(|| {
            tracing::warn!(source, "unsupported identity source of the authorizer");
            StatusCode::INTERNAL_SERVER_ERROR
        })?;
        if value.is_none_or(str::is_empty) {
            return Err(StatusCode::UNAUTHORIZED);
        }
    }
    let event = session::authorizer_event(api, session, handshake);
    let started = Instant::now();
    let answer = integration::call(invoke, &authorizer.function, event, LIMIT)
        .await
        .map_err(|error| {
            if error.is_unauthorized() {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        })?;
    let latency = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let answer = parse(&answer).map_err(|reason| {
        tracing::warn!(
            function = authorizer.function,
            "invalid answer of the authorizer: {reason}"
        );
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    if !answer.policy_document.allows(&session::method_arn(api)) {
        return Err(StatusCode::FORBIDDEN);
    }
    let mut context = answer.context.unwrap_or_default();
    context.insert("principalId".into(), answer.principal_id.into());
    context.insert("integrationLatency".into(), latency.into());
    Ok(context)
}

/// Returns the value of an identity source, if the request has it. The outer `None` means an
/// unknown kind of source.
fn identity<'a>(
    source: &str,
    api: &'a WebSocketApi,
    handshake: &'a Handshake,
) -> Option<Option<&'a str>> {
    if let Some(name) = source.strip_prefix("route.request.header.") {
        Some(handshake.header(name))
    } else if let Some(name) = source.strip_prefix("route.request.querystring.") {
        Some(handshake.query_value(name))
    } else {
        let name = source.strip_prefix("stageVariables.")?;
        Some(api.stage_variables.get(name).map(String::as_str))
    }
}

fn parse(answer: &[u8]) -> Result<AuthorizerResponse, String> {
    if answer.len() > LONGEST_ANSWER {
        return Err(format!("it is longer than {LONGEST_ANSWER} bytes"));
    }
    // Only the position: the error's text might quote what the function said about the user.
    let answer: AuthorizerResponse = serde_json::from_slice(answer).map_err(|error| {
        format!(
            "it is no policy that can be honoured (line {}, column {})",
            error.line(),
            error.column()
        )
    })?;
    let nested = |value: &Value| value.is_object() || value.is_array();
    match answer
        .context
        .iter()
        .flatten()
        .find(|(_, value)| nested(value))
    {
        Some((key, _)) => Err(format!("context.{key} is an object or a list")),
        None => Ok(answer),
    }
}

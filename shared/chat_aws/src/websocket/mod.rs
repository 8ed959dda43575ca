//! Events of the WebSocket API. Messages, `$connect` and `$disconnect` have one file each.
//!
//! `lambda_http`'s mapping to HTTP requests is not used: it converts every message to a `GET`, and
//! its responses hold only `multiValueHeaders`.

mod connect;
mod disconnect;
mod message;

use std::{collections::BTreeMap, time::Instant};

use chat::domain::{Connection, ConnectionId, Identity, Timestamp};
use lambda_http::aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest as Event;
use serde::Serialize;

use crate::{
    elapsed::milliseconds_since,
    identity::{self, IdentityError},
};

pub use self::{
    connect::run as run_connect, disconnect::run as run_disconnect, message::run as run_messages,
};

/// A function's response to the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct GatewayResponse {
    status_code: u16,
    headers: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl GatewayResponse {
    /// Creates a response without a body.
    fn status(status_code: u16) -> Self {
        Self {
            status_code,
            ..Self::default()
        }
    }

    /// Creates a response with a frame, which the gateway sends to the client. Error frames have
    /// status 200, too: the gateway replaces the body of every other status.
    fn frame(body: String) -> Self {
        let headers = BTreeMap::from([("Content-Type", "application/json")]);
        Self {
            status_code: 200,
            headers,
            body: Some(body),
        }
    }
}

/// Returns the caller and the connection of an event.
///
/// # Errors
/// Fails if the identity or the connection is missing or invalid.
fn sender(event: &Event) -> Result<(Identity, Connection), IdentityError> {
    let context = &event.request_context;
    let identity = identity::of_context(&context.authorizer.fields)?;
    let id = ConnectionId::new(context.connection_id.as_deref().unwrap_or_default());
    let connected_at = u64::try_from(context.connected_at).map_err(|_| IdentityError)?;
    let connection = Connection::new(
        id.map_err(|_| IdentityError)?,
        Timestamp::from_millis(connected_at),
        identity.expires,
    );
    Ok((identity, connection))
}

/// Returns the gateway's id of the request, which is also in the gateway's own error frames.
fn request_id(event: &Event) -> &str {
    event
        .request_context
        .request_id
        .as_deref()
        .unwrap_or_default()
}

/// Writes the log line of a request.
fn log(event: &Event, outcome: &str, began: Instant) {
    tracing::info!(
        route = event
            .request_context
            .route_key
            .as_deref()
            .unwrap_or_default(),
        outcome,
        request_id = request_id(event),
        duration_ms = milliseconds_since(began),
        "request"
    );
}

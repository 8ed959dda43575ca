//! Events of the WebSocket API: messages, `$connect` and `$disconnect`, one file each.
//!
//! `lambda_http`'s mapping to HTTP requests is not used: it makes a `GET` of every message, and answers with
//! `multiValueHeaders` alone.

mod connect;
mod disconnect;
mod message;

use std::{collections::BTreeMap, time::Instant};

use chat::domain::{Connection, ConnectionId, Identity, Timestamp};
use lambda_http::aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest as Event;
use serde::Serialize;

use crate::{
    duration::milliseconds_since,
    identity::{self, Unidentified},
};

pub use self::{
    connect::run as run_connect, disconnect::run as run_disconnect, message::run as run_messages,
};

/// What a function answers the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    headers: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl Answer {
    /// A status alone.
    fn status(status_code: u16) -> Self {
        Self {
            status_code,
            ..Self::default()
        }
    }

    /// A frame: a route that replies sends it to the client. Rejections have status 200 too, since the gateway replaces
    /// the bodies of all others.
    fn frame(body: String) -> Self {
        let headers = BTreeMap::from([("Content-Type", "application/json")]);
        Self {
            status_code: 200,
            headers,
            body: Some(body),
        }
    }
}

/// Who an event comes from, and by which connection.
///
/// # Errors
/// [`Unidentified`]: such an event is refused, not guessed at.
fn sender(event: &Event) -> Result<(Identity, Connection), Unidentified> {
    let context = &event.request_context;
    let identity = identity::of_context(&context.authorizer.fields)?;
    let id = ConnectionId::new(context.connection_id.as_deref().unwrap_or_default());
    let connected_at = u64::try_from(context.connected_at).map_err(|_| Unidentified)?;
    let connection = Connection {
        id: id.map_err(|_| Unidentified)?,
        connected_at: Timestamp::from_millis(connected_at),
    };
    Ok((identity, connection))
}

/// The gateway's name for the request; its own error frames tell it to the client.
fn request_id(event: &Event) -> &str {
    event
        .request_context
        .request_id
        .as_deref()
        .unwrap_or_default()
}

/// The one line that the log holds of every request.
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

//! The gateway's events, reduced to the members that the authorizer reads. `aws_lambda_events` has
//! no type for the WebSocket form, which lacks members that its types require.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// An event of either API. An event of another kind (a REST API, payload 1.0) does not parse: the
/// invocation fails, and the gateway responds 500.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// From the HTTP API, payload 2.0.
    Http(HttpEvent),
    /// From the WebSocket API, before `$connect`.
    WebSocket(WebSocketEvent),
}

/// A request to the HTTP API.
#[derive(Clone, Debug, Deserialize)]
pub struct HttpEvent {
    #[serde(rename = "type")]
    _type: EventType,
    #[serde(rename = "version")]
    _version: PayloadVersion,
    /// The request's headers: names in lower case, repeated headers joined by commas.
    #[serde(flatten)]
    pub headers: Headers,
}

/// A handshake with the WebSocket API.
#[derive(Clone, Debug, Deserialize)]
pub struct WebSocketEvent {
    #[serde(rename = "type")]
    _type: EventType,
    #[serde(rename = "requestContext")]
    _request_context: ConnectContext,
    /// The method to authorize:
    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/$connect`.
    #[serde(rename = "methodArn")]
    pub method_arn: String,
    /// The handshake's headers: names as the client wrote them.
    #[serde(flatten)]
    pub headers: Headers,
}

#[derive(Clone, Debug, Deserialize)]
enum EventType {
    #[serde(rename = "REQUEST")]
    Request,
}

#[derive(Clone, Debug, Deserialize)]
enum PayloadVersion {
    #[serde(rename = "2.0")]
    Two,
}

#[derive(Clone, Debug, Deserialize)]
struct ConnectContext {
    #[serde(rename = "eventType")]
    _event_type: ConnectType,
}

#[derive(Clone, Debug, Deserialize)]
enum ConnectType {
    #[serde(rename = "CONNECT")]
    Connect,
}

/// The headers of a request. An event holds them in one of the two members, or in both.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Headers {
    headers: Option<BTreeMap<String, String>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
}

impl Headers {
    /// Returns the trimmed values of a header. The name matches in any case. A value that both
    /// members hold is returned twice.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let single = self
            .headers
            .iter()
            .flatten()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value);
        let multiple = self
            .multi_value_headers
            .iter()
            .flatten()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .flat_map(|(_, values)| values);
        single.chain(multiple).map(|value| value.trim())
    }

    /// Returns the distinct tokens in `Authorization: Bearer TOKEN`. Credentials of other schemes
    /// are ignored, because a browser may add credentials for a proxy by itself.
    pub fn authorization_tokens(&self) -> BTreeSet<&str> {
        self.values("authorization")
            .filter_map(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .filter(|token| !token.is_empty())
            .collect()
    }

    /// Returns the distinct tokens in `Sec-WebSocket-Protocol: …, bearer.TOKEN`, the only header
    /// that a browser lets a page set.
    pub fn subprotocol_tokens(&self) -> BTreeSet<&str> {
        self.values("sec-websocket-protocol")
            .flat_map(|value| value.split(','))
            .filter_map(|protocol| protocol.trim().strip_prefix("bearer."))
            .filter(|token| !token.is_empty())
            .collect()
    }
}

//! The state of a connection from its handshake on, and the events that API Gateway builds from it.
//! Each function returns exactly the keys of the real event.

use serde_json::{Map, Value, json};

use crate::{
    gateway::{ids, moment::Moment},
    stack::{ACCOUNT, REGION, WebSocketApi},
};

/// The data of a connection that each of its events has.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) connection_id: String,
    pub(crate) connected_at: Moment,
    pub(crate) source_ip: String,
    pub(crate) user_agent: Option<String>,
    /// The `Host` header.
    pub(crate) domain_name: String,
    /// `principalId`, context and latency, if the API has an authorizer.
    pub(crate) authorizer: Option<Map<String, Value>>,
}

impl Session {
    /// Returns the user that the authorizer named.
    pub(crate) fn user(&self) -> Option<&str> {
        self.authorizer.as_ref()?.get("principalId")?.as_str()
    }
}

/// The parts of the upgrade request that functions see.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    /// In the client's order and spelling, followed by the gateway's own.
    pub(crate) headers: Vec<(String, String)>,
    /// Decoded.
    pub(crate) query: Vec<(String, String)>,
    /// The authorizer and `$connect` see the same id.
    pub(crate) request_id: String,
}

impl Handshake {
    /// Returns the last value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .rev()
            .find(|(sent, _)| sent.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns the last value of a query parameter.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .rev()
            .find(|(sent, _)| sent == name)
            .map(|(_, value)| value.as_str())
    }
}

/// How a connection ended, as `$disconnect` sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disconnection {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// Returns the ARN that an authorizer's policy must cover.
pub(crate) fn method_arn(api: &WebSocketApi) -> String {
    format!(
        "arn:aws:execute-api:{REGION}:{ACCOUNT}:{}/{}/$connect",
        api.api_id, api.stage
    )
}

/// Returns the event of a REQUEST authorizer.
pub(crate) fn authorizer_event(
    api: &WebSocketApi,
    session: &Session,
    handshake: &Handshake,
) -> Value {
    let mut headers = handshake.headers.clone();
    headers.push(("content-length".to_owned(), "0".to_owned()));
    json!({
        "type": "REQUEST",
        "methodArn": method_arn(api),
        "headers": last_values(&headers),
        "multiValueHeaders": all_values(&headers),
        "queryStringParameters": last_values(&handshake.query),
        "multiValueQueryStringParameters": all_values(&handshake.query),
        "stageVariables": api.stage_variables,
        "requestContext": request_context(api, session, "$connect", "CONNECT", &handshake.request_id),
    })
}

/// Returns the event of the route `$connect`.
pub(crate) fn connect_event(api: &WebSocketApi, session: &Session, handshake: &Handshake) -> Value {
    let hop_by_hop = |name: &str| {
        name.eq_ignore_ascii_case("connection") || name.eq_ignore_ascii_case("upgrade")
    };
    let headers: Vec<_> = handshake
        .headers
        .iter()
        .filter(|(name, _)| !hop_by_hop(name))
        .cloned()
        .collect();
    let mut event = Map::new();
    event.insert("headers".into(), last_values(&headers));
    event.insert("multiValueHeaders".into(), all_values(&headers));
    if !handshake.query.is_empty() {
        event.insert(
            "queryStringParameters".into(),
            last_values(&handshake.query),
        );
        event.insert(
            "multiValueQueryStringParameters".into(),
            all_values(&handshake.query),
        );
    }
    let context = request_context(api, session, "$connect", "CONNECT", &handshake.request_id);
    finish(api, event, context)
}

/// Returns the event of a message. `route_key` is the selected route's.
pub(crate) fn message_event(
    api: &WebSocketApi,
    session: &Session,
    route_key: &str,
    request_id: &str,
    body: &str,
) -> Value {
    let mut context = request_context(api, session, route_key, "MESSAGE", request_id);
    context.insert("messageId".into(), ids::new_id().into());
    let mut event = Map::new();
    event.insert("body".into(), body.into());
    finish(api, event, context)
}

/// Returns the event of the route `$disconnect`.
pub(crate) fn disconnect_event(
    api: &WebSocketApi,
    session: &Session,
    disconnection: &Disconnection,
) -> Value {
    let mut context = request_context(api, session, "$disconnect", "DISCONNECT", &ids::new_id());
    context.insert("disconnectStatusCode".into(), disconnection.code.into());
    context.insert(
        "disconnectReason".into(),
        disconnection.reason.clone().into(),
    );
    let headers = [
        ("Host", session.domain_name.as_str()),
        ("x-api-key", ""),
        ("X-Forwarded-For", ""),
        ("x-restapi", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut event = Map::new();
    event.insert("headers".into(), last_values(&headers));
    event.insert("multiValueHeaders".into(), all_values(&headers));
    finish(api, event, context)
}

fn finish(api: &WebSocketApi, mut event: Map<String, Value>, context: Map<String, Value>) -> Value {
    event.insert("requestContext".into(), context.into());
    event.insert("isBase64Encoded".into(), false.into());
    if !api.stage_variables.is_empty() {
        event.insert("stageVariables".into(), json!(api.stage_variables));
    }
    event.into()
}

fn request_context(
    api: &WebSocketApi,
    session: &Session,
    route_key: &str,
    event_type: &str,
    request_id: &str,
) -> Map<String, Value> {
    let now = Moment::now().max(session.connected_at);
    let mut identity = Map::new();
    identity.insert("sourceIp".into(), session.source_ip.clone().into());
    if let Some(user_agent) = &session.user_agent {
        identity.insert("userAgent".into(), user_agent.clone().into());
    }
    let mut context = Map::new();
    for (key, value) in [
        ("routeKey", Value::from(route_key)),
        ("eventType", event_type.into()),
        ("extendedRequestId", request_id.into()),
        ("requestTime", now.common_log().into()),
        ("messageDirection", "IN".into()),
        ("stage", api.stage.clone().into()),
        ("connectedAt", session.connected_at.epoch_ms().into()),
        ("requestTimeEpoch", now.epoch_ms().into()),
        ("identity", identity.into()),
        ("requestId", request_id.into()),
        ("domainName", session.domain_name.clone().into()),
        ("connectionId", session.connection_id.clone().into()),
        ("apiId", api.api_id.clone().into()),
    ] {
        context.insert(key.into(), value);
    }
    if let Some(authorizer) = &session.authorizer {
        context.insert("authorizer".into(), authorizer.clone().into());
    }
    context
}

fn last_values(pairs: &[(String, String)]) -> Value {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.clone())))
        .collect::<Map<_, _>>()
        .into()
}

fn all_values(pairs: &[(String, String)]) -> Value {
    let mut all = Map::new();
    for (name, value) in pairs {
        let values = all
            .entry(name.clone())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(value.clone().into());
        }
    }
    all.into()
}

//! The handshake: from the upgrade request, through the authorizer and `$connect`, to the 101 or to
//! the status with which one of them rejects it.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Query,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

use super::{
    Gateway, authorizer,
    connections::OpenConnection,
    ending::Ending,
    message,
    outgoing::OutgoingMessages,
    reply,
    session::{self, Handshake, Session},
    socket,
};
use crate::{
    bill::Usage,
    faults,
    gateway::{
        ids,
        integration::{self, IntegrationError},
        moment::Moment,
    },
    invoke::Invoke,
    server::Peer,
    stack::WebSocketTarget,
    trace::{self, Fact, Kind},
};

const PROTOCOL_HEADER: &str = "sec-websocket-protocol";

/// Answers an upgrade request. After a 101 the connection lives in its own task.
pub(super) async fn accept<I: Invoke>(
    gateway: Arc<Gateway<I>>,
    peer: Peer,
    mut request: Parts,
) -> Response {
    if !asks_for_websocket(&request.headers) {
        let mut reply = reply::error(StatusCode::UPGRADE_REQUIRED, None, "Upgrade Required");
        reply
            .headers_mut()
            .insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        return reply.map(Body::from);
    }
    let upgrade = request.extensions.remove::<OnUpgrade>();
    let (Some(upgrade), Some(accept_key)) = (upgrade, accept_key(&request)) else {
        return reply::error(
            StatusCode::BAD_REQUEST,
            Some("BadRequestException"),
            "Bad Request",
        )
        .map(Body::from);
    };
    let (mut session, handshake) = read(&peer, &request);
    let trace = gateway.connections.trace();
    let span = trace.root("$connect");
    let context = span.context().cloned();
    let admitted = trace::within(context, admit(&gateway, &mut session, &handshake)).await;
    if trace.is_on() {
        let status = admitted.as_ref().err().map_or(101, |it| it.status.as_u16());
        let fact = Fact::new(Kind::Socket, "$connect")
            .with("aws.apigateway.event_type", "CONNECT")
            .with("aws.apigateway.route_key", "$connect")
            .with(
                "aws.apigateway.connection_id",
                session.connection_id.as_str(),
            )
            .with("aws.apigateway.request_id", handshake.request_id.as_str())
            .with("http.response.status_code", status)
            .maybe("user.id", session.user())
            .level(Fact::level_of(status, &[401, 403, 429]));
        trace.record(span, fact);
    }
    match admitted {
        Ok(protocol) => {
            // Registered before the 101, because a function may post as soon as the client sees it.
            let (open, outgoing) = gateway.connections.open(session);
            tokio::spawn(live(gateway, open, outgoing, upgrade));
            switch_protocols(&accept_key, protocol)
        }
        Err(rejection) => rejection.response(&session, &handshake),
    }
}

/// Why a handshake is rejected.
struct Rejection {
    status: StatusCode,
    /// The message, if it is not that of the status.
    reason: Option<String>,
}

impl From<StatusCode> for Rejection {
    fn from(status: StatusCode) -> Self {
        let reason = None;
        Self { status, reason }
    }
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let has_token = |name, token: &str| {
        let values = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    has_token(header::UPGRADE, "websocket") && has_token(header::CONNECTION, "upgrade")
}

/// Returns `None` unless the request is a complete WebSocket handshake of version 13.
fn accept_key(request: &Parts) -> Option<String> {
    let key = request.headers.get(header::SEC_WEBSOCKET_KEY)?;
    let version = request.headers.get(header::SEC_WEBSOCKET_VERSION)?;
    let complete = request.method == Method::GET
        && request.version == Version::HTTP_11
        && version == "13"
        && BASE64_STANDARD.decode(key).is_ok_and(|key| key.len() == 16);
    complete.then(|| derive_accept_key(key.as_bytes()))
}

fn read(peer: &Peer, request: &Parts) -> (Session, Handshake) {
    let now = Moment::now();
    let as_sent = peer.header_names_as_sent();
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut forwarded_for = peer.ip();
    for (name, value) in &request.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match name.as_str() {
            "x-forwarded-for" => forwarded_for = format!("{value}, {forwarded_for}"),
            // The gateway sets these headers itself.
            "x-forwarded-port" | "x-forwarded-proto" | "x-amzn-trace-id" => {}
            lower => headers.push((
                as_sent.get(lower).map_or(lower, String::as_str).to_owned(),
                value,
            )),
        }
    }
    let host = request
        .headers
        .get(header::HOST)
        .map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
        .unwrap_or_default();
    let port = host
        .rsplit_once(':')
        .map_or("80", |(_, port)| port)
        .to_owned();
    headers.push(("X-Amzn-Trace-Id".into(), ids::new_trace_id(now)));
    headers.push(("X-Forwarded-For".into(), forwarded_for));
    headers.push(("X-Forwarded-Port".into(), port));
    headers.push(("X-Forwarded-Proto".into(), "http".into()));
    let query = Query::<Vec<(String, String)>>::try_from_uri(&request.uri)
        .map(|query| query.0)
        .unwrap_or_default();
    let handshake = Handshake {
        headers,
        query,
        request_id: ids::new_id(),
    };
    let session = Session {
        connection_id: ids::new_id(),
        connected_at: now,
        source_ip: peer.ip(),
        user_agent: handshake.header("user-agent").map(str::to_owned),
        domain_name: host,
        authorizer: None,
    };
    (session, handshake)
}

/// Takes a token of the throttle, then calls the authorizer and `$connect`. Returns the subprotocol
/// to confirm.
async fn admit<I: Invoke>(
    gateway: &Gateway<I>,
    session: &mut Session,
    handshake: &Handshake,
) -> Result<Option<HeaderValue>, Rejection> {
    let Gateway { api, invoke, .. } = gateway;
    if !gateway.throttles.admits("$connect") {
        return Err(StatusCode::TOO_MANY_REQUESTS.into());
    }
    if let Some(lambda) = &api.authorizer {
        let trace = gateway.connections.trace();
        let span = trace.here();
        let authorized = authorizer::authorize(invoke, api, lambda, session, handshake);
        let authorized = trace::within(span.context().cloned(), authorized).await;
        if trace.is_on() {
            let status = authorized.as_ref().err().map_or(200, StatusCode::as_u16);
            let fact = Fact::new(Kind::Authorizer, &lambda.function)
                .with("faas.name", lambda.function.as_str())
                .with("outcome", if status == 200 { "allowed" } else { "refused" })
                .with("http.response.status_code", status)
                .level(Fact::level_of(status, &[401, 403]));
            trace.record(span, fact);
        }
        session.authorizer = Some(authorized?);
    }
    let Some(route) = api.routes.get("$connect") else {
        return Ok(None);
    };
    let function = match &route.target {
        WebSocketTarget::Function(function) => function,
        WebSocketTarget::Mock(mock) if (200..300).contains(&mock.status) => return Ok(None),
        WebSocketTarget::Mock(mock) => {
            let status = StatusCode::from_u16(mock.status);
            return Err(status.unwrap_or(StatusCode::BAD_GATEWAY).into());
        }
        WebSocketTarget::Absent(reason) => {
            return Err(Rejection {
                status: StatusCode::NOT_IMPLEMENTED,
                reason: Some(reason.clone()),
            });
        }
    };
    let event = session::connect_event(api, session, handshake);
    let answer = integration::call(invoke, function, event, route.timeout)
        .await
        .map_err(|error| match error {
            IntegrationError::Function(_) => StatusCode::BAD_GATEWAY,
            IntegrationError::Refused(_) => StatusCode::INTERNAL_SERVER_ERROR,
            IntegrationError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        })?;
    let answer: Map<String, Value> =
        serde_json::from_slice(&answer).map_err(|_| StatusCode::BAD_GATEWAY)?;
    let status = answer.get("statusCode").and_then(message::status);
    // A 1xx does not end a handshake, so it is as invalid as a status that is not a number.
    let status = status
        .filter(|status| *status >= 200)
        .and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
    match status {
        Some(status) if status.is_success() => Ok(subprotocol(&answer)),
        Some(status) => Err(status.into()),
        None => Err(StatusCode::BAD_GATEWAY.into()),
    }
}

/// Returns `Sec-WebSocket-Protocol` of the answer, from `headers` or from `multiValueHeaders`,
/// where some frameworks put it.
fn subprotocol(answer: &Map<String, Value>) -> Option<HeaderValue> {
    let find = |map: &str| {
        let headers = answer.get(map)?.as_object()?;
        headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(PROTOCOL_HEADER))
            .map(|(_, value)| value)
    };
    let single = find("headers").and_then(Value::as_str);
    let multiple =
        || find("multiValueHeaders").and_then(|values| values.as_array()?.first()?.as_str());
    single
        .or_else(multiple)
        .and_then(|protocol| HeaderValue::from_str(protocol).ok())
}

fn switch_protocols(accept_key: &str, protocol: Option<HeaderValue>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept_key) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

impl Rejection {
    fn response(self, session: &Session, handshake: &Handshake) -> Response {
        let Self { status, reason } = self;
        let message = match (&reason, status) {
            (Some(reason), _) => reason.as_str(),
            (None, StatusCode::GATEWAY_TIMEOUT) => "Endpoint request timed out",
            (None, status) if status.is_server_error() => "Internal server error",
            (None, status) => status.canonical_reason().unwrap_or("Forbidden"),
        };
        let body = message::error_frame(message, &session.connection_id, &handshake.request_id);
        reply::json_reply(status, body).map(Body::from)
    }
}

/// Runs one connection from its 101 to the answer of its `$disconnect`.
async fn live<I: Invoke>(
    gateway: Arc<Gateway<I>>,
    open: OpenConnection,
    outgoing: OutgoingMessages,
    upgrade: OnUpgrade,
) {
    let ending = match upgrade.await {
        Ok(upgraded) => {
            let io = TokioIo::new(upgraded);
            let socket =
                WebSocketStream::from_raw_socket(io, Role::Server, Some(socket::configuration()))
                    .await;
            socket::run(socket, &open, outgoing, |message| {
                tokio::spawn(message::deliver(
                    Arc::clone(&gateway),
                    Arc::clone(&open.connection),
                    message,
                ));
            })
            .await
        }
        // The client has left. `$connect` has succeeded, so `$disconnect` must run.
        Err(_) => Ending::Lost,
    };
    open.hide();
    let trace = gateway.connections.trace();
    let span = trace.root("$disconnect");
    let context = span.context().cloned();
    trace::within(context, disconnected(&gateway, &open, &ending)).await;
    if trace.is_on() {
        let disconnection = ending.disconnection();
        let open_for = u64::try_from(open.connection.open_for().as_millis());
        let usage = Usage {
            connection_ms: open_for.unwrap_or(u64::MAX),
            ..Usage::default()
        };
        let fact = Fact::new(Kind::Socket, "$disconnect")
            .with("aws.apigateway.event_type", "DISCONNECT")
            .with("aws.apigateway.route_key", "$disconnect")
            .with(
                "aws.apigateway.connection_id",
                open.connection.session.connection_id.as_str(),
            )
            .with("aws.apigateway.disconnect.code", disconnection.code)
            .with("aws.apigateway.disconnect.reason", disconnection.reason)
            .with("aws.apigateway.connection_ms", usage.connection_ms)
            .maybe("user.id", open.connection.user())
            .usage(usage);
        trace.record(span, fact);
    }
}

/// Calls `$disconnect`.
async fn disconnected<I: Invoke>(gateway: &Gateway<I>, open: &OpenConnection, ending: &Ending) {
    if let Some(route) = gateway.api.routes.get("$disconnect")
        && let WebSocketTarget::Function(function) = &route.target
    {
        let disconnection = ending.disconnection();
        let event =
            session::disconnect_event(&gateway.api, &open.connection.session, &disconnection);
        let mut calls = 1;
        match open.faults().disconnect() {
            Some((faults::Connection::DisconnectLost, _)) => calls = 0,
            Some((faults::Connection::DisconnectTwice, _)) => calls = 2,
            Some((_, later)) => open.faults().delay(later).await,
            None => {}
        }
        for _ in 0..calls {
            // There is no client left to answer, and the call has logged the error.
            let event = event.clone();
            let _ = integration::call(&gateway.invoke, function, event, route.timeout).await;
        }
    }
}

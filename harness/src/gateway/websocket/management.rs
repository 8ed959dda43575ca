//! The management API, `/STAGE/@connections/ID`: functions post to clients, look at them and close them.

use axum::{
    body::{self, Body},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    connections::{Connection, Connections, NotTaken},
    socket::LONGEST_MESSAGE,
};
use crate::gateway::ids;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// A body is read to its end so that its sender gets to read the 413, unless it is absurd.
const LONGEST_READ: usize = 16 * 1024 * 1024;

/// Answers one call about `connection_id`, which is decoded.
pub(super) async fn answer(
    connections: &Connections,
    connection_id: &str,
    request: Request,
) -> Response {
    if !is_signed(request.headers(), request.uri()) {
        return error(
            StatusCode::FORBIDDEN,
            Some("MissingAuthenticationTokenException"),
            "Missing Authentication Token",
        );
    }
    if !ids::is_id(connection_id) {
        return error(
            StatusCode::BAD_REQUEST,
            Some("BadRequestException"),
            &format!("Invalid connectionId: {connection_id}"),
        );
    }
    match *request.method() {
        Method::POST => post(connections, connection_id, request.into_body()).await,
        Method::GET => connections
            .find(connection_id)
            .map_or_else(gone, |connection| describe(&connection)),
        Method::DELETE if connections.delete(connection_id) => empty(StatusCode::NO_CONTENT),
        Method::DELETE => gone(),
        _ => error(
            StatusCode::FORBIDDEN,
            Some("ForbiddenException"),
            "Forbidden",
        ),
    }
}

/// Whether the caller says who he is, in a header or a presigned URL. The signature itself is not checked.
fn is_signed(headers: &HeaderMap, uri: &Uri) -> bool {
    let by_header = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256 "));
    by_header
        || uri.query().is_some_and(|query| {
            query
                .split('&')
                .any(|pair| pair.starts_with("X-Amz-Signature="))
        })
}

async fn post(connections: &Connections, connection_id: &str, body: Body) -> Response {
    let too_large = || {
        error(
            StatusCode::PAYLOAD_TOO_LARGE,
            Some("PayloadTooLargeException"),
            "Message too long",
        )
    };
    let Ok(data) = body::to_bytes(body, LONGEST_READ).await else {
        return too_large();
    };
    if data.len() > LONGEST_MESSAGE {
        return too_large();
    }
    let Some(connection) = connections.find(connection_id) else {
        return gone();
    };
    let Ok(text) = String::from_utf8(data.into()) else {
        return error(
            StatusCode::BAD_REQUEST,
            Some("BadRequestException"),
            "The data is not UTF-8, so it cannot be sent as text",
        );
    };
    match connection.post(text) {
        Ok(()) => empty(StatusCode::OK),
        Err(NotTaken::Gone) => gone(),
        Err(NotTaken::Full) => error(
            StatusCode::TOO_MANY_REQUESTS,
            Some("LimitExceededException"),
            "Too Many Requests",
        ),
    }
}

fn describe(connection: &Connection) -> Response {
    let session = &connection.session;
    let mut identity = json!({ "sourceIp": session.source_ip });
    if let (Some(user_agent), Value::Object(identity)) = (&session.user_agent, &mut identity) {
        identity.insert("userAgent".into(), user_agent.clone().into());
    }
    let description = json!({
        "connectedAt": session.connected_at.iso_8601(),
        "identity": identity,
        "lastActiveAt": connection.last_active_at().iso_8601(),
    });
    json_response(StatusCode::OK, description.to_string())
}

/// Clients learn the kind from the header alone: the body is empty.
fn gone() -> Response {
    let mut response = empty(StatusCode::GONE);
    response
        .headers_mut()
        .insert(ERROR_TYPE, HeaderValue::from_static("GoneException"));
    response
}

/// An error with a message, and with the name that AWS SDKs know it by.
pub(super) fn error(status: StatusCode, kind: Option<&'static str>, message: &str) -> Response {
    let mut response = json_response(status, json!({ "message": message }).to_string());
    if let Some(kind) = kind {
        response
            .headers_mut()
            .insert(ERROR_TYPE, HeaderValue::from_static(kind));
    }
    response
}

pub(super) fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = empty(status);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    *response.body_mut() = body.into();
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

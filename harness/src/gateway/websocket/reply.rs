//! API Gateway's own replies: JSON, a request id, and for AWS SDKs the name of an error.

use axum::{
    body::Bytes,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use serde_json::json;
use uuid::Uuid;

use crate::service::Reply;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Returns an error with a message. `kind` is the name that AWS SDKs know it by.
pub(super) fn error(status: StatusCode, kind: Option<&'static str>, message: &str) -> Reply {
    let reply = json_reply(status, json!({ "message": message }).to_string());
    match kind {
        Some(kind) => with_error_type(reply, kind),
        None => reply,
    }
}

pub(super) fn with_error_type(mut reply: Reply, kind: &'static str) -> Reply {
    reply
        .headers_mut()
        .insert(ERROR_TYPE, HeaderValue::from_static(kind));
    reply
}

pub(super) fn json_reply(status: StatusCode, body: String) -> Reply {
    let mut reply = empty(status);
    reply.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    *reply.body_mut() = body.into();
    reply
}

pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Reply::new(Bytes::new());
    *reply.status_mut() = status;
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        reply.headers_mut().insert(REQUEST_ID, id);
    }
    reply
}

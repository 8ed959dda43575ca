//! The answer of DynamoDB to a call.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use serde_json::{Value, json};

use crate::service::Reply;

/// The media type of requests and answers.
pub(super) const JSON: &str = "application/x-amz-json-1.0";

/// An answer with its whole body.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Returns an answer in DynamoDB's media type.
    pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let content_type = HeaderValue::from_static(JSON);
        Self {
            status,
            headers: [(header::CONTENT_TYPE, content_type)].into_iter().collect(),
            body: body.into(),
        }
    }

    /// Returns an error of DynamoDB itself, in the shape that the SDKs read.
    pub fn error(status: StatusCode, kind: &str, message: &str) -> Self {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
        let body = json!({ "__type": kind, "message": message });
        Self::json(status, body.to_string())
    }

    /// Returns an error of AWS's front end, which rejects calls before DynamoDB sees them.
    pub fn front_end_error(kind: &str, member: &str, message: String) -> Self {
        let mut body = json!({ "__type": format!("com.amazon.coral.service#{kind}") });
        if let Value::Object(body) = &mut body {
            body.insert(member.to_owned(), message.into());
        }
        Self::json(StatusCode::BAD_REQUEST, body.to_string())
    }

    /// Returns the answer for an engine that has stopped or cannot be reached. SDKs repeat the
    /// call.
    pub fn unavailable() -> Self {
        Self::error(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The local engine does not answer",
        )
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        let mut reply = Self::new(answer.body);
        *reply.status_mut() = answer.status;
        *reply.headers_mut() = answer.headers;
        reply
    }
}

//! Errors of the Invoke API, in AWS's words.

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::{function_arn, unqualified};
use crate::{invoke::InvokeError, service::Reply};

/// An error of the service itself, in AWS's shape.
pub(super) struct InvokeApiError {
    status: StatusCode,
    error_type: &'static str,
    message: String,
}

impl InvokeApiError {
    pub const UNKNOWN_OPERATION: Self = Self {
        status: StatusCode::NOT_FOUND,
        error_type: "UnknownOperationException",
        message: String::new(),
    };

    pub fn new(status: StatusCode, error_type: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error_type,
            message: message.into(),
        }
    }

    pub fn invalid_content(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            message,
        )
    }

    pub fn no_function(arn: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            format!("Function not found: {arn}"),
        )
    }

    pub fn asynchronous_too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            format!("Request must be smaller than {limit} bytes for the InvokeFunction operation"),
        )
    }
}

impl InvokeApiError {
    pub fn into_reply(self) -> Reply {
        // Clients look for the message in either case, because the service's model has both.
        let body = json!({ "Type": "User", "Message": self.message, "message": self.message });
        json_reply(self.status, self.error_type, &body)
    }
}

impl From<InvokeError> for InvokeApiError {
    fn from(error: InvokeError) -> Self {
        match &error {
            InvokeError::UnknownFunction(function) => {
                Self::no_function(&function_arn(unqualified(function)))
            }
            InvokeError::Throttled => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                error.to_string(),
            ),
            InvokeError::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestTooLargeException",
                error.to_string(),
            ),
        }
    }
}

pub(super) fn json_reply(status: StatusCode, error_type: &'static str, body: &Value) -> Reply {
    let mut reply = Reply::new(body.to_string().into());
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert("x-amzn-errortype", HeaderValue::from_static(error_type));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    reply
}

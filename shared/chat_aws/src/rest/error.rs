//! Error responses: `application/problem+json` (RFC 9457).

use chat::{
    error::{InternalError, Rejection, RequestError},
    wire::{Problem, encode},
};
use lambda_http::{
    Body, Response,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use serde::Serialize;

use super::{response, router::Unmatched};
use crate::identity::IdentityError;

/// Why a request fails.
#[derive(Debug)]
pub enum HttpError {
    /// The client can act on it.
    Rejected(Rejection),
    /// A service that the chat needs failed.
    Internal(InternalError),
    /// The event has no identity: the API is misconfigured.
    Identity(IdentityError),
    /// No route has this path or this method.
    Unmatched(Unmatched),
}

impl From<RequestError> for HttpError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Rejected(rejection) => Self::Rejected(rejection),
            RequestError::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<InternalError> for HttpError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<Rejection> for HttpError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<IdentityError> for HttpError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(error)
    }
}

impl From<Unmatched> for HttpError {
    fn from(unmatched: Unmatched) -> Self {
        Self::Unmatched(unmatched)
    }
}

impl HttpError {
    /// Returns the response, and the error code for the log. Logs internal errors in full; the
    /// client learns only the request id.
    pub fn into_response(self, request_id: &str) -> (Response<Body>, &'static str) {
        let internal = || {
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                Problem::internal(request_id),
            )
        };
        let (status, problem) = match &self {
            Self::Rejected(rejection) => (status_of(rejection), Problem::rejected(rejection)),
            Self::Internal(error) => {
                tracing::error!(request_id, %error, "request failed");
                internal()
            }
            Self::Identity(error) => {
                tracing::error!(request_id, %error, "request refused");
                internal()
            }
            Self::Unmatched(Unmatched::Path) => (
                StatusCode::NOT_FOUND,
                unmatched("not_found", "there is no such path"),
            ),
            Self::Unmatched(Unmatched::Method { .. }) => {
                let message = "this path does not support this method; see the Allow header";
                (
                    StatusCode::METHOD_NOT_ALLOWED,
                    unmatched("unknown_action", message),
                )
            }
        };
        let code = problem.code;
        let mut response = problem_response(status, problem);
        match self {
            Self::Unmatched(Unmatched::Method { allowed }) => {
                set(response.headers_mut(), header::ALLOW, &allowed.join(", "));
            }
            Self::Rejected(Rejection::Unauthenticated) => {
                let challenge = r#"Bearer error="invalid_token""#;
                set(response.headers_mut(), header::WWW_AUTHENTICATE, challenge);
            }
            _ => {}
        }
        (response, code)
    }
}

/// Returns the HTTP status of a rejection.
pub fn status_of(rejection: &Rejection) -> StatusCode {
    match rejection {
        Rejection::Malformed(_) => StatusCode::BAD_REQUEST,
        Rejection::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Rejection::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Rejection::Unauthenticated => StatusCode::UNAUTHORIZED,
        Rejection::Forbidden(_) => StatusCode::FORBIDDEN,
        Rejection::NotFound | Rejection::UnknownMessage(_) | Rejection::UnknownAction => {
            StatusCode::NOT_FOUND
        }
        Rejection::UnknownPosition
        | Rejection::UnknownReadPosition
        | Rejection::ResyncRequired
        | Rejection::IdReused => StatusCode::CONFLICT,
        Rejection::RateLimited(_) | Rejection::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
        Rejection::Contended => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The members of a problem: those of the RFC and those of error frames.
#[derive(Serialize)]
struct Document {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(flatten)]
    problem: Problem,
}

fn unmatched(code: &'static str, message: &str) -> Problem {
    Problem {
        code,
        message: message.to_owned(),
        field: None,
        retry: "never",
        retry_after_ms: None,
    }
}

fn problem_response(status: StatusCode, problem: Problem) -> Response<Body> {
    let retry_after = problem
        .retry_after_ms
        .map(|millis| millis.div_ceil(1000).to_string());
    // `about:blank` means that the title is that of the status. `code` identifies the error.
    let document = Document {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail: problem.message.clone(),
        problem,
    };
    let mut response = response(status, "application/problem+json", encode(&document));
    if let Some(seconds) = retry_after {
        set(response.headers_mut(), header::RETRY_AFTER, &seconds);
    }
    response
}

/// Adds a header whose value is known to be printable.
fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

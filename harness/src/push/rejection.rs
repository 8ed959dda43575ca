//! Why a message is not accepted, with the status codes of the services of browsers.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::faults::Push;

/// Why a message is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PushRejection {
    /// 404.
    #[error("there is no such subscription")]
    Unknown,
    /// 410.
    #[error("the user has unsubscribed")]
    Gone,
    /// 413.
    #[error("the body is longer than 4,096 bytes")]
    TooLarge,
    /// 429.
    #[error("too many messages for this subscription")]
    TooMany,
    /// 500.
    #[error("an internal error")]
    Internal,
    /// 400.
    #[error("{0}")]
    Header(&'static str),
    /// 401.
    #[error("the header Authorization has no `vapid t=TOKEN, k=KEY`")]
    Unsigned,
    /// 403.
    #[error("the VAPID token is not valid: {0}")]
    Token(&'static str),
    /// 403.
    #[error("the subscription belongs to another key of an application")]
    OtherKey,
}

impl PushRejection {
    /// Returns what an injected fault answers. Faults without an answer are handled before.
    pub fn of_fault(fault: Push) -> Self {
        match fault {
            Push::Unknown => Self::Unknown,
            Push::Gone => Self::Gone,
            Push::TooLarge => Self::TooLarge,
            Push::Throttle => Self::TooMany,
            Push::InternalError
            | Push::Redirect
            | Push::Timeout
            | Push::LostAnswer
            | Push::Latency => Self::Internal,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Gone => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Header(_) => StatusCode::BAD_REQUEST,
            Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::Token(_) | Self::OtherKey => StatusCode::FORBIDDEN,
        }
    }
}

impl IntoResponse for PushRejection {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({ "code": status.as_u16(), "message": self.to_string() });
        let mut response = (status, Json(body)).into_response();
        if self == Self::TooMany {
            let minute = HeaderValue::from_static("60");
            response.headers_mut().insert(header::RETRY_AFTER, minute);
        }
        response
    }
}

//! `$default`: whatever no other route has taken.
//!
//! ```json
//! {"action": "dance", "ref": "1"}
//! {"event": "error", "ref": "1", "code": "unknown_action", "message": "…", "retry": "never"}
//! ```

use crate::{failure::Rejection, request::Request, websocket::Frame};

/// Unknown input is refused like any other, by a value.
#[must_use]
pub fn handle(_request: &Request, _frame: &Frame) -> Rejection {
    Rejection::UnknownAction
}

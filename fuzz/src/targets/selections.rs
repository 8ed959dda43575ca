//! Route selection expressions, and the messages that they are evaluated on.
//!
//! The first line is the expression, the rest is the message.

use harness::gateway::websocket::RouteSelection;

use crate::message::first_line;

pub fn run(data: &[u8]) {
    let (expression, message) = first_line(data);
    let (Ok(expression), Ok(message)) = (
        std::str::from_utf8(expression),
        std::str::from_utf8(message),
    ) else {
        return;
    };
    if let Ok(selection) = RouteSelection::parse(expression) {
        let key = selection.key(message);
        assert_ne!(key.as_deref(), Some(""), "an empty key selects nothing");
    }
}

//! `$default`: rejects frames that no other route handles.
//!
//! ```json
//! {"action": "dance", "ref": "1"}
//! {"event": "error", "ref": "1", "code": "unknown_action", "message": "…", "retry": "never"}
//! ```

use crate::error::Rejection;

/// Rejects the frame.
#[must_use]
pub const fn handle() -> Rejection {
    Rejection::UnknownAction
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fakes::FakeChat;

    #[test]
    fn unreadable_and_unknown_frames_are_rejected() {
        let chat = FakeChat::new();
        let deep = "[".repeat(100_000);
        for (text, code, reference) in [
            ("", "malformed", None),
            ("hello", "malformed", None),
            ("[]", "malformed", None),
            ("{}", "malformed", None),
            (deep.as_str(), "malformed", None),
            (r#"{"ref":"r"}"#, "malformed", Some("r")),
            (r#"{"action":5,"ref":"r"}"#, "malformed", Some("r")),
            (
                r#"{"action":"dance","ref":"r"}"#,
                "unknown_action",
                Some("r"),
            ),
            (r#"{"action":"$connect"}"#, "unknown_action", None),
            (r#"{"action":"dance","ref":5}"#, "invalid", None),
        ] {
            let reply = chat.text("ada-1", text);
            assert_eq!(reply["event"], "error");
            assert_eq!(reply["code"], code, "{text}");
            assert_eq!(reply["retry"], "never");
            assert_eq!(
                reply.get("ref"),
                reference.map(|text| json!(text)).as_ref(),
                "{text}"
            );
            assert!(
                reply["message"]
                    .as_str()
                    .is_some_and(|message| message.len() > 10)
            );
        }
        let long = json!({"action": "dance", "ref": "x".repeat(65)}).to_string();
        assert_eq!(chat.text("ada-1", &long)["field"], "ref");
    }
}

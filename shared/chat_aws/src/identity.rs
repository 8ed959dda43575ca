//! Who makes a request, as the authorizer wrote it into the context of every event.

use std::collections::HashMap;

use chat::domain::{DisplayName, Identity, Timestamp, UserId};
use serde_json::Value;

/// An event that came past the authorizer: the API is not set up as it must be, and nobody is let in.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the event says nothing of who it comes from; is the authorizer attached to this route?")]
pub struct Unidentified;

/// Reads the authorizer's context. Gateways turn numbers into strings in some events, so both are taken.
///
/// # Errors
/// [`Unidentified`] if the user or the end of his token is not in it.
pub fn of_context(context: &HashMap<String, Value>) -> Result<Identity, Unidentified> {
    let text = |name: &str| context.get(name).and_then(Value::as_str);
    let user = text("user")
        .or_else(|| text("principalId"))
        .ok_or(Unidentified)?;
    let expires = context
        .get("expires")
        .and_then(seconds)
        .ok_or(Unidentified)?;
    Ok(Identity {
        user: UserId::new(user).map_err(|_| Unidentified)?,
        name: DisplayName::fitted(text("name").unwrap_or(user)),
        expires: Timestamp::from_seconds(expires),
    })
}

/// Seconds since the epoch, as a number or as its text.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => whole(&number.to_string()),
        Value::String(text) => whole(text),
        _ => None,
    }
}

/// What stands before a fraction, if there is one.
fn whole(number: &str) -> Option<u64> {
    let (whole, _) = number.split_once('.').unwrap_or((number, ""));
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(context: Value) -> Option<(String, String, u64)> {
        let context: HashMap<String, Value> = serde_json::from_value(context).unwrap();
        let identity = of_context(&context).ok()?;
        let name = identity.name.as_str().to_owned();
        Some((identity.user.to_string(), name, identity.expires.seconds()))
    }

    #[test]
    fn a_context_is_read_whatever_became_of_its_numbers() {
        let ada = |name: &str, expires| Some(("ada".to_owned(), name.to_owned(), expires));
        for (context, expected) in [
            (
                json!({"user": "ada", "name": "Ada", "expires": 1731}),
                ada("Ada", 1731),
            ),
            (
                json!({"user": "ada", "name": "Ada", "expires": "1731"}),
                ada("Ada", 1731),
            ),
            (json!({"user": "ada", "expires": 1731.0}), ada("ada", 1731)),
            (
                json!({"principalId": "ada", "expires": "1731", "integrationLatency": 3}),
                ada("ada", 1731),
            ),
        ] {
            assert_eq!(read(context.clone()), expected, "{context}");
        }
    }

    #[test]
    fn who_is_not_named_is_not_let_in() {
        for context in [
            json!({}),
            json!({"user": "ada"}),
            json!({"user": "ada", "expires": null}),
            json!({"user": "ada", "expires": "soon"}),
            json!({"user": "ada", "expires": -1}),
            json!({"user": "", "expires": 1731}),
            json!({"user": 5, "expires": 1731}),
            json!({"name": "Ada", "expires": 1731}),
        ] {
            assert_eq!(read(context.clone()), None, "{context}");
        }
    }
}

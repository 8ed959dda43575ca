//! The caller's identity, which the authorizer puts into the context of every event.

use std::collections::HashMap;

use chat::domain::{DisplayName, Identity, Timestamp, UserId};
use serde_json::Value;

/// The event did not pass the authorizer: the API is misconfigured, and the request is refused.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the event has no identity; is the authorizer attached to this route?")]
pub struct IdentityError;

/// Reads the authorizer's context. Gateways convert numbers to strings in some events, so both are
/// accepted.
///
/// # Errors
/// Fails if the user or the token's expiry is missing or invalid.
pub fn of_context(context: &HashMap<String, Value>) -> Result<Identity, IdentityError> {
    let text = |name: &str| context.get(name).and_then(Value::as_str);
    let user = text("user")
        .or_else(|| text("principalId"))
        .ok_or(IdentityError)?;
    let expires = context
        .get("expires")
        .and_then(seconds)
        .ok_or(IdentityError)?;
    let user = UserId::new(user).map_err(|_| IdentityError)?;
    Ok(Identity {
        name: DisplayName::of(&user, text("name").unwrap_or_default()),
        user,
        expires: Timestamp::from_seconds(expires),
    })
}

/// Reads seconds since the epoch from a number or a string.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => whole(&number.to_string()),
        Value::String(text) => whole(text),
        _ => None,
    }
}

/// Parses the part of a number before its fraction.
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
    fn numbers_in_the_context_may_be_strings() {
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
                json!({"user": "ada", "name": "\u{202e}ecarg\u{200b}", "expires": 1731}),
                ada("ecarg", 1731),
            ),
            (
                json!({"user": "ada", "name": "\u{3164}", "expires": 1731}),
                ada("ada", 1731),
            ),
            (
                json!({"principalId": "ada", "expires": "1731", "integrationLatency": 3}),
                ada("ada", 1731),
            ),
        ] {
            assert_eq!(read(context.clone()), expected, "{context}");
        }
    }

    #[test]
    fn a_context_without_a_user_or_an_expiry_is_refused() {
        for context in [
            json!({}),
            json!({"user": "ada"}),
            json!({"user": "ada", "expires": null}),
            json!({"user": "ada", "expires": "soon"}),
            json!({"user": "ada", "expires": -1}),
            json!({"user": "", "expires": 1731}),
            json!({"user": "Zoe\u{308}", "expires": 1731}),
            json!({"user": "ad\u{200b}a", "expires": 1731}),
            json!({"user": 5, "expires": 1731}),
            json!({"name": "Ada", "expires": 1731}),
        ] {
            assert_eq!(read(context.clone()), None, "{context}");
        }
    }
}

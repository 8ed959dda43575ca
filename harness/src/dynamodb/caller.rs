//! Who makes a call, as far as its signature says. No signature is verified: this is for counting and for policies of
//! local functions, not for security.

use std::fmt;

use axum::http::{HeaderMap, header::AUTHORIZATION};

use super::ADMIN_ACCESS_KEY_ID;
use crate::lambda::function_of_access_key_id;

/// The owner of the access key that a call is signed with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// A function, by logical id.
    Function(String),
    /// The local administrator: the harness itself, or a developer's client.
    Administrator,
    /// Somebody with another key, or with none.
    Other(String),
}

impl Caller {
    /// Reads `Authorization: AWS4-HMAC-SHA256 Credential=KEY/20260131/us-east-1/dynamodb/aws4_request, …`.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let key = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once("Credential="))
            .and_then(|(_, credential)| credential.split_once('/'))
            .map_or("", |(key, _)| key);
        match function_of_access_key_id(key) {
            Some(logical_id) => Self::Function(logical_id.to_owned()),
            None if key == ADMIN_ACCESS_KEY_ID => Self::Administrator,
            None => Self::Other(key.to_owned()),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(logical_id) => formatter.write_str(logical_id),
            Self::Administrator => formatter.write_str("administrator"),
            Self::Other(key) if key.is_empty() => formatter.write_str("anonymous"),
            Self::Other(key) => formatter.write_str(key),
        }
    }
}

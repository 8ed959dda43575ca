//! Whose access key a call is signed with.

use std::fmt;

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

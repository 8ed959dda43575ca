//! The caller of a service.

use std::fmt;

/// The owner of the access key of a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// A function, by its logical id.
    Function(String),
    /// The local administrator: the harness itself, or an AWS client of the developer.
    Administrator,
    /// A caller with an unknown key, or without one.
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

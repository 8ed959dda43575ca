//! Two kinds of error that are never mixed: a [`Rejection`] is the client's to act on, a [`InternalError`] is ours.

use std::{error::Error, time::Duration};

/// Why a request ended without its answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The client's to act on.
    #[error("rejected: {0}")]
    Rejected(#[from] Rejection),
    /// Ours: the client learns only that it happened.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

/// A failure of something that the chat needs. Its text and its sources are for the log, never for a client.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {source}")]
pub struct InternalError {
    doing: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl InternalError {
    /// A failure while `doing` something, for example `"putting an event"`.
    pub fn new(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            doing,
            source: source.into(),
        }
    }
}

/// A request that cannot be granted. The messages tell a developer what to do; they never repeat what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Not JSON, no object, no action.
    #[error("{0}")]
    Malformed(&'static str),
    /// A field that breaks its rule.
    #[error("`{field}` {rule}")]
    Invalid {
        /// Which one.
        field: &'static str,
        /// What it must be, as the rest of a sentence.
        rule: &'static str,
    },
    /// A field, or all of the request, that is larger than its limit.
    #[error("`{field}` {rule}")]
    TooLarge {
        /// Which one.
        field: &'static str,
        /// The limit, as the rest of a sentence.
        rule: &'static str,
    },
    /// No route has this action.
    #[error("there is no such action here; see the protocol's list of actions")]
    UnknownAction,
    /// The token that opened the connection has ended.
    #[error("the token has expired; get a new one and connect with it")]
    Unauthenticated,
    /// The user may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such thing for this user, whether or not it exists for others.
    #[error("there is no such conversation, or you are not a participant of it")]
    NotFound,
    /// `after` was never a position of this log.
    #[error("`after` is not a position of this conversation; subscribe without it, or from 0")]
    UnknownPosition,
    /// More has been stored since `after` than one read can prove.
    #[error(
        "too much has been stored since `after`; catch up, then send again from the new position"
    )]
    ResyncRequired,
    /// The id belongs to another request.
    #[error("this id was used for something else; send under a new id")]
    IdReused,
    /// Others were quicker until the time was up.
    #[error("too many others are writing to this conversation; send again under the same id")]
    Contended,
}

/// What a client should do about a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request will never be granted.
    Never,
    /// The same request may be granted later.
    Later(Duration),
    /// Get a new token first.
    Reauthenticate,
    /// Catch up first.
    Resync,
}

impl Rejection {
    /// The stable word for it on the wire.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Invalid { .. } => "invalid",
            Self::TooLarge { .. } => "too_large",
            Self::UnknownAction => "unknown_action",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound => "not_found",
            Self::UnknownPosition => "unknown_position",
            Self::ResyncRequired => "resync_required",
            Self::IdReused => "id_reused",
            Self::Contended => "contended",
        }
    }

    /// The field that is to blame, if one is.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } | Self::TooLarge { field, .. } => Some(field),
            Self::UnknownPosition | Self::ResyncRequired => Some("after"),
            Self::IdReused => Some("id"),
            _ => None,
        }
    }

    /// What the client should do.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unauthenticated => Retry::Reauthenticate,
            Self::UnknownPosition | Self::ResyncRequired => Retry::Resync,
            Self::Contended => Retry::Later(Duration::from_secs(1)),
            _ => Retry::Never,
        }
    }
}

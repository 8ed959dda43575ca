//! Two kinds of error, never mixed: the client can act on a [`Rejection`]; an [`InternalError`] is
//! for the operator.

use std::{error::Error, time::Duration};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The request cannot be granted; the client learns why.
    #[error("rejected: {0}")]
    Rejected(#[from] Rejection),
    /// Something that the chat needs failed; the client learns only that.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

/// An error of a service that the chat needs. Its text and its sources are for the log, never for
/// a client.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {source}")]
pub struct InternalError {
    doing: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl InternalError {
    /// Creates an error that occurred while `doing` something, for example `"putting an entry"`.
    pub fn new(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            doing,
            source: source.into(),
        }
    }
}

/// A request that cannot be granted. The messages say what developers can do, and never repeat the
/// request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The frame is not JSON, not an object, or has no action.
    #[error("{0}")]
    Malformed(&'static str),
    /// A field breaks its rule.
    #[error("`{field}` {rule}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// The rule, as the rest of a sentence.
        rule: &'static str,
    },
    /// A field or the whole request is larger than its limit.
    #[error("`{field}` {rule}")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// The limit, as the rest of a sentence.
        rule: &'static str,
    },
    /// No route has this action.
    #[error("there is no such action here; see the protocol's list of actions")]
    UnknownAction,
    /// The token that opened the connection has expired.
    #[error("the token has expired; get a new one and connect with it")]
    Unauthenticated,
    /// The user may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The conversation does not exist, or the user is not a participant.
    #[error("there is no such conversation, or you are not a participant of it")]
    NotFound,
    /// The position holds no message.
    #[error("`{0}` is not the position of a message of this conversation")]
    UnknownMessage(&'static str),
    /// `after` is not a position of this log.
    #[error("`after` is not a position of this conversation; subscribe without it, or from 0")]
    UnknownPosition,
    /// `read` is not a position of this log.
    #[error("`read` is not a position of this conversation; send one that you have seen")]
    UnknownReadPosition,
    /// More entries have been stored since `after` than one read returns.
    #[error(
        "too much has been stored since `after`; catch up, then send again from the new position"
    )]
    ResyncRequired,
    /// Another request has the same id.
    #[error("this id was used for something else; send under a new id")]
    IdReused,
    /// Other writers took every position until the deadline.
    #[error("too many others are writing to this conversation; send again under the same id")]
    Contended,
    /// The user makes requests faster than they may.
    #[error("you send requests faster than this service allows; wait, then send again")]
    RateLimited(Duration),
    /// The user has as many open connections as they may have.
    #[error("this user has too many open connections; close one, then connect again")]
    TooManyConnections,
}

/// What the client should do about a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Do not repeat the request; it will never be granted.
    Never,
    /// Repeat the request after this time.
    Later(Duration),
    /// Get a new token first.
    Reauthenticate,
    /// Catch up first.
    Resync,
}

impl Rejection {
    /// The stable error code on the wire.
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
            Self::UnknownMessage(_) => "unknown_message",
            Self::UnknownPosition | Self::UnknownReadPosition => "unknown_position",
            Self::ResyncRequired => "resync_required",
            Self::IdReused => "id_reused",
            Self::Contended => "contended",
            Self::RateLimited(_) | Self::TooManyConnections => "rate_limited",
        }
    }

    /// The field that caused the rejection, if there is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. }
            | Self::TooLarge { field, .. }
            | Self::UnknownMessage(field) => Some(field),
            Self::UnknownPosition | Self::ResyncRequired => Some("after"),
            Self::UnknownReadPosition => Some("read"),
            Self::IdReused => Some("id"),
            _ => None,
        }
    }

    /// What the client should do.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unauthenticated => Retry::Reauthenticate,
            Self::UnknownPosition | Self::UnknownReadPosition | Self::ResyncRequired => {
                Retry::Resync
            }
            Self::Contended => Retry::Later(Duration::from_secs(1)),
            Self::RateLimited(wait) => Retry::Later(*wait),
            Self::TooManyConnections => Retry::Later(Duration::from_secs(60)),
            _ => Retry::Never,
        }
    }
}

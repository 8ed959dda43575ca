//! Pushes to connections, and the facts that metrics count.

use std::{future::Future, time::Duration};

use crate::{domain::ConnectionId, error::InternalError};

/// Pushes frames to connections.
pub trait Outbound {
    /// Hands a frame to the gateway. Success does not mean that the client has received it.
    fn push(
        &self,
        connection: &ConnectionId,
        frame: &str,
    ) -> impl Future<Output = Result<(), PushError>> + Send;

    /// Learns of a fact, for metrics. Nothing depends on it, and by default it has no effect.
    fn report(&self, _fact: Fact) {}
}

/// What happened when an entry or a notice was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A user's entry is stored, by this request or by an earlier one.
    Sent {
        /// Whether an earlier request stored it.
        duplicate: bool,
    },
    /// A push is attempted again, because the gateway was busy.
    Retry,
    /// A connection is gone.
    Gone,
    /// A fan-out has ended: the pushes of a frame, or of several frames of one request.
    FanOut {
        /// The number of connections that it was for.
        size: usize,
        /// How many of them it was given up for. Their clients read the entries from the log.
        missed: usize,
        /// How long the pushes took together.
        duration: Duration,
    },
}

/// The reason why the gateway did not accept a frame.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The connection is closed, or its handshake is not complete.
    #[error("the connection is gone")]
    Gone,
    /// A retry may succeed: the gateway is busy, or the client reads too slowly.
    #[error("the gateway is busy")]
    Busy,
    /// A retry would fail as well.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

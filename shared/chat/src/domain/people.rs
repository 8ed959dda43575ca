//! Who is there: identities, connections, subscriptions.

use super::{CONNECTION_LIFETIME, ConnectionId, DisplayName, Timestamp, UserId};

/// Who makes a request, as the authorizer found it in the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The token's `sub`.
    pub user: UserId,
    /// How the user is shown.
    pub name: DisplayName,
    /// When the token ends; compared at every request, since a connection outlives tokens.
    pub expires: Timestamp,
}

/// A WebSocket connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The gateway's name for it.
    pub id: ConnectionId,
    /// When its handshake began.
    pub connected_at: Timestamp,
}

impl Connection {
    /// From when on no row of this connection is believed.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.connected_at.plus(CONNECTION_LIFETIME)
    }
}

/// A connection that wants a conversation's entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Whose connection it is.
    pub user: UserId,
    /// Where entries are pushed to.
    pub connection: Connection,
}

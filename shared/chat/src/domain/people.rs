//! Identities, connections and subscriptions.

use super::{CONNECTION_LIFETIME, ConnectionId, DisplayName, Timestamp, UserId};

/// The caller of a request, from the token that the authorizer checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The token's `sub`.
    pub user: UserId,
    /// The display name.
    pub name: DisplayName,
    /// When the token expires. Checked at every request, since a connection may outlive its token.
    pub expires: Timestamp,
}

/// A WebSocket connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The gateway's id of the connection.
    pub id: ConnectionId,
    /// When the handshake began.
    pub connected_at: Timestamp,
}

impl Connection {
    /// When the rows of this connection cease to have an effect.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.connected_at.plus(CONNECTION_LIFETIME)
    }
}

/// A connection that is subscribed to a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The user of the connection.
    pub user: UserId,
    /// The connection that entries are pushed to.
    pub connection: Connection,
}

//! Identities, connections and subscriptions.

use super::{CONNECTION_LIFETIME, ConnectionId, DisplayName, Timestamp, UserId};
use crate::mutant::mutant;

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
    expires_at: Timestamp,
}

impl Connection {
    /// Creates a connection. Its rows expire at `end`, the end of the user's token, but at the
    /// latest [`CONNECTION_LIFETIME`] after the handshake.
    #[must_use]
    pub fn new(id: ConnectionId, connected_at: Timestamp, end: Timestamp) -> Self {
        let latest = connected_at.plus(CONNECTION_LIFETIME);
        let earlier = if mutant!(RowsOutliveToken) {
            latest
        } else {
            end.min(latest)
        };
        Self {
            id,
            connected_at,
            // Rows hold whole seconds.
            expires_at: Timestamp::from_seconds(earlier.seconds()),
        }
    }

    /// When the rows of this connection cease to have an effect, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_expires_with_its_token_and_at_the_latest_after_its_lifetime() {
        let connected_at = Timestamp::from_millis(1_000_123);
        for (end, expires_at) in [
            (1_001, 1_001),
            (8_499, 8_499),
            (8_500, 8_500),
            (8_501, 8_500),
        ] {
            let id = ConnectionId::new("c=").unwrap();
            let connection = Connection::new(id, connected_at, Timestamp::from_seconds(end));
            let expected = Timestamp::from_seconds(expires_at);
            assert_eq!(connection.expires_at(), expected, "{end}");
        }
    }
}

//! `$disconnect`: a connection has closed. The gateway may call this route late, twice or never.

use crate::{
    domain::{ConnectionId, UserId},
    error::InternalError,
    fan_out::forget,
    ports::{Connections, Subscriptions},
};

/// Deletes all rows of the connection.
///
/// # Errors
/// An [`InternalError`] if a row cannot be deleted. Rows that remain have no effect, and expire.
pub async fn handle<P: Subscriptions + Connections + Sync>(
    ports: &P,
    user: &UserId,
    connection: &ConnectionId,
) -> Result<(), InternalError> {
    forget(ports, user, connection, None).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fakes::FakeChat;

    #[test]
    fn repeated_disconnects_leave_no_rows() {
        let chat = FakeChat::new();
        chat.connect("ada-1");
        for id in ["c", "d"] {
            chat.conversation(id, &["ada"]);
            chat.frame("ada-1", json!({"action": "subscribe", "conversation": id}));
        }
        assert_eq!(chat.connection_rows(), 3);
        let (identity, connection) = chat.connection("ada-1");
        for _ in 0..2 {
            chat.run(handle(&chat, &identity.user, &connection.id))
                .unwrap();
            assert_eq!(chat.connection_rows(), 0);
        }
    }
}

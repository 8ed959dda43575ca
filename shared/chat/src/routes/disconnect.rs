//! `$disconnect`: a connection has closed. The gateway may call this late, twice or never.

use crate::{
    domain::{ConnectionId, UserId},
    error::InternalError,
    fan_out::forget,
    ports::{Connections, Subscriptions},
};

/// Deletes every row of the connection.
///
/// # Errors
/// A [`InternalError`]; what is left is inert and expires.
pub async fn handle<P: Subscriptions + Connections + Sync>(
    ports: &P,
    user: &UserId,
    connection: &ConnectionId,
) -> Result<(), InternalError> {
    forget(ports, user, connection).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fakes::FakeChat;

    #[test]
    fn nothing_is_left_of_a_connection_however_often_it_closes() {
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

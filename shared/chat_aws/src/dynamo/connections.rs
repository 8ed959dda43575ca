//! Connections of users.

use std::collections::BTreeSet;

use chat::{
    domain::{Connection, ConnectionId, ConversationId, UserId},
    error::InternalError,
    ports::Connections,
};

use super::{Range, Table, all_rows, failed, keys, row::Row};

impl Connections for Table {
    async fn add_connection(
        &self,
        user: &UserId,
        connection: &Connection,
    ) -> Result<(), InternalError> {
        let row = Row::new(keys::user(user), keys::connection(&connection.id))
            .with_number(keys::CONNECTED_AT, connection.connected_at.millis())
            .with_number(keys::EXPIRES_AT, connection.expires_at().seconds());
        self.put(row)
            .send()
            .await
            .map_err(failed("storing a connection"))?;
        Ok(())
    }

    async fn remove_connection(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        conversations: &[ConversationId],
    ) -> Result<(), InternalError> {
        // A request must not name a key twice.
        let conversations: BTreeSet<_> = conversations.iter().collect();
        let subscriptions = conversations.iter().map(|conversation| {
            Row::new(
                keys::conversation(conversation),
                keys::subscription(user, connection),
            )
        });
        let own = Row::new(keys::user(user), keys::connection(connection));
        let places = Row::new(keys::connection(connection), keys::PLACES.to_owned());
        // A connection without subscriptions has no places.
        let has_places = !conversations.is_empty();
        let rows = subscriptions
            .chain(has_places.then_some(places))
            .chain([own]);
        let rows: Vec<Row> = rows.collect();
        self.delete_all("deleting a connection", &rows).await
    }

    async fn connections_of(&self, user: &UserId) -> Result<Vec<Connection>, InternalError> {
        let query = self.query(keys::user(user), Range::BeginsWith(keys::CONNECTIONS));
        let rows = all_rows("reading the connections of a user", query).await?;
        rows.iter()
            .map(|row| row.connection(keys::connection_in))
            .collect()
    }
}

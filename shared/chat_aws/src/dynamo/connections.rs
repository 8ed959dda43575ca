//! Connections of users.

use chat::{
    domain::{Connection, ConnectionId, UserId},
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
    ) -> Result<(), InternalError> {
        self.delete(keys::user(user), keys::connection(connection))
            .send()
            .await
            .map_err(failed("deleting a connection"))?;
        Ok(())
    }

    async fn connections_of(&self, user: &UserId) -> Result<Vec<Connection>, InternalError> {
        let query = self.query(keys::user(user), Range::BeginsWith(keys::CONNECTIONS));
        let rows = all_rows("reading the connections of a user", query).await?;
        rows.iter()
            .map(|row| row.connection(keys::connection_in))
            .collect()
    }
}

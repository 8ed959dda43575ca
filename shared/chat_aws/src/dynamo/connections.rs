//! Connections of users.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use chat::{
    domain::{Connection, ConnectionId, ConversationId, UserId},
    error::InternalError,
    ports::Connections,
};

use futures_util::future::try_join_all;

use super::{Range, Table, all_rows, failed, keys, row::Row, wait_after};

/// The most rows that one call deletes.
const BATCH: usize = 25;

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
        let subscriptions = conversations.into_iter().map(|conversation| {
            Row::new(
                keys::conversation(conversation),
                keys::subscription(connection),
            )
        });
        let own = Row::new(keys::user(user), keys::connection(connection));
        let rows: Vec<Row> = subscriptions.chain([own]).collect();
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

impl Table {
    /// Deletes the rows of different keys, those that exist.
    pub(super) async fn delete_all(
        &self,
        doing: &'static str,
        rows: &[Row],
    ) -> Result<(), InternalError> {
        let batches = rows.chunks(BATCH);
        try_join_all(batches.map(|batch| self.delete_batch(doing, batch))).await?;
        Ok(())
    }

    /// Deletes the rows of one batch. Retries what DynamoDB leaves unprocessed.
    async fn delete_batch(&self, doing: &'static str, rows: &[Row]) -> Result<(), InternalError> {
        let mut left = Vec::with_capacity(rows.len());
        for row in rows {
            let delete = DeleteRequest::builder().set_key(Some(row.clone().into_item()));
            let delete = delete.build().map_err(failed(doing))?;
            left.push(WriteRequest::builder().delete_request(delete).build());
        }
        let mut attempt = 1;
        loop {
            let call = self.client.batch_write_item();
            let answer = call.request_items(&self.name, left).send().await;
            let unprocessed = answer.map_err(failed(doing))?.unprocessed_items;
            left = unprocessed
                .into_iter()
                .flat_map(HashMap::into_values)
                .flatten()
                .collect();
            if left.is_empty() {
                return Ok(());
            }
            if !wait_after(attempt).await {
                return Err(InternalError::new(
                    doing,
                    "some rows were not processed in any attempt",
                ));
            }
            attempt += 1;
        }
    }
}

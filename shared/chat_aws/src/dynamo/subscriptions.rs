//! Subscriptions, and the roster of participants and subscriptions.

use chat::{
    domain::{ConnectionId, ConversationId, Subscription},
    error::InternalError,
    ports::{Roster, Subscriptions},
};

use super::{Range, Table, all_rows, failed, keys, row::Row};

impl Subscriptions for Table {
    async fn subscribe(
        &self,
        conversation: &ConversationId,
        subscription: &Subscription,
    ) -> Result<(), InternalError> {
        let connection = &subscription.connection;
        let row = Row::new(
            keys::conversation(conversation),
            keys::subscription(&connection.id),
        )
        .with(keys::OWNER, keys::connection(&connection.id))
        .with(keys::USER, subscription.user.as_str())
        .with_number(keys::CONNECTED_AT, connection.connected_at.millis())
        .with_number(keys::EXPIRES_AT, connection.expires_at().seconds());
        self.put(row)
            .send()
            .await
            .map_err(failed("subscribing a connection"))?;
        Ok(())
    }

    async fn unsubscribe(
        &self,
        conversation: &ConversationId,
        connection: &ConnectionId,
    ) -> Result<(), InternalError> {
        self.delete(
            keys::conversation(conversation),
            keys::subscription(connection),
        )
        .send()
        .await
        .map_err(failed("unsubscribing a connection"))?;
        Ok(())
    }

    async fn roster(&self, conversation: &ConversationId) -> Result<Roster, InternalError> {
        // One ascending range, so that participants are read before subscriptions.
        let query = self
            .query(
                keys::conversation(conversation),
                Range::Between(keys::ROSTER_FIRST, keys::ROSTER_LAST),
            )
            .projection_expression("#sort, #user, #connected_at, #expires_at")
            .expression_attribute_names("#user", keys::USER)
            .expression_attribute_names("#connected_at", keys::CONNECTED_AT)
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT);
        let mut roster = Roster::default();
        for row in all_rows("reading a roster", query).await? {
            if let Ok(participant) = row.named_by_sk(keys::participant_in) {
                roster.participants.push(participant);
            } else {
                roster.subscriptions.push(subscription(&row)?);
            }
        }
        Ok(roster)
    }

    async fn subscriptions_of(
        &self,
        connection: &ConnectionId,
    ) -> Result<Vec<ConversationId>, InternalError> {
        let query = self
            .query_by_owner(keys::connection(connection))
            .projection_expression("#sort");
        let rows = all_rows("reading the subscriptions of a connection", query).await?;
        rows.iter()
            .map(|row| row.named_by_pk(keys::conversation_in))
            .collect()
    }
}

fn subscription(row: &Row) -> Result<Subscription, InternalError> {
    Ok(Subscription {
        user: row.user(keys::USER)?,
        connection: row.connection(keys::subscription_in)?,
    })
}

//! Subscriptions, and the roster of participants and subscriptions.

use aws_sdk_dynamodb::{
    operation::{
        query::builders::QueryFluentBuilder,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::AttributeValue,
};
use chat::{
    domain::{Connection, ConnectionId, ConversationId, Subscription},
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

    async fn claim(
        &self,
        connection: &Connection,
        conversation: &ConversationId,
        most: usize,
    ) -> Result<bool, InternalError> {
        const HAS_PLACE: &str = "attribute_not_exists(#conversations) \
            OR size(#conversations) < :most OR contains(#conversations, :conversation)";
        let call = self
            .update_places(&connection.id, conversation)
            .update_expression("SET #expires_at = :expires_at ADD #conversations :conversations")
            .condition_expression(HAS_PLACE)
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_values(":expires_at", number(connection.expires_at().seconds()))
            .expression_attribute_values(":most", number(most))
            .expression_attribute_values(
                ":conversation",
                AttributeValue::S(conversation.to_string()),
            );
        applied("claiming a place", call).await
    }

    async fn release(
        &self,
        conversation: &ConversationId,
        connection: &ConnectionId,
    ) -> Result<(), InternalError> {
        let call = self
            .update_places(connection, conversation)
            .update_expression("DELETE #conversations :conversations")
            .condition_expression("attribute_exists(#conversations)");
        applied("releasing a place", call).await?;
        Ok(())
    }

    async fn roster(&self, conversation: &ConversationId) -> Result<Roster, InternalError> {
        let query = self.query_roster(conversation);
        roster(&all_rows(READING_ROSTER, query).await?)
    }

    async fn small_roster(
        &self,
        conversation: &ConversationId,
        most: usize,
    ) -> Result<Option<Roster>, InternalError> {
        let limit = i32::try_from(most).unwrap_or(i32::MAX).saturating_add(1);
        let found = self
            .query_roster(conversation)
            .limit(limit)
            .send()
            .await
            .map_err(failed(READING_ROSTER))?;
        let rows: Vec<Row> = found.items.into_iter().flatten().map(Row::read).collect();
        if rows.len() > most || found.last_evaluated_key.is_some() {
            return Ok(None);
        }
        roster(&rows).map(Some)
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

const READING_ROSTER: &str = "reading a roster";

fn roster(rows: &[Row]) -> Result<Roster, InternalError> {
    let mut roster = Roster::default();
    for row in rows {
        if let Ok(participant) = row.named_by_sk(keys::participant_in) {
            roster.participants.push(participant);
        } else {
            roster.subscriptions.push(subscription(row)?);
        }
    }
    Ok(roster)
}

impl Table {
    fn query_roster(&self, conversation: &ConversationId) -> QueryFluentBuilder {
        // One ascending range, so that participants are read before subscriptions.
        self.query(
            keys::conversation(conversation),
            Range::Between(keys::ROSTER_FIRST, keys::ROSTER_LAST),
        )
        .projection_expression("#sort, #user, #connected_at, #expires_at")
        .expression_attribute_names("#user", keys::USER)
        .expression_attribute_names("#connected_at", keys::CONNECTED_AT)
        .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
    }

    fn update_places(
        &self,
        connection: &ConnectionId,
        conversation: &ConversationId,
    ) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .key(keys::PK, AttributeValue::S(keys::connection(connection)))
            .key(keys::SK, AttributeValue::S(keys::PLACES.to_owned()))
            .expression_attribute_names("#conversations", keys::CONVERSATION_IDS)
            .expression_attribute_values(
                ":conversations",
                AttributeValue::Ss(vec![conversation.to_string()]),
            )
    }
}

/// Sends an update. Returns whether its condition held, so that it was applied.
async fn applied(
    doing: &'static str,
    call: UpdateItemFluentBuilder,
) -> Result<bool, InternalError> {
    match call.send().await {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(failed(doing)(error)),
        },
    }
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn subscription(row: &Row) -> Result<Subscription, InternalError> {
    Ok(Subscription {
        user: row.user(keys::USER)?,
        connection: row.connection(keys::subscription_in)?,
    })
}

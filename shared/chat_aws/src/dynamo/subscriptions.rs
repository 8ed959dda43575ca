//! Subscriptions, and the roster of participants and subscriptions.

use std::{collections::BTreeSet, slice};

use aws_sdk_dynamodb::{
    operation::{
        query::builders::QueryFluentBuilder,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::AttributeValue,
};
use chat::{
    domain::{Connection, ConnectionId, ConversationId, Subscription, UserId},
    error::InternalError,
    ports::{Roster, RosterPage, Subscriptions},
};

use super::{
    Range, Table, all_rows, failed, keys,
    row::{Row, unreadable},
};

impl Subscriptions for Table {
    async fn subscribe(
        &self,
        conversation: &ConversationId,
        subscription: &Subscription,
    ) -> Result<(), InternalError> {
        self.put(row(conversation, subscription))
            .send()
            .await
            .map_err(failed(SUBSCRIBING))?;
        Ok(())
    }

    async fn subscribe_to_all(
        &self,
        conversations: &[ConversationId],
        subscription: &Subscription,
    ) -> Result<(), InternalError> {
        let rows = conversations.iter().map(|id| row(id, subscription));
        self.put_all(SUBSCRIBING, rows.collect()).await
    }

    async fn unsubscribe(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        connection: &ConnectionId,
    ) -> Result<(), InternalError> {
        self.delete(
            keys::conversation(conversation),
            keys::subscription(user, connection),
        )
        .send()
        .await
        .map_err(failed("unsubscribing a connection"))?;
        Ok(())
    }

    async fn claim(
        &self,
        connection: &Connection,
        conversations: &[ConversationId],
        most: usize,
    ) -> Result<bool, InternalError> {
        let Some(left) = most.checked_sub(conversations.len()) else {
            return Ok(false);
        };
        let has_each: Vec<String> = (0..conversations.len())
            .map(|number| format!("contains(#conversations, :c{number})"))
            .collect();
        let has_places = format!(
            "attribute_not_exists(#conversations) OR size(#conversations) <= :left OR ({})",
            has_each.join(" AND ")
        );
        let mut call = self
            .update_places(&connection.id, conversations)
            .update_expression("SET #expires_at = :expires_at ADD #conversations :conversations")
            .condition_expression(has_places)
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_values(":expires_at", number(connection.expires_at().seconds()))
            .expression_attribute_values(":left", number(left));
        for (number, id) in conversations.iter().enumerate() {
            let id = AttributeValue::S(id.to_string());
            call = call.expression_attribute_values(format!(":c{number}"), id);
        }
        applied("claiming places", call).await
    }

    async fn release(
        &self,
        conversation: &ConversationId,
        connection: &ConnectionId,
    ) -> Result<(), InternalError> {
        let call = self
            .update_places(connection, slice::from_ref(conversation))
            .update_expression("DELETE #conversations :conversations")
            .condition_expression("attribute_exists(#conversations)");
        applied("releasing a place", call).await?;
        Ok(())
    }

    async fn roster(&self, conversation: &ConversationId) -> Result<Roster, InternalError> {
        let query = self.query_roster(conversation);
        roster(&all_rows(READING_ROSTER, query).await?)
    }

    async fn roster_page(
        &self,
        conversation: &ConversationId,
        after: Option<&UserId>,
    ) -> Result<RosterPage, InternalError> {
        let (participants, next) = match after {
            None => {
                let query = self.query_roster(conversation).limit(self.roster_rows);
                let found = query.send().await.map_err(failed(READING_ROSTER))?;
                let rows: Vec<Row> = found.items.into_iter().flatten().map(Row::read).collect();
                let found_rows = roster(&rows)?;
                if found.last_evaluated_key.is_none() {
                    return Ok(found_rows.into());
                }
                // Participants come first. If there are subscriptions, these are all participants.
                let participants = found_rows.participants;
                let more = found_rows.subscriptions.is_empty();
                let next = participants.last().filter(|_| more).cloned();
                (participants, next)
            }
            Some(after) => self.participants_after(conversation, after).await?,
        };
        let first = after.map_or_else(|| keys::SUBSCRIPTIONS.to_owned(), keys::subscriptions_after);
        let last = next
            .as_ref()
            .map_or_else(|| keys::ROSTER_LAST.to_owned(), keys::subscriptions_after);
        let query = self.query_roster_rows(conversation, Range::Between(&first, &last));
        let rows = all_rows(READING_ROSTER, query).await?;
        let subscriptions = rows.iter().map(subscription).collect::<Result<_, _>>()?;
        let roster = Roster {
            participants,
            subscriptions,
        };
        Ok(RosterPage { roster, next })
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

    async fn places_of(
        &self,
        connection: &ConnectionId,
    ) -> Result<Vec<ConversationId>, InternalError> {
        const DOING: &str = "reading the places of a connection";
        // A query, so that every function that pushes has the permission for it.
        let places = Range::Between(keys::PLACES, keys::PLACES);
        let found = self
            .query(keys::connection(connection), places)
            .consistent_read(false)
            .send()
            .await
            .map_err(failed(DOING))?;
        let rows = found.items.into_iter().flatten().map(Row::read);
        let ids: Vec<String> = rows
            .flat_map(|row| row.texts(keys::CONVERSATION_IDS))
            .collect();
        let ids = ids.into_iter().map(ConversationId::new);
        ids.collect::<Result<_, _>>()
            .map_err(|_| unreadable(keys::CONVERSATION_IDS))
    }
}

const SUBSCRIBING: &str = "subscribing a connection";
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
    // Rows of an earlier version come first. Of a connection with both, one is enough.
    let mut known = BTreeSet::new();
    roster
        .subscriptions
        .retain(|found| known.insert(found.connection.id.clone()));
    Ok(roster)
}

impl Table {
    fn query_roster(&self, conversation: &ConversationId) -> QueryFluentBuilder {
        // One ascending range, so that participants are read before subscriptions.
        let whole = Range::Between(keys::ROSTER_FIRST, keys::ROSTER_LAST);
        self.query_roster_rows(conversation, whole)
    }

    /// Reads the next participants after a user, and the last of them if there may be more.
    async fn participants_after(
        &self,
        conversation: &ConversationId,
        after: &UserId,
    ) -> Result<(Vec<UserId>, Option<UserId>), InternalError> {
        let pk = keys::conversation(conversation);
        let start = Row::new(pk, keys::participant(after)).into_item();
        let found = self
            .query_roster_rows(conversation, Range::BeginsWith(keys::PARTICIPANTS))
            .set_exclusive_start_key(Some(start))
            .limit(self.roster_rows)
            .send()
            .await
            .map_err(failed(READING_ROSTER))?;
        let rows = found.items.into_iter().flatten().map(Row::read);
        let participants = rows
            .map(|row| row.named_by_sk(keys::participant_in))
            .collect::<Result<Vec<_>, _>>()?;
        let more = found.last_evaluated_key.is_some();
        let next = participants.last().filter(|_| more).cloned();
        Ok((participants, next))
    }

    fn query_roster_rows(
        &self,
        conversation: &ConversationId,
        range: Range<'_>,
    ) -> QueryFluentBuilder {
        self.query(keys::conversation(conversation), range)
            .projection_expression("#sort, #user, #connected_at, #expires_at")
            .expression_attribute_names("#user", keys::USER)
            .expression_attribute_names("#connected_at", keys::CONNECTED_AT)
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
    }

    fn update_places(
        &self,
        connection: &ConnectionId,
        conversations: &[ConversationId],
    ) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .key(keys::PK, AttributeValue::S(keys::connection(connection)))
            .key(keys::SK, AttributeValue::S(keys::PLACES.to_owned()))
            .expression_attribute_names("#conversations", keys::CONVERSATION_IDS)
            .expression_attribute_values(
                ":conversations",
                AttributeValue::Ss(conversations.iter().map(ToString::to_string).collect()),
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

/// The row has no owner, so that it costs no entry of the index: the connection's places list its
/// subscriptions.
fn row(conversation: &ConversationId, subscription: &Subscription) -> Row {
    let connection = &subscription.connection;
    Row::new(
        keys::conversation(conversation),
        keys::subscription(&subscription.user, &connection.id),
    )
    .with(keys::USER, subscription.user.as_str())
    .with_number(keys::CONNECTED_AT, connection.connected_at.millis())
    .with_number(keys::EXPIRES_AT, connection.expires_at().seconds())
}

fn subscription(row: &Row) -> Result<Subscription, InternalError> {
    Ok(Subscription {
        user: row.user(keys::USER)?,
        connection: row.connection(keys::subscription_in)?,
    })
}

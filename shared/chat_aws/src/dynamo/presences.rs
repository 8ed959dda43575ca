//! Presence: one row of each user.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use chat::{
    domain::{ConnectionId, Timestamp, UserId},
    error::InternalError,
    ports::{Presence, Presences},
};

use super::{
    Table, failed, keys,
    row::{Item, Row},
};

impl Presences for Table {
    async fn look(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> Result<Presence, InternalError> {
        let looked = self
            .update_seen(user, connection, now, true)
            .update_expression("SET #seen_at = :now, #active = :active, #device = :device")
            .send()
            .await
            .map_err(failed("recording that a user looks"))?;
        presence(looked.attributes.unwrap_or_default())
    }

    async fn look_away(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> Result<Presence, InternalError> {
        let call = self
            .update_seen(user, connection, now, false)
            .update_expression("SET #seen_at = :now, #active = :active")
            .condition_expression("#device = :device")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.send().await {
            Ok(left) => presence(left.attributes.unwrap_or_default()),
            Err(error) => match error.as_service_error() {
                // Another connection is active, or the user has no row.
                Some(UpdateItemError::ConditionalCheckFailedException(other)) => {
                    presence(other.item().cloned().unwrap_or_default())
                }
                _ => Err(failed("recording that a user looks away")(error)),
            },
        }
    }

    async fn show_presence(&self, user: &UserId, shown: bool) -> Result<(), InternalError> {
        self.update_presence(user)
            .update_expression("SET #shown = :shown")
            .expression_attribute_names("#shown", keys::SHOWN)
            .expression_attribute_values(":shown", AttributeValue::Bool(shown))
            .send()
            .await
            .map_err(failed("showing or hiding a presence"))?;
        Ok(())
    }

    async fn presences(&self, users: &[UserId]) -> Result<Vec<(UserId, Presence)>, InternalError> {
        let rows = users
            .iter()
            .map(|user| Row::new(keys::user(user), keys::PRESENCE.to_owned()).into_item());
        let found = self
            .get_all("reading presences", rows.collect(), false)
            .await?;
        found
            .into_iter()
            .map(|row| {
                let user = row.named_by_pk(keys::user_in)?;
                Ok((user, of_row(&row)?))
            })
            .collect()
    }
}

impl Table {
    fn update_presence(&self, user: &UserId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .key(keys::PK, AttributeValue::S(keys::user(user)))
            .key(keys::SK, AttributeValue::S(keys::PRESENCE.to_owned()))
    }

    fn update_seen(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
        active: bool,
    ) -> UpdateItemFluentBuilder {
        self.update_presence(user)
            .expression_attribute_names("#seen_at", keys::SEEN_AT)
            .expression_attribute_names("#active", keys::ACTIVE)
            .expression_attribute_names("#device", keys::DEVICE)
            .expression_attribute_values(":now", AttributeValue::N(now.millis().to_string()))
            .expression_attribute_values(":active", AttributeValue::Bool(active))
            .expression_attribute_values(":device", AttributeValue::S(connection.to_string()))
            .return_values(ReturnValue::AllNew)
    }
}

fn presence(item: Item) -> Result<Presence, InternalError> {
    of_row(&Row::read(item))
}

pub(super) fn of_row(row: &Row) -> Result<Presence, InternalError> {
    let seen_at = row.optional_number(keys::SEEN_AT)?;
    Ok(Presence {
        seen_at: seen_at.map(Timestamp::from_millis),
        active: row.optional_bool(keys::ACTIVE)?.unwrap_or(false),
        shown: row.optional_bool(keys::SHOWN)?.unwrap_or(true),
    })
}

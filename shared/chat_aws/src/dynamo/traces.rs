//! What is stored of one user: a scan of the whole table, because no index finds the entries of a
//! user who has left a conversation.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::AttributeValue};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chat::{
    domain::{ConversationId, ReactionKey, Seq, UserId},
    error::InternalError,
    ports::{Own, Place, Trace, TracePage, Traces},
};

use super::{
    Table, failed, keys,
    log::entry,
    participants::about,
    presences::of_row,
    row::{Item, Row, unreadable},
    wait_after,
};

/// A row that names the user, or that belongs to them.
const OF_USER: &str = "#partition = :owner OR #owner = :owner OR #sender = :user \
    OR #user = :user OR #created_by = :user";
/// Between the two keys of a place. No key contains it.
const SEPARATOR: char = '\0';

impl Traces for Table {
    async fn traces_of(
        &self,
        user: &UserId,
        place: Option<&Place>,
    ) -> Result<TracePage, InternalError> {
        let scan = self
            .client
            .scan()
            .table_name(&self.name)
            .consistent_read(true)
            .set_exclusive_start_key(place.map(key_of).transpose()?)
            .filter_expression(OF_USER)
            .expression_attribute_names("#partition", keys::PK)
            .expression_attribute_names("#owner", keys::OWNER)
            .expression_attribute_names("#sender", keys::SENDER)
            .expression_attribute_names("#user", keys::USER)
            .expression_attribute_names("#created_by", keys::CREATED_BY)
            .expression_attribute_values(":owner", AttributeValue::S(keys::user(user)))
            .expression_attribute_values(":user", AttributeValue::S(user.to_string()));
        let found = scan
            .send()
            .await
            .map_err(failed("searching for what is stored of a user"))?;
        let rows = found.items.unwrap_or_default().into_iter().map(Row::read);
        Ok(TracePage {
            traces: rows
                .map(|row| trace(&row, user))
                .collect::<Result<_, _>>()?,
            next: found.last_evaluated_key.map(place_of).transpose()?,
        })
    }

    async fn remove_name(
        &self,
        conversation: &ConversationId,
        seq: Seq,
    ) -> Result<(), InternalError> {
        self.remove_name_from(conversation, keys::entry(seq)).await
    }

    async fn remove_reaction_name(
        &self,
        conversation: &ConversationId,
        reaction: &ReactionKey,
    ) -> Result<(), InternalError> {
        self.remove_name_from(conversation, keys::reaction(reaction))
            .await
    }

    async fn delete_own(&self, user: &UserId, row: &Own) -> Result<(), InternalError> {
        let sk = match row {
            Own::Connection(connection) => keys::connection(&connection.id),
            Own::Presence(_) => keys::PRESENCE.to_owned(),
            Own::Unknown(sk) => sk.clone(),
        };
        let own = Row::new(keys::user(user), sk);
        let places = match row {
            Own::Connection(connection) => Some(Row::new(
                keys::connection(&connection.id),
                keys::PLACES.to_owned(),
            )),
            Own::Presence(_) | Own::Unknown(_) => None,
        };
        let rows: Vec<Row> = places.into_iter().chain([own]).collect();
        self.delete_all("deleting a row of a user", &rows).await
    }
}

impl Table {
    /// Removes the name from a row of a conversation, if it has one.
    async fn remove_name_from(
        &self,
        conversation: &ConversationId,
        sk: String,
    ) -> Result<(), InternalError> {
        const DOING: &str = "removing a name";
        let pk = keys::conversation(conversation);
        let call = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(keys::PK, AttributeValue::S(pk))
            .key(keys::SK, AttributeValue::S(sk))
            .condition_expression("attribute_exists(#name)")
            .update_expression("SET #name = :nothing")
            .expression_attribute_names("#name", keys::NAME)
            .expression_attribute_values(":nothing", AttributeValue::S(String::new()));
        let mut attempt = 1;
        loop {
            let error = match call.clone().send().await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => return Ok(()),
                // The SDK does not retry this.
                Some(UpdateItemError::TransactionConflictException(_))
                    if wait_after(attempt).await =>
                {
                    attempt += 1;
                }
                _ => return Err(failed(DOING)(error)),
            }
        }
    }
}

/// Reads a row that [`OF_USER`] finds. Fails for a row that this version does not know outside the
/// user's own partition, so that an erasure does not pass over it.
fn trace(row: &Row, user: &UserId) -> Result<Trace, InternalError> {
    let sk = row.text(keys::SK)?;
    if row.optional(keys::PK) == Some(keys::user(user).as_str()) {
        let own = if keys::connection_in(sk).is_some() {
            Own::Connection(row.connection(keys::connection_in)?)
        } else if sk == keys::PRESENCE {
            Own::Presence(of_row(row)?)
        } else {
            Own::Unknown(sk.to_owned())
        };
        return Ok(Trace::Own(own));
    }
    let conversation = row.named_by_pk(keys::conversation_in)?;
    if sk == keys::ABOUT {
        return Ok(Trace::Created(about(row)?));
    }
    if keys::seq_in(sk).is_some() {
        return Ok(Trace::Entry(conversation, entry(row)?));
    }
    if keys::participant_in(sk).is_some() {
        return Ok(Trace::Participation(conversation));
    }
    match keys::subscription_in(sk) {
        Some(connection) => Ok(Trace::Subscription(conversation, connection)),
        None => Err(unreadable(keys::SK)),
    }
}

fn place_of(key: Item) -> Result<Place, InternalError> {
    let key = Row::read(key);
    let (pk, sk) = (key.text(keys::PK)?, key.text(keys::SK)?);
    let place = format!("{pk}{SEPARATOR}{sk}");
    Ok(Place::new(BASE64_URL_SAFE_NO_PAD.encode(place)))
}

fn key_of(place: &Place) -> Result<Item, InternalError> {
    let key = BASE64_URL_SAFE_NO_PAD
        .decode(place.as_str())
        .ok()
        .and_then(|place| String::from_utf8(place).ok())
        .and_then(|place| {
            let (pk, sk) = place.split_once(SEPARATOR)?;
            Some(Row::new(pk.to_owned(), sk.to_owned()).into_item())
        });
    key.ok_or_else(|| {
        InternalError::new(
            "reading a place in the table",
            "no earlier step returned it",
        )
    })
}

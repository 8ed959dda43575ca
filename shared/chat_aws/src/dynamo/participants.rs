//! Conversations and their participants.

use std::{
    collections::{BTreeSet, HashMap},
    iter,
};

use aws_sdk_dynamodb::types::{KeysAndAttributes, TransactWriteItem};
use chat::{
    domain::{
        Conversation, ConversationId, Digest, DisplayName, Participant, ReadState, Role, Seq,
        Title, UserId,
    },
    error::InternalError,
    ports::{ConversationPage, ParticipantPage, Participants},
};

use super::{
    IS_NEW, Range, Table, failed, keys,
    row::{Item, Row, unreadable},
    transaction::Transacted,
    wait_after,
};

impl Participants for Table {
    async fn create(
        &self,
        conversation: &Conversation,
        participants: &[Participant],
    ) -> Result<bool, InternalError> {
        const DOING: &str = "creating a conversation";
        let pk = keys::conversation(&conversation.id);
        let count = u64::try_from(participants.len()).unwrap_or(u64::MAX);
        let about = self
            .part(about_row(&pk, conversation).with_number(keys::PARTICIPANT_COUNT, count))
            .condition_expression(IS_NEW)
            .expression_attribute_names("#partition", keys::PK);
        let others = participants
            .iter()
            .map(|participant| self.part(participant_row(&pk, participant)));
        let mut parts = Vec::with_capacity(participants.len() + 1);
        for put in iter::once(about).chain(others) {
            let put = put.build().map_err(failed(DOING))?;
            parts.push(TransactWriteItem::builder().put(put).build());
        }
        // Only the conversation's own row has a condition.
        Ok(matches!(
            self.transact(DOING, parts).await?,
            Transacted::All
        ))
    }

    async fn conversation(
        &self,
        conversation: &ConversationId,
    ) -> Result<Option<Conversation>, InternalError> {
        let found = self
            .get(keys::conversation(conversation), keys::ABOUT.to_owned())
            .send()
            .await
            .map_err(failed("reading a conversation"))?;
        found.item.map(|item| about(&Row::read(item))).transpose()
    }

    async fn participant(
        &self,
        conversation: &ConversationId,
        user: &UserId,
    ) -> Result<Option<Participant>, InternalError> {
        let found = self
            .get(keys::conversation(conversation), keys::participant(user))
            .send()
            .await
            .map_err(failed("reading a participant"))?;
        found
            .item
            .map(|item| participant(&Row::read(item)))
            .transpose()
    }

    async fn participants(
        &self,
        conversation: &ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<ParticipantPage, InternalError> {
        let pk = keys::conversation(conversation);
        let start = after.map(|user| Row::new(pk.clone(), keys::participant(user)).into_item());
        let found = self
            .query(pk, Range::BeginsWith(keys::PARTICIPANTS))
            .set_exclusive_start_key(start)
            .limit(one_more(limit))
            .send()
            .await
            .map_err(failed("reading participants"))?;
        let items = found.items.unwrap_or_default();
        let more = items.len() > limit || found.last_evaluated_key.is_some();
        let participants = items.into_iter().take(limit).map(Row::read);
        Ok(ParticipantPage {
            participants: participants
                .map(|row| participant(&row))
                .collect::<Result<_, _>>()?,
            more,
        })
    }

    async fn few_participants(
        &self,
        conversation: &ConversationId,
        most: usize,
    ) -> Result<Option<Vec<Participant>>, InternalError> {
        let page = self.participants(conversation, None, most).await?;
        Ok((!page.more).then_some(page.participants))
    }

    async fn conversations_of(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> Result<ConversationPage, InternalError> {
        // The key need not exist: a query starts after it in the sort order.
        let start = after.map(|after| {
            Row::new(keys::conversation(after), keys::participant(user))
                .with(keys::OWNER, keys::user(user))
                .into_item()
        });
        let found = self
            .query_by_owner(keys::user(user))
            .projection_expression("#sort")
            .set_exclusive_start_key(start)
            .limit(one_more(limit))
            .send()
            .await
            .map_err(failed("reading the conversations of a user"))?;
        let items = found.items.unwrap_or_default();
        let more = items.len() > limit || found.last_evaluated_key.is_some();
        let conversations = items
            .into_iter()
            .take(limit)
            .map(|item| Row::read(item).named_by_pk(keys::conversation_in));
        Ok(ConversationPage {
            conversations: conversations.collect::<Result<_, _>>()?,
            more,
        })
    }

    async fn memberships_of(
        &self,
        user: &UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<(Conversation, Participant)>, InternalError> {
        // A request must not name a key twice.
        let wanted: BTreeSet<&ConversationId> = conversations.iter().collect();
        let wanted_rows = wanted.into_iter().flat_map(|id| {
            let pk = keys::conversation(id);
            [
                Row::new(pk.clone(), keys::ABOUT.to_owned()),
                Row::new(pk, keys::participant(user)),
            ]
        });
        let found = self
            .get_all(
                "reading memberships",
                wanted_rows.map(Row::into_item).collect(),
                true,
            )
            .await?;

        let mut known = HashMap::new();
        let mut participations = Vec::new();
        for row in found {
            let id = row.named_by_pk(keys::conversation_in)?;
            if row.optional(keys::SK) == Some(keys::ABOUT) {
                known.insert(id, about(&row)?);
            } else {
                participations.push((id, participant(&row)?));
            }
        }
        let both = participations
            .into_iter()
            .filter_map(|(id, participant)| Some((known.remove(&id)?, participant)));
        Ok(both.collect())
    }

    async fn participations_of(
        &self,
        user: &UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<(ConversationId, Participant)>, InternalError> {
        // A request must not name a key twice.
        let wanted: BTreeSet<&ConversationId> = conversations.iter().collect();
        let wanted_rows = wanted
            .into_iter()
            .map(|id| Row::new(keys::conversation(id), keys::participant(user)).into_item());
        let found = self
            .get_all("reading participations", wanted_rows.collect(), true)
            .await?;
        let found = found
            .iter()
            .map(|row| Ok((row.named_by_pk(keys::conversation_in)?, participant(row)?)));
        found.collect()
    }
}

/// Returns the limit of a query for `limit` rows. One row more shows whether there are more; a page
/// that ends at its limit does not.
fn one_more(limit: usize) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX).saturating_add(1)
}

impl Table {
    /// Reads the rows of at most 100 keys. Retries the keys that DynamoDB leaves unprocessed.
    pub(super) async fn get_all(
        &self,
        doing: &'static str,
        mut keys: Vec<Item>,
        consistent: bool,
    ) -> Result<Vec<Row>, InternalError> {
        let mut rows = Vec::new();
        let mut attempt = 1;
        while !keys.is_empty() {
            let request = KeysAndAttributes::builder()
                .consistent_read(consistent)
                .set_keys(Some(keys));
            let request = request.build().map_err(failed(doing))?;
            let found = self
                .client
                .batch_get_item()
                .request_items(&self.name, request)
                .send()
                .await
                .map_err(failed(doing))?;
            let items = found
                .responses
                .into_iter()
                .flat_map(HashMap::into_values)
                .flatten();
            rows.extend(items.map(Row::read));
            let left = found
                .unprocessed_keys
                .into_iter()
                .flat_map(HashMap::into_values);
            keys = left.flat_map(|request| request.keys).collect();
            if !keys.is_empty() && !wait_after(attempt).await {
                return Err(InternalError::new(
                    doing,
                    "some keys were not processed in any attempt",
                ));
            }
            attempt += 1;
        }
        Ok(rows)
    }
}

fn about_row(pk: &str, conversation: &Conversation) -> Row {
    let row = Row::new(pk.to_owned(), keys::ABOUT.to_owned())
        .with_number(keys::CREATED_AT, conversation.created_at.millis())
        .with(keys::CREATED_BY, conversation.created_by.as_str());
    let row = match &conversation.title {
        Some(title) => row.with(keys::TITLE, title.as_str()),
        None => row,
    };
    match &conversation.digest {
        Some(digest) => row.with(keys::DIGEST, digest.as_str()),
        None => row,
    }
}

pub(super) fn about(row: &Row) -> Result<Conversation, InternalError> {
    Ok(Conversation {
        id: row.named_by_pk(keys::conversation_in)?,
        title: row.optional(keys::TITLE).and_then(Title::from_stored),
        created_at: row.time(keys::CREATED_AT)?,
        created_by: row.user(keys::CREATED_BY)?,
        digest: row
            .optional(keys::DIGEST)
            .map(|digest| Digest::from_stored(digest.to_owned())),
    })
}

pub(super) fn participant_row(pk: &str, participant: &Participant) -> Row {
    let row = Row::new(pk.to_owned(), keys::participant(&participant.user))
        .with(keys::OWNER, keys::user(&participant.user))
        .with(keys::NAME, participant.name.as_str())
        .with(keys::ROLE, participant.role.as_str())
        .with_number(keys::JOINED_AT, participant.joined_at.millis());
    let read = participant.read;
    if read.read_to == Seq::START {
        return row;
    }
    row.with_number(keys::READ_TO, read.read_to.number())
        .with_number(keys::READ_MESSAGES, read.messages)
}

pub(super) fn read_state(row: &Row) -> Result<ReadState, InternalError> {
    Ok(ReadState {
        read_to: row.optional_seq(keys::READ_TO)?.unwrap_or_default(),
        messages: row.optional_number(keys::READ_MESSAGES)?.unwrap_or(0),
        shown_to: row.optional_seq(keys::SHOWN_TO)?.unwrap_or_default(),
    })
}

fn participant(row: &Row) -> Result<Participant, InternalError> {
    let role = row.text(keys::ROLE)?;
    let role = [Role::Owner, Role::Member]
        .into_iter()
        .find(|known| known.as_str() == role);
    let user = row.named_by_sk(keys::participant_in)?;
    Ok(Participant {
        name: DisplayName::of(&user, row.text(keys::NAME)?),
        user,
        role: role.ok_or_else(|| unreadable(keys::ROLE))?,
        joined_at: row.time(keys::JOINED_AT)?,
        read: read_state(row)?,
    })
}

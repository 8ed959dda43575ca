//! Logs: entry rows, which are written once. Only the text of a message may be replaced, by the
//! transaction that stores an edit or a deletion of it.

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{
        AttributeValue, Delete, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    },
};
use chat::{
    domain::{
        Change, Content, ConversationId, Counters, Digest, Draft, Entry, MessageId, ReactionChange,
        Rewrite, Seq,
    },
    error::InternalError,
    ports::{Log, Page, Put},
};

use super::{
    EXISTS, IS_NEW, Range, Table,
    content::{content, with_content},
    failed, keys,
    participants::participant_row,
    row::{Item, Row, unreadable},
    transaction::{Transacted, condition_failed},
    wait_after,
};

impl Log for Table {
    async fn read_from(
        &self,
        conversation: &ConversationId,
        first: Seq,
        limit: usize,
    ) -> Result<Page, InternalError> {
        self.read(conversation, (first, Seq::MAX), true, limit)
            .await
    }

    async fn read_back(
        &self,
        conversation: &ConversationId,
        last: Seq,
        limit: usize,
    ) -> Result<Page, InternalError> {
        self.read(conversation, (Seq::START, last), false, limit)
            .await
    }

    async fn read_at(
        &self,
        conversation: &ConversationId,
        positions: &[Seq],
    ) -> Result<Vec<Entry>, InternalError> {
        let keys = positions.iter().map(|position| {
            Row::new(keys::conversation(conversation), keys::entry(*position)).into_item()
        });
        let rows = self
            .get_all("reading single entries", keys.collect(), true)
            .await?;
        rows.iter().map(entry).collect()
    }

    async fn stored_at(
        &self,
        positions: &[(ConversationId, Seq)],
    ) -> Result<Vec<(ConversationId, Seq)>, InternalError> {
        let keys = positions.iter().map(|(conversation, position)| {
            Row::new(keys::conversation(conversation), keys::entry(*position)).into_item()
        });
        let rows = self
            .get_all("looking for entries", keys.collect(), false)
            .await?;
        let found = rows.iter().map(|row| {
            let conversation = row.named_by_pk(keys::conversation_in)?;
            Ok((conversation, row.named_by_sk(keys::seq_in)?))
        });
        found.collect()
    }

    async fn put(
        &self,
        conversation: &ConversationId,
        entry: &Entry,
    ) -> Result<Put, InternalError> {
        let pk = keys::conversation(conversation);
        if let Some(change) = entry.change() {
            self.put_with_row(pk, entry, &change).await
        } else if let Some(rewrite) = entry.draft.rewrite() {
            self.put_with_rewrite(pk, entry, &rewrite).await
        } else if let Some(reaction) = entry.reaction() {
            self.put_with_reaction(pk, entry, &reaction).await
        } else {
            self.put_alone(row(pk, entry)).await
        }
    }
}

const DOING: &str = "putting an entry";
const NO_ITEM: &str = "the response does not hold the existing entry";

impl Table {
    /// Puts an entry. Retries if it conflicts with a transaction, which the SDK does not do.
    async fn put_alone(&self, row: Row) -> Result<Put, InternalError> {
        let call = Table::put(self, row)
            .condition_expression(IS_NEW)
            .expression_attribute_names("#partition", keys::PK)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut attempt = 1;
        loop {
            let error = match call.clone().send().await {
                Ok(_) => return Ok(Put::Stored),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(taken)) => {
                    return taken_by(taken.item());
                }
                Some(PutItemError::TransactionConflictException(_))
                    if wait_after(attempt).await =>
                {
                    attempt += 1;
                }
                _ => return Err(failed(DOING)(error)),
            }
        }
    }

    /// Writes an entry that adds or removes a participant, the participant's row and the number of
    /// participants in one transaction.
    async fn put_with_row(
        &self,
        pk: String,
        entry: &Entry,
        change: &Change<'_>,
    ) -> Result<Put, InternalError> {
        let entry = self.entry_part(row(pk.clone(), entry))?;
        let part = TransactWriteItem::builder();
        let participant = match change {
            Change::Joins(participant) => {
                let put = self
                    .part(participant_row(&pk, participant))
                    .condition_expression(IS_NEW)
                    .expression_attribute_names("#partition", keys::PK);
                part.put(put.build().map_err(failed(DOING))?)
            }
            Change::Leaves(user) => {
                let delete = Delete::builder()
                    .table_name(&self.name)
                    .key(keys::PK, AttributeValue::S(pk.clone()))
                    .key(keys::SK, AttributeValue::S(keys::participant(user)))
                    .condition_expression(EXISTS)
                    .expression_attribute_names("#partition", keys::PK);
                part.delete(delete.build().map_err(failed(DOING))?)
            }
        };
        let count = TransactWriteItem::builder().update(self.count(pk, change)?);
        let parts = vec![entry, participant.build(), count.build()];
        match self.transact(DOING, parts).await? {
            Transacted::All => Ok(Put::Stored),
            // The reason of the entry comes first: if the position holds this very entry, an
            // earlier attempt wrote both.
            Transacted::None(reasons) => match &reasons[..] {
                [entry, ..] if condition_failed(entry) => taken_by(entry.item()),
                [_, row, ..] if condition_failed(row) => Ok(Put::Unchanged),
                _ => Ok(Put::Full),
            },
        }
    }

    /// Writes an entry that edits or deletes a message, and the message's new text, in one
    /// transaction.
    async fn put_with_rewrite(
        &self,
        pk: String,
        entry: &Entry,
        rewrite: &Rewrite<'_>,
    ) -> Result<Put, InternalError> {
        let part = self.entry_part(row(pk.clone(), entry))?;
        let message = TransactWriteItem::builder().update(self.rewrite(pk, entry, rewrite)?);
        self.put_two(part, message.build()).await
    }

    /// Writes an entry of a reaction, and the reaction's row, in one transaction.
    async fn put_with_reaction(
        &self,
        pk: String,
        entry: &Entry,
        reaction: &ReactionChange,
    ) -> Result<Put, InternalError> {
        let part = self.entry_part(row(pk.clone(), entry))?;
        self.put_two(part, self.reaction_part(pk, reaction)?).await
    }

    /// Writes an entry and what it changes, whose condition fails if the change has no effect.
    async fn put_two(
        &self,
        entry: TransactWriteItem,
        changed: TransactWriteItem,
    ) -> Result<Put, InternalError> {
        match self.transact(DOING, vec![entry, changed]).await? {
            Transacted::All => Ok(Put::Stored),
            Transacted::None(reasons) => match &reasons[..] {
                [entry, ..] if condition_failed(entry) => taken_by(entry.item()),
                _ => Ok(Put::Unchanged),
            },
        }
    }

    /// Creates the part that puts an entry at a free position.
    fn entry_part(&self, row: Row) -> Result<TransactWriteItem, InternalError> {
        let put = self
            .part(row)
            .condition_expression(IS_NEW)
            .expression_attribute_names("#partition", keys::PK)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(failed(DOING))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Creates the part that replaces the text of a message, or deletes it for ever.
    fn rewrite(
        &self,
        pk: String,
        entry: &Entry,
        rewrite: &Rewrite<'_>,
    ) -> Result<Update, InternalError> {
        let draft = &entry.draft;
        let (text, number) = (AttributeValue::S, |number: u64| {
            AttributeValue::N(number.to_string())
        });
        let update = Update::builder()
            .table_name(&self.name)
            .key(keys::PK, text(pk))
            .key(keys::SK, text(keys::entry(rewrite.target)))
            .condition_expression(format!("{EXISTS} AND attribute_not_exists(#deleted)"))
            .expression_attribute_names("#partition", keys::PK)
            .expression_attribute_names("#deleted", keys::DELETED_SEQ)
            .expression_attribute_names("#body", keys::BODY)
            .expression_attribute_names("#edited", keys::EDITED_SEQ)
            .expression_attribute_names("#at", keys::EDITED_AT)
            .expression_attribute_values(":seq", number(entry.seq.number()));
        let update = match rewrite.body {
            Some(body) => update
                .update_expression("SET #body = :body, #edited = :seq, #at = :at")
                .expression_attribute_values(":body", text(body.as_str().to_owned()))
                .expression_attribute_values(":at", number(draft.sent_at.millis())),
            None => update
                .update_expression("SET #deleted = :seq, #by = :by REMOVE #body, #edited, #at")
                .expression_attribute_names("#by", keys::DELETED_BY)
                .expression_attribute_values(":by", text(draft.sender.to_string())),
        };
        update.build().map_err(failed(DOING))
    }

    /// Creates the part that counts the participants, in the conversation's own row. Conversations
    /// of an earlier version have no count at first; for them only later changes count.
    fn count(&self, pk: String, change: &Change<'_>) -> Result<Update, InternalError> {
        let number = |number: String| AttributeValue::N(number);
        let by = |step: &str| {
            Update::builder()
                .table_name(&self.name)
                .key(keys::PK, AttributeValue::S(pk))
                .key(keys::SK, AttributeValue::S(keys::ABOUT.to_owned()))
                .update_expression("ADD #count :step")
                .expression_attribute_names("#count", keys::PARTICIPANT_COUNT)
                .expression_attribute_values(":step", number(step.to_owned()))
        };
        let update = match change {
            Change::Joins(_) => by("1")
                .condition_expression("attribute_not_exists(#count) OR #count < :most")
                .expression_attribute_values(":most", number(self.most_participants.to_string())),
            Change::Leaves(_) => by("-1"),
        };
        update.build().map_err(failed(DOING))
    }

    /// Makes one query. The page is limited to `limit` entries and 1 MB; the caller asks for more.
    async fn read(
        &self,
        conversation: &ConversationId,
        (first, last): (Seq, Seq),
        ascending: bool,
        limit: usize,
    ) -> Result<Page, InternalError> {
        let (first, last) = (keys::entry(first), keys::entry(last));
        let found = self
            .query(
                keys::conversation(conversation),
                Range::Between(&first, &last),
            )
            .scan_index_forward(ascending)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX).max(1))
            .send()
            .await
            .map_err(failed("reading entries"))?;
        let more = found.last_evaluated_key.is_some();
        let items = found.items.unwrap_or_default();
        let entries = items.into_iter().map(|item| entry(&Row::read(item)));
        Ok(Page {
            entries: entries.collect::<Result<_, _>>()?,
            more,
        })
    }
}

fn taken_by(item: Option<&Item>) -> Result<Put, InternalError> {
    let item = item.ok_or_else(|| InternalError::new(DOING, NO_ITEM))?;
    Ok(Put::Taken(entry(&Row::read(item.clone()))?))
}

fn row(pk: String, entry: &Entry) -> Row {
    let Entry {
        seq,
        counters,
        draft,
    } = entry;
    let row = Row::new(pk, keys::entry(*seq))
        .with_number(keys::MESSAGES, counters.messages)
        .with(keys::SENDER, draft.sender.as_str())
        .with(keys::ID, draft.id.as_str())
        .with(keys::DIGEST, draft.digest.as_str())
        .with_number(keys::SENT_AT, draft.sent_at.millis());
    // The newest message up to a message is that message.
    let row = match counters.newest_message {
        Some(newest) if !draft.content.is_message() => {
            row.with_number(keys::NEWEST_MESSAGE, newest.number())
        }
        _ => row,
    };
    let row = match counters.earlier {
        0 => row,
        earlier => row.with_number(keys::EARLIER, earlier),
    };
    with_content(row, &draft.content)
}

fn counters(row: &Row, seq: Seq, content: &Content) -> Result<Counters, InternalError> {
    let Some(messages) = row.optional_number(keys::MESSAGES)? else {
        return Ok(Counters::of_earlier_version(seq, content));
    };
    let newest_message = if content.is_message() {
        Some(seq)
    } else {
        row.optional_seq(keys::NEWEST_MESSAGE)?
    };
    Ok(Counters {
        messages,
        newest_message,
        earlier: row.optional_number(keys::EARLIER)?.unwrap_or(0),
    })
}

pub(super) fn entry(row: &Row) -> Result<Entry, InternalError> {
    let seq = row.named_by_sk(keys::seq_in)?;
    let content = content(row)?;
    Ok(Entry {
        seq,
        counters: counters(row, seq, &content)?,
        draft: Draft {
            sender: row.user(keys::SENDER)?,
            id: MessageId::new(row.text(keys::ID)?).map_err(|_| unreadable(keys::ID))?,
            digest: Digest::from_stored(row.text(keys::DIGEST)?.to_owned()),
            sent_at: row.time(keys::SENT_AT)?,
            content,
        },
    })
}

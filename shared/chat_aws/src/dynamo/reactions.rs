//! Reactions: one row for each, which is written together with its entry.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use chat::{
    domain::{ConversationId, DisplayName, Emoji, Reaction, ReactionChange, ReactionKey, Seq},
    error::InternalError,
    ports::{ReactionPage, ReactionRange, Reactions, Standing},
};
use futures_util::future::try_join;

use super::{
    EXISTS, IS_NEW, Range, Table, failed, keys,
    row::{Row, unreadable},
};

const READING: &str = "reading reactions";
const WRITING: &str = "changing a reaction";

/// The reactions to a message of which the first query reads at most so many. Most messages have
/// fewer; of the others, only the different emoji are read, one by one.
const FEW: usize = 100;

impl Reactions for Table {
    async fn standing(
        &self,
        conversation: &ConversationId,
        reaction: &ReactionKey,
        most: usize,
    ) -> Result<Standing, InternalError> {
        let pk = keys::conversation(conversation);
        let first = keys::reactions_first(reaction.target);
        let last = keys::reactions_last(reaction.target);
        let (rows, more) = self.reaction_keys(&pk, (&first, &last), FEW).await?;
        let mut standing = Standing {
            exists: rows.contains(reaction),
            different: rows.into_iter().map(|row| row.emoji).collect(),
        };
        if more {
            let last = standing.different.last().cloned();
            let (exists, others) = try_join(
                self.exists(&pk, reaction),
                self.emoji_after(&pk, reaction.target, last, most),
            )
            .await?;
            standing.exists = exists;
            standing.different.extend(others);
        }
        while standing.different.len() > most {
            standing.different.pop_last();
        }
        Ok(standing)
    }

    async fn reactions(
        &self,
        conversation: &ConversationId,
        range: &ReactionRange,
        limit: usize,
    ) -> Result<ReactionPage, InternalError> {
        let pk = keys::conversation(conversation);
        // The key need not exist: a query starts after it in the sort order.
        let start = range.before.clone().map(|(emoji, user)| {
            let before = ReactionKey {
                target: range.last,
                emoji,
                user,
            };
            Row::new(pk.clone(), keys::reaction(&before)).into_item()
        });
        let (first, last) = (
            keys::reactions_first(range.first),
            keys::reactions_last(range.last),
        );
        let found = self
            .query(pk, Range::Between(&first, &last))
            .scan_index_forward(false)
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX).saturating_add(1))
            .send()
            .await
            .map_err(failed(READING))?;
        let items = found.items.unwrap_or_default();
        let more = items.len() > limit || found.last_evaluated_key.is_some();
        let reactions = items.into_iter().take(limit).map(Row::read);
        Ok(ReactionPage {
            reactions: reactions
                .map(|row| reaction(&row))
                .collect::<Result<_, _>>()?,
            more,
        })
    }
}

impl Table {
    /// Reads at most `limit` reactions in a range of keys. Returns also whether there may be more.
    async fn reaction_keys(
        &self,
        pk: &str,
        (first, last): (&str, &str),
        limit: usize,
    ) -> Result<(Vec<ReactionKey>, bool), InternalError> {
        let found = self
            .query(pk.to_owned(), Range::Between(first, last))
            .projection_expression("#sort")
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(failed(READING))?;
        let more = found.last_evaluated_key.is_some();
        let rows = found.items.into_iter().flatten().map(Row::read);
        let keys = rows.map(|row| row.named_by_sk(keys::reaction_in));
        Ok((keys.collect::<Result<_, _>>()?, more))
    }

    /// Reads the different emoji of a message after `last`, at most `most`, with one query for each,
    /// however many users react with it.
    async fn emoji_after(
        &self,
        pk: &str,
        target: Seq,
        last: Option<Emoji>,
        most: usize,
    ) -> Result<Vec<Emoji>, InternalError> {
        let end = keys::reactions_last(target);
        let mut found = Vec::new();
        let mut last = last;
        while let Some(emoji) = last.filter(|_| found.len() < most) {
            let next = keys::reactions_after(target, &emoji);
            let (rows, _) = self.reaction_keys(pk, (&next, &end), 1).await?;
            last = rows.into_iter().next().map(|row| row.emoji);
            found.extend(last.clone());
        }
        Ok(found)
    }

    async fn exists(&self, pk: &str, reaction: &ReactionKey) -> Result<bool, InternalError> {
        let found = self
            .get(pk.to_owned(), keys::reaction(reaction))
            .send()
            .await
            .map_err(failed(READING))?;
        Ok(found.item.is_some())
    }

    /// Creates the part that stores or deletes the row of a reaction.
    pub(super) fn reaction_part(
        &self,
        pk: String,
        change: &ReactionChange,
    ) -> Result<TransactWriteItem, InternalError> {
        let part = TransactWriteItem::builder();
        let sk = keys::reaction(change.key());
        let part = match change {
            ReactionChange::Given(reaction) => {
                let row = Row::new(pk, sk)
                    .with(keys::NAME, reaction.name.as_str())
                    .with_number(keys::SEQ, reaction.seq.number());
                let put = self
                    .part(row)
                    .condition_expression(IS_NEW)
                    .expression_attribute_names("#partition", keys::PK);
                part.put(put.build().map_err(failed(WRITING))?)
            }
            ReactionChange::Withdrawn(_) => {
                let delete = Delete::builder()
                    .table_name(&self.name)
                    .key(keys::PK, AttributeValue::S(pk))
                    .key(keys::SK, AttributeValue::S(sk))
                    .condition_expression(EXISTS)
                    .expression_attribute_names("#partition", keys::PK);
                part.delete(delete.build().map_err(failed(WRITING))?)
            }
        };
        Ok(part.build())
    }
}

fn reaction(row: &Row) -> Result<Reaction, InternalError> {
    let key = row.named_by_sk(keys::reaction_in)?;
    let name = DisplayName::of(&key.user, row.text(keys::NAME)?);
    let seq = row.seq(keys::SEQ)?.ok_or_else(|| unreadable(keys::SEQ))?;
    Ok(Reaction { key, name, seq })
}

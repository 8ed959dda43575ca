//! Reactions in memory. Their rows are written with the entries of the log.

use super::FakeChat;
use crate::{
    domain::{ConversationId, Reaction, ReactionKey},
    error::InternalError,
    ports::{ReactionPage, ReactionRange, Reactions, Standing},
};

impl Reactions for FakeChat {
    async fn standing(
        &self,
        conversation: &ConversationId,
        reaction: &ReactionKey,
        most: usize,
    ) -> Result<Standing, InternalError> {
        self.pause().await;
        let mut standing = Standing::default();
        for row in self.reaction_rows(conversation) {
            if row.key.target == reaction.target {
                standing.exists |= row.key == *reaction;
                standing.different.insert(row.key.emoji);
            }
        }
        while standing.different.len() > most {
            standing.different.pop_last();
        }
        self.count("standing", standing.different.len());
        Ok(standing)
    }

    async fn reactions(
        &self,
        conversation: &ConversationId,
        range: &ReactionRange,
        limit: usize,
    ) -> Result<ReactionPage, InternalError> {
        self.pause().await;
        let is_before = |row: &Reaction| {
            let key = (row.key.emoji.clone(), row.key.user.clone());
            row.key.target < range.last || range.before.as_ref().is_none_or(|before| key < *before)
        };
        let mut reactions = self.reaction_rows(conversation);
        reactions
            .retain(|row| (range.first..=range.last).contains(&row.key.target) && is_before(row));
        reactions.reverse();
        let more = reactions.len() > limit;
        reactions.truncate(limit);
        self.count("reactions", reactions.len());
        Ok(ReactionPage { reactions, more })
    }
}

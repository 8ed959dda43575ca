//! The reactions to messages.

use std::{collections::BTreeSet, future::Future};

use crate::{
    domain::{ConversationId, Emoji, Reaction, ReactionKey, Seq, UserId},
    error::InternalError,
};

/// The reactions to messages, as the log of entries left them.
pub trait Reactions {
    /// Reads what decides whether a reaction may change: whether it exists, and with which emoji
    /// users react to the message, at most `most` different ones. The cost does not grow with the
    /// number of reactions.
    ///
    /// - All different emoji MUST be found, however many users react with each.
    fn standing(
        &self,
        conversation: &ConversationId,
        reaction: &ReactionKey,
        most: usize,
    ) -> impl Future<Output = Result<Standing, InternalError>> + Send;

    /// Reads reactions to the messages in a range, **descending** by message, emoji and user, at
    /// most `limit`, which is at most [`MOST_REACTIONS`].
    ///
    /// - Reactions MUST be descending and without omissions.
    fn reactions(
        &self,
        conversation: &ConversationId,
        range: &ReactionRange,
        limit: usize,
    ) -> impl Future<Output = Result<ReactionPage, InternalError>> + Send;
}

/// The most reactions of one [`Reactions::reactions`].
pub const MOST_REACTIONS: usize = 1_000;

/// What decides whether a reaction may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the reaction exists.
    pub exists: bool,
    /// The different emoji of the message.
    pub different: BTreeSet<Emoji>,
}

/// A range of reactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionRange {
    /// The position of the first message.
    pub first: Seq,
    /// The position of the last message.
    pub last: Seq,
    /// The reactions to the last message are only those before this emoji and user.
    pub before: Option<(Emoji, UserId)>,
}

/// A page of reactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReactionPage {
    /// The reactions, in the order of the read.
    pub reactions: Vec<Reaction>,
    /// Whether there are more in the range.
    pub more: bool,
}

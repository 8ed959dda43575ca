//! Reactions to messages.

use super::{DisplayName, Emoji, Seq, UserId};

/// What distinguishes reactions: a user has at most one with an emoji to a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReactionKey {
    /// The position of the message.
    pub target: Seq,
    /// The emoji.
    pub emoji: Emoji,
    /// The user who reacted.
    pub user: UserId,
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Message, emoji and user.
    pub key: ReactionKey,
    /// The display name of the user when they reacted.
    pub name: DisplayName,
    /// The position of the entry that stored it.
    pub seq: Seq,
}

/// A change of a reaction's row, which is stored together with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReactionChange {
    /// The row is stored.
    Given(Reaction),
    /// The row is deleted.
    Withdrawn(ReactionKey),
}

impl ReactionChange {
    /// The reaction that changes.
    #[must_use]
    pub const fn key(&self) -> &ReactionKey {
        match self {
            Self::Given(reaction) => &reaction.key,
            Self::Withdrawn(key) => key,
        }
    }
}

//! A conversation and who takes part in it.

use super::{ConversationId, DisplayName, Timestamp, Title, UserId};

/// What is known of a conversation apart from its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its name in every request.
    pub id: ConversationId,
    /// Shown above it, if it has one.
    pub title: Option<Title>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: UserId,
}

/// A user who may read and write a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Who it is.
    pub user: UserId,
    /// How he was shown when he was added; the user id if nobody knew better.
    pub name: DisplayName,
    /// What he may do.
    pub role: Role,
    /// When he was added.
    pub joined_at: Timestamp,
}

/// What a participant may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Made the conversation; may remove others.
    Owner,
    /// Reads, writes, adds others, leaves.
    Member,
}

impl Role {
    /// The word for it on the wire and in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
        }
    }
}

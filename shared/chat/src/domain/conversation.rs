//! Conversations and their participants.

use super::{ConversationId, Digest, DisplayName, Seq, Timestamp, Title, UserId};

/// A conversation, apart from its log and its participants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The id.
    pub id: ConversationId,
    /// The title, if there is one.
    pub title: Option<Title>,
    /// When the conversation was created.
    pub created_at: Timestamp,
    /// The user who created the conversation.
    pub created_by: UserId,
    /// The digest of the request that created the conversation; `None` if an earlier version
    /// stored it.
    pub digest: Option<Digest>,
}

/// A user who may read and write a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// The user.
    pub user: UserId,
    /// The display name at the time of joining, or the user id if no name was known.
    pub name: DisplayName,
    /// What the participant may do.
    pub role: Role,
    /// When the participant was added.
    pub joined_at: Timestamp,
    /// How far the participant has read.
    pub read: ReadState,
}

/// How far a participant has read. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadState {
    /// The position up to which the participant has read. Only they may see it.
    pub read_to: Seq,
    /// The number of messages up to `read_to`.
    pub messages: u64,
    /// The position that others see.
    pub shown_to: Seq,
}

/// What a participant may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Created the conversation, and may also remove others.
    Owner,
    /// May read, write, add others, and leave.
    Member,
}

impl Role {
    /// The word on the wire and in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
        }
    }
}

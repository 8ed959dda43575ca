//! Entries of a conversation's log.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{Body, DisplayName, MessageId, Participant, Role, Timestamp, UserId};

/// A position in a log. Entries are 1, 2, 3 …; 0 is the position before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// Before the first entry.
    pub const START: Self = Self(0);
    /// The last position that a key of the table has room for.
    pub const MAX: Self = Self(999_999_999_999);

    /// A position, unless it is beyond [`Seq::MAX`].
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    /// The number itself.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The position before; 1 has none that an entry could have.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).filter(|number| *number > 0).map(Self)
    }

    /// The next position; the last one has none, and stays.
    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1).min(Self::MAX.0))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its position.
    pub seq: Seq,
    /// What was stored there.
    pub draft: Draft,
}

/// An entry before it has a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Whose request it comes from.
    pub sender: UserId,
    /// The request's name, unique for one sender in one conversation.
    pub id: MessageId,
    /// What the request said, to tell a repetition from another request under the same name.
    pub digest: Digest,
    /// When it was first tried to be stored.
    pub sent_at: Timestamp,
    /// What happened.
    pub content: Content,
}

impl Draft {
    /// An entry that is to be stored.
    #[must_use]
    pub fn new(sender: UserId, id: MessageId, sent_at: Timestamp, content: Content) -> Self {
        Self {
            sender,
            id,
            digest: Digest::of(&content),
            sent_at,
            content,
        }
    }

    /// Whether `other` comes from the same request, or claims to.
    #[must_use]
    pub fn has_name_of(&self, other: &Self) -> bool {
        self.sender == other.sender && self.id == other.id
    }

    /// What is stored of a participant together with this, if it tells of one.
    #[must_use]
    pub fn change(&self) -> Option<Change<'_>> {
        match &self.content {
            Content::Message { .. } => None,
            Content::ParticipantAdded { user, name } => Some(Change::Joins(Participant {
                user: user.clone(),
                name: name.clone(),
                role: Role::Member,
                joined_at: self.sent_at,
            })),
            Content::ParticipantRemoved { user, .. } => Some(Change::Leaves(user)),
        }
    }
}

/// A change of who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// He takes part from now on.
    Joins(Participant),
    /// He takes part no longer.
    Leaves(&'a UserId),
}

impl Change<'_> {
    /// Whom it concerns.
    #[must_use]
    pub fn user(&self) -> &UserId {
        match self {
            Self::Joins(participant) => &participant.user,
            Self::Leaves(user) => user,
        }
    }
}

/// What happened in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Somebody wrote.
    Message {
        /// How the sender was shown then.
        name: DisplayName,
        /// What he wrote.
        body: Body,
    },
    /// The sender added a user.
    ParticipantAdded {
        /// Who was added.
        user: UserId,
        /// How he is shown.
        name: DisplayName,
    },
    /// The sender removed a user, perhaps himself.
    ParticipantRemoved {
        /// Who was removed.
        user: UserId,
        /// How he was shown.
        name: DisplayName,
    },
}

/// Sixteen bytes that stand for what a request said, as 32 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest(String);

impl Digest {
    /// The digest of a content. A display name is no part of it: it comes from the token, which may have been renewed
    /// between two attempts.
    fn of(content: &Content) -> Self {
        let (kind, text) = match content {
            Content::Message { body, .. } => ("message", body.as_str()),
            Content::ParticipantAdded { user, .. } => ("participantAdded", user.as_str()),
            Content::ParticipantRemoved { user, .. } => ("participantRemoved", user.as_str()),
        };
        let hash = Sha256::new()
            .chain_update(kind)
            .chain_update([0])
            .chain_update(text)
            .finalize();
        Self(
            hash.iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }

    /// A digest as it was stored.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

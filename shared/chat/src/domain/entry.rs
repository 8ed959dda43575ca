//! Entries of a conversation's log.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{
    Body, Content, Counters, Identity, MessageId, Participant, Reaction, ReactionChange,
    ReactionKey, ReadState, Revision, Timestamp, Title, UserId,
};

/// A position in a log. Entries are 1, 2, 3 …; 0 is the position before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// The position before the first entry.
    pub const START: Self = Self(0);
    /// The last position that fits into a key of the table.
    pub const MAX: Self = Self(999_999_999_999);

    /// Returns the position `number`, or `None` beyond [`Seq::MAX`].
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    /// The position as a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The previous position at which there may be an entry; `None` for 0 and 1.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).filter(|number| *number > 0).map(Self)
    }

    /// The next position; [`Seq::MAX`] is its own next position.
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

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The position.
    pub seq: Seq,
    /// The messages of the log up to the entry.
    pub counters: Counters,
    /// The entry without its position.
    pub draft: Draft,
}

impl Entry {
    /// Places a draft at `seq`, after an entry with the counters `before`.
    #[must_use]
    pub fn new(seq: Seq, before: Counters, draft: Draft) -> Self {
        Self {
            seq,
            counters: before.followed_by(seq, &draft.content),
            draft,
        }
    }

    /// Returns the change of a participant's row that is stored together with this entry, if there
    /// is one.
    ///
    /// A user who is added starts with everything up to their addition as read.
    #[must_use]
    pub fn change(&self) -> Option<Change<'_>> {
        let read = ReadState {
            read_to: self.seq,
            messages: self.counters.messages,
            shown_to: Seq::START,
        };
        self.draft.content.change(self.draft.sent_at, read)
    }

    /// Returns the change of a reaction's row that is stored together with this entry, if there is
    /// one.
    #[must_use]
    pub fn reaction(&self) -> Option<ReactionChange> {
        let Content::Reaction {
            target,
            emoji,
            on,
            name,
        } = &self.draft.content
        else {
            return None;
        };
        let key = ReactionKey {
            target: *target,
            emoji: emoji.clone(),
            user: self.draft.sender.clone(),
        };
        Some(if *on {
            ReactionChange::Given(Reaction {
                key,
                name: name.clone(),
                seq: self.seq,
            })
        } else {
            ReactionChange::Withdrawn(key)
        })
    }

    /// Returns this entry as a log stores it: without the text of an edit, which the message has.
    #[must_use]
    pub fn without_text(mut self) -> Self {
        if let Content::MessageEdited { body, .. } = &mut self.draft.content {
            *body = None;
        }
        self
    }
}

/// An entry before it has a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The user who sent the request.
    pub sender: UserId,
    /// The request's id, unique for one sender in one conversation.
    pub id: MessageId,
    /// The digest of the request, to distinguish a repetition from another request with the same
    /// id.
    pub digest: Digest,
    /// When the request was first handled.
    pub sent_at: Timestamp,
    /// The content.
    pub content: Content,
}

impl Draft {
    /// Creates an entry with the digest of its content.
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

    /// Creates a message of `sender`.
    #[must_use]
    pub fn message(
        sender: &Identity,
        id: MessageId,
        body: Body,
        reply_to: Option<Seq>,
        sent_at: Timestamp,
    ) -> Self {
        let content = Content::Message {
            name: sender.name.clone(),
            body,
            reply_to,
            revision: Revision::Original,
        };
        Self::new(sender.user.clone(), id, sent_at, content)
    }

    /// Returns whether `other` has the same sender and id.
    #[must_use]
    pub fn has_name_of(&self, other: &Self) -> bool {
        self.sender == other.sender && self.id == other.id
    }

    /// The change of another message that is stored together with this entry, if there is one.
    #[must_use]
    pub fn rewrite(&self) -> Option<Rewrite<'_>> {
        match &self.content {
            Content::MessageEdited { target, body } => Some(Rewrite {
                target: *target,
                body: Some(body.as_ref()?),
            }),
            Content::MessageDeleted { target } => Some(Rewrite {
                target: *target,
                body: None,
            }),
            _ => None,
        }
    }
}

/// A change of the text of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite<'a> {
    /// The position of the message.
    pub target: Seq,
    /// The new text; `None` deletes the message.
    pub body: Option<&'a Body>,
}

/// A change of a participant's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// The row is stored.
    Joins(Participant),
    /// The row of this user is deleted.
    Leaves(&'a UserId),
}

impl Change<'_> {
    /// The user whose row it is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        match self {
            Self::Joins(participant) => &participant.user,
            Self::Leaves(user) => user,
        }
    }
}

/// The first 16 bytes of a SHA-256 over the content of a request, as 32 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest(String);

impl Digest {
    fn of(content: &Content) -> Self {
        let (kind, text) = content.identity();
        let target = content.target().map(|seq| seq.to_string());
        let parts = [kind].into_iter().chain(target.as_deref());
        Self::of_parts(parts.chain([text]))
    }

    /// Returns the digest of a request that creates a conversation with these users besides the
    /// creator. The order of the users does not matter.
    #[must_use]
    pub fn of_creation(title: Option<&Title>, users: &[UserId]) -> Self {
        let mut users: Vec<&str> = users.iter().map(UserId::as_str).collect();
        users.sort_unstable();
        let title = title.map_or("", Title::as_str);
        Self::of_parts(["conversation", title].into_iter().chain(users))
    }

    /// Returns the digest of the parts. Only the last may contain the character 0, which separates
    /// them.
    fn of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for (number, part) in parts.into_iter().enumerate() {
            if number > 0 {
                hash.update([0]);
            }
            hash.update(part);
        }
        Self(
            hash.finalize()
                .iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }

    /// Wraps a digest that was read from the store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The digest as 32 hexadecimal digits.
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

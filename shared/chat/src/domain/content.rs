//! The kinds of entries. A new kind is a variant of [`Content`] with an arm in each method here, a
//! shape in [`crate::wire`], and a row in the store's list of kinds.

use super::{Body, Change, DisplayName, Participant, ReadState, Role, Seq, Timestamp, UserId};

/// The content of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The sender wrote a message.
    Message {
        /// The sender's display name at that time.
        name: DisplayName,
        /// The text.
        body: Body,
        /// The position of the message that this one replies to.
        reply_to: Option<Seq>,
    },
    /// The sender added a participant.
    ParticipantAdded {
        /// The user who was added.
        user: UserId,
        /// The user's display name.
        name: DisplayName,
    },
    /// The sender removed a participant, possibly themselves.
    ParticipantRemoved {
        /// The user who was removed.
        user: UserId,
        /// The user's display name at that time.
        name: DisplayName,
    },
}

impl Content {
    /// Returns whether this is a message.
    #[must_use]
    pub const fn is_message(&self) -> bool {
        matches!(self, Self::Message { .. })
    }

    /// Returns the kind and the text, which a repeated request must have in common with the first
    /// one. The display name is not compared: it comes from the token, which may have been renewed
    /// between two attempts.
    pub(super) fn identity(&self) -> (&'static str, &str) {
        match self {
            Self::Message { body, .. } => ("message", body.as_str()),
            Self::ParticipantAdded { user, .. } => ("participantAdded", user.as_str()),
            Self::ParticipantRemoved { user, .. } => ("participantRemoved", user.as_str()),
        }
    }

    /// Returns the other entry that the request named, which a repetition must name again.
    pub(super) fn target(&self) -> Option<Seq> {
        match self {
            Self::Message { reply_to, .. } => *reply_to,
            Self::ParticipantAdded { .. } | Self::ParticipantRemoved { .. } => None,
        }
    }

    /// Returns the change of a participant's row that is stored together with the entry, if any.
    /// The row of an added participant begins with `read`.
    pub(super) fn change(&self, at: Timestamp, read: ReadState) -> Option<Change<'_>> {
        match self {
            Self::Message { .. } => None,
            Self::ParticipantAdded { user, name } => Some(Change::Joins(Participant {
                user: user.clone(),
                name: name.clone(),
                role: Role::Member,
                joined_at: at,
                read,
            })),
            Self::ParticipantRemoved { user, .. } => Some(Change::Leaves(user)),
        }
    }
}

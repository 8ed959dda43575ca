//! The kinds of entries. A new kind is a variant of [`Content`] with an arm in each method here, a
//! shape in [`crate::wire`], and a row in the store's list of kinds.

use super::{
    Body, Change, DisplayName, Emoji, Participant, ReadState, Role, Seq, Timestamp, UserId,
};

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
        /// What has become of the message since it was sent.
        revision: Revision,
    },
    /// The sender edited one of their messages.
    MessageEdited {
        /// The position of the message.
        target: Seq,
        /// The new text. A log does not store it in the entry, because only the message itself has
        /// a body; [`crate::log`] reads it from there.
        body: Option<Body>,
    },
    /// The sender deleted a message, their own or, as the owner, that of another participant.
    MessageDeleted {
        /// The position of the message.
        target: Seq,
    },
    /// The sender reacted to a message, or withdrew their reaction.
    Reaction {
        /// The position of the message.
        target: Seq,
        /// The emoji.
        emoji: Emoji,
        /// Whether the sender reacts with the emoji from now on.
        on: bool,
        /// The sender's display name at that time.
        name: DisplayName,
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

/// What has become of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// The message is as it was sent.
    Original,
    /// The message has the text of an edit.
    Edited {
        /// The position of the newest edit.
        seq: Seq,
        /// When it was made.
        at: Timestamp,
    },
    /// The message has no text any more.
    Deleted {
        /// The position of the deletion.
        seq: Seq,
        /// The user who deleted the message.
        by: UserId,
    },
}

impl Revision {
    /// Returns the position of the deletion, if the message is deleted.
    #[must_use]
    pub const fn deletion(&self) -> Option<Seq> {
        match self {
            Self::Deleted { seq, .. } => Some(*seq),
            Self::Original | Self::Edited { .. } => None,
        }
    }
}

impl Content {
    /// Returns whether this is a message.
    #[must_use]
    pub const fn is_message(&self) -> bool {
        matches!(self, Self::Message { .. })
    }

    /// Returns the display name that this entry of `sender` holds, and the user whose name it is.
    #[must_use]
    pub fn named<'a>(&'a self, sender: &'a UserId) -> Option<(&'a UserId, &'a DisplayName)> {
        match self {
            Self::Message { name, .. } | Self::Reaction { name, .. } => Some((sender, name)),
            Self::MessageEdited { .. } | Self::MessageDeleted { .. } => None,
            Self::ParticipantAdded { user, name } | Self::ParticipantRemoved { user, name } => {
                Some((user, name))
            }
        }
    }

    /// Returns the kind and the text, which a repeated request must have in common with the first
    /// one. The display name is not compared: it comes from the token, which may have been renewed
    /// between two attempts.
    pub(super) fn identity(&self) -> (&'static str, &str) {
        match self {
            Self::Message { body, .. } => ("message", body.as_str()),
            Self::MessageEdited { body, .. } => ("messageEdited", text_of(body.as_ref())),
            Self::MessageDeleted { .. } => ("messageDeleted", ""),
            Self::Reaction { emoji, .. } => ("reaction", emoji.as_str()),
            Self::ParticipantAdded { user, .. } => ("participantAdded", user.as_str()),
            Self::ParticipantRemoved { user, .. } => ("participantRemoved", user.as_str()),
        }
    }

    /// Returns the other entry that the request named, which a repetition must name again.
    pub(super) fn target(&self) -> Option<Seq> {
        match self {
            Self::Message { reply_to, .. } => *reply_to,
            Self::MessageEdited { target, .. }
            | Self::MessageDeleted { target }
            | Self::Reaction { target, .. } => Some(*target),
            Self::ParticipantAdded { .. } | Self::ParticipantRemoved { .. } => None,
        }
    }

    /// Returns the change of a participant's row that is stored together with the entry, if any.
    /// The row of an added participant begins with `read`.
    pub(super) fn change(&self, at: Timestamp, read: ReadState) -> Option<Change<'_>> {
        match self {
            Self::Message { .. }
            | Self::MessageEdited { .. }
            | Self::MessageDeleted { .. }
            | Self::Reaction { .. } => None,
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

fn text_of(body: Option<&Body>) -> &str {
    body.map_or("", Body::as_str)
}

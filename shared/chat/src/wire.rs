//! The words on the wire, defined only here, and the shapes that more than one route sends.

use serde::{Serialize, Serializer};

use crate::{
    domain::{Body, Content, ConversationId, Entry, Revision, Seq},
    error::{Rejection, Retry},
};

/// An entry on the wire, the same in pushes, in `subscribed` and over HTTP.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum WireEntry<'a> {
    /// A message.
    #[serde(rename_all = "camelCase")]
    Message {
        /// Conversation id.
        conversation: &'a str,
        /// The position.
        seq: u64,
        /// The message id that the sender chose.
        id: &'a str,
        /// The user id of the sender.
        sender: &'a str,
        /// The sender's display name.
        name: &'a str,
        /// The text.
        body: &'a str,
        /// The position of the message that this one replies to.
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<u64>,
        /// The newest edit, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        edited: Option<Edited>,
        /// The deletion, if the message is deleted.
        #[serde(skip_serializing_if = "Option::is_none")]
        deleted: Option<Deleted<'a>>,
        /// The time in RFC 3339.
        sent_at: String,
    },
    /// A message was edited.
    #[serde(rename_all = "camelCase")]
    MessageEdited {
        /// Conversation id.
        conversation: &'a str,
        /// The position.
        seq: u64,
        /// The id that the sender chose.
        id: &'a str,
        /// The position of the message.
        target: u64,
        /// The new text, unless a later edit or a deletion has replaced it.
        body: Option<&'a str>,
        /// The user id of the sender.
        sender: &'a str,
        /// The time in RFC 3339.
        sent_at: String,
    },
    /// A message was deleted.
    #[serde(rename_all = "camelCase")]
    MessageDeleted {
        /// Conversation id.
        conversation: &'a str,
        /// The position.
        seq: u64,
        /// The id that the user chose.
        id: &'a str,
        /// The position of the message.
        target: u64,
        /// The user who deleted the message.
        by: &'a str,
        /// The time in RFC 3339.
        sent_at: String,
    },
    /// A participant reacted to a message, or withdrew their reaction.
    #[serde(rename_all = "camelCase")]
    Reaction {
        /// Conversation id.
        conversation: &'a str,
        /// The position.
        seq: u64,
        /// The position of the message.
        target: u64,
        /// The emoji.
        emoji: &'a str,
        /// Whether the user reacts with it from now on.
        on: bool,
        /// The user.
        user: &'a str,
        /// The user's display name.
        name: &'a str,
        /// The time in RFC 3339.
        sent_at: String,
    },
    /// A participant was added.
    #[serde(rename_all = "camelCase")]
    ParticipantAdded(ParticipantChange<'a>),
    /// A participant was removed.
    #[serde(rename_all = "camelCase")]
    ParticipantRemoved(ParticipantChange<'a>),
}

/// The newest edit of a message.
#[derive(Clone, Debug, Serialize)]
pub struct Edited {
    /// The position of the edit.
    seq: u64,
    /// Its time in RFC 3339.
    at: String,
}

/// The deletion of a message.
#[derive(Clone, Debug, Serialize)]
pub struct Deleted<'a> {
    /// The position of the deletion.
    seq: u64,
    /// The user who deleted the message.
    by: &'a str,
}

/// The members of a change of participants.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantChange<'a> {
    /// Conversation id.
    conversation: &'a str,
    /// The position.
    seq: u64,
    /// The user who was added or removed.
    user: &'a str,
    /// The user's display name.
    name: &'a str,
    /// The user who made the change.
    by: &'a str,
    /// The time in RFC 3339.
    sent_at: String,
}

impl<'a> WireEntry<'a> {
    /// Converts a stored entry.
    #[must_use]
    pub fn new(conversation: &'a ConversationId, entry: &'a Entry) -> Self {
        let draft = &entry.draft;
        let change = |user: &'a str, name: &'a str| ParticipantChange {
            conversation: conversation.as_str(),
            seq: entry.seq.number(),
            user,
            name,
            by: draft.sender.as_str(),
            sent_at: draft.sent_at.rfc3339(),
        };
        match &draft.content {
            Content::Message {
                name,
                body,
                reply_to,
                revision,
            } => Self::Message {
                conversation: conversation.as_str(),
                seq: entry.seq.number(),
                id: draft.id.as_str(),
                sender: draft.sender.as_str(),
                name: name.as_str(),
                body: body.as_str(),
                reply_to: reply_to.map(Seq::number),
                edited: match revision {
                    Revision::Edited { seq, at } => Some(Edited {
                        seq: seq.number(),
                        at: at.rfc3339(),
                    }),
                    _ => None,
                },
                deleted: match revision {
                    Revision::Deleted { seq, by } => Some(Deleted {
                        seq: seq.number(),
                        by: by.as_str(),
                    }),
                    _ => None,
                },
                sent_at: draft.sent_at.rfc3339(),
            },
            Content::MessageEdited { target, body } => Self::MessageEdited {
                conversation: conversation.as_str(),
                seq: entry.seq.number(),
                id: draft.id.as_str(),
                target: target.number(),
                body: body.as_ref().map(Body::as_str),
                sender: draft.sender.as_str(),
                sent_at: draft.sent_at.rfc3339(),
            },
            Content::MessageDeleted { target } => Self::MessageDeleted {
                conversation: conversation.as_str(),
                seq: entry.seq.number(),
                id: draft.id.as_str(),
                target: target.number(),
                by: draft.sender.as_str(),
                sent_at: draft.sent_at.rfc3339(),
            },
            Content::Reaction {
                target,
                emoji,
                on,
                name,
            } => Self::Reaction {
                conversation: conversation.as_str(),
                seq: entry.seq.number(),
                target: target.number(),
                emoji: emoji.as_str(),
                on: *on,
                user: draft.sender.as_str(),
                name: name.as_str(),
                sent_at: draft.sent_at.rfc3339(),
            },
            Content::ParticipantAdded { user, name } => {
                Self::ParticipantAdded(change(user.as_str(), name.as_str()))
            }
            Content::ParticipantRemoved { user, name } => {
                Self::ParticipantRemoved(change(user.as_str(), name.as_str()))
            }
        }
    }
}

/// Entries of one conversation, serialized as an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    conversation: ConversationId,
    entries: Vec<Entry>,
}

impl Entries {
    /// Takes entries of `conversation`.
    #[must_use]
    pub fn new(conversation: &ConversationId, entries: Vec<Entry>) -> Self {
        Self {
            conversation: conversation.clone(),
            entries,
        }
    }

    /// Returns an empty array.
    #[must_use]
    pub fn none(conversation: &ConversationId) -> Self {
        Self::new(conversation, Vec::new())
    }

    /// Drops entries from the end until the rest takes at most `bytes`, but keeps at least one.
    /// Returns whether entries were dropped.
    pub fn fit_into(&mut self, bytes: usize) -> bool {
        self.keep(self.fitting(bytes).0.max(1))
    }

    /// Drops entries from the end until the rest takes at most the bytes that are `left`, and takes
    /// these bytes. Returns whether entries were dropped.
    pub fn share(&mut self, left: &mut usize) -> bool {
        let (count, bytes) = self.fitting(*left);
        *left -= bytes;
        self.keep(count)
    }

    /// Returns how many entries take at most `bytes`, and how many bytes these take.
    fn fitting(&self, bytes: usize) -> (usize, usize) {
        let (mut count, mut taken) = (0, 0);
        for entry in &self.entries {
            let size = encode(&WireEntry::new(&self.conversation, entry)).len() + 1;
            if taken + size > bytes {
                break;
            }
            count += 1;
            taken += size;
        }
        (count, taken)
    }

    fn keep(&mut self, count: usize) -> bool {
        let dropped = count < self.entries.len();
        self.entries.truncate(count);
        dropped
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.entries
                .iter()
                .map(|entry| WireEntry::new(&self.conversation, entry)),
        )
    }
}

/// A frame that is pushed to all connections of a user; best effort.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Notice<'a> {
    /// The user was added to a conversation.
    Added {
        /// Conversation id.
        conversation: &'a str,
        /// The title.
        title: Option<&'a str>,
        /// The newest position.
        head: u64,
        /// The user who added them.
        by: &'a str,
    },
    /// The user was removed from a conversation.
    Removed {
        /// Conversation id.
        conversation: &'a str,
    },
}

/// A frame that is pushed to the connections of a conversation, and is not an entry of its log.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Signal<'a> {
    /// A participant has read up to a position.
    #[serde(rename_all = "camelCase")]
    Read {
        /// Conversation id.
        conversation: &'a str,
        /// The participant.
        user: &'a str,
        /// The position.
        read_to: u64,
        /// The number of messages up to it.
        messages: u64,
    },
    /// A participant is typing, or has stopped.
    #[serde(rename_all = "camelCase")]
    Typing {
        /// Conversation id.
        conversation: &'a str,
        /// The participant.
        user: &'a str,
        /// The participant's display name.
        name: &'a str,
        /// The newest position that the participant had seen.
        after: u64,
        /// How long they count as typing, in milliseconds; 0 if they have stopped.
        for_ms: u64,
    },
}

/// The members that error frames and HTTP problems share.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The stable error code.
    pub code: &'static str,
    /// A text for developers.
    pub message: String,
    /// The invalid field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// `never`, `later`, `reauthenticate` or `resync`.
    pub retry: &'static str,
    /// With `later`: the shortest wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    /// The problem of a rejection.
    #[must_use]
    pub fn rejected(rejection: &Rejection) -> Self {
        let (retry, wait) = match rejection.retry() {
            Retry::Never => ("never", None),
            Retry::Later(wait) => ("later", Some(wait)),
            Retry::Reauthenticate => ("reauthenticate", None),
            Retry::Resync => ("resync", None),
        };
        Self {
            code: rejection.code(),
            message: rejection.to_string(),
            field: rejection.field(),
            retry,
            retry_after_ms: wait.and_then(|wait| u64::try_from(wait.as_millis()).ok()),
        }
    }

    /// The problem of an internal error: it contains only the request's id in the log.
    #[must_use]
    pub fn internal(request_id: &str) -> Self {
        Self {
            code: "internal",
            message: format!(
                "something went wrong on our side; it is logged as request {request_id}"
            ),
            field: None,
            retry: "later",
            retry_after_ms: Some(1000),
        }
    }
}

/// Encodes a wire shape as JSON. These shapes contain only strings and numbers, so encoding does
/// not fail; the fallback is an empty object, which every client ignores.
#[must_use]
pub fn encode(shape: &impl Serialize) -> String {
    serde_json::to_string(shape).unwrap_or_else(|_| "{}".to_owned())
}

//! The words on the wire, each in this file only, and the shapes that more than one route sends.

use serde::{Serialize, Serializer};

use crate::{
    domain::{Content, ConversationId, Entry},
    error::{Rejection, Retry},
};

/// An entry of a log as every client gets it: in a push, in `subscribed` and by HTTP.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum WireEntry<'a> {
    /// Somebody wrote.
    #[serde(rename_all = "camelCase")]
    Message {
        /// Conversation id.
        conversation: &'a str,
        /// Position.
        seq: u64,
        /// The sender's name for it.
        id: &'a str,
        /// User id.
        sender: &'a str,
        /// How the sender was shown.
        name: &'a str,
        /// The text.
        body: &'a str,
        /// RFC 3339.
        sent_at: String,
    },
    /// Somebody was added.
    #[serde(rename_all = "camelCase")]
    ParticipantAdded(ParticipantChange<'a>),
    /// Somebody was removed.
    #[serde(rename_all = "camelCase")]
    ParticipantRemoved(ParticipantChange<'a>),
}

/// What is said of a change of participants.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantChange<'a> {
    /// Conversation id.
    conversation: &'a str,
    /// Position.
    seq: u64,
    /// Who came or went.
    user: &'a str,
    /// How he is shown.
    name: &'a str,
    /// Whose doing it was.
    by: &'a str,
    /// RFC 3339.
    sent_at: String,
}

impl<'a> WireEntry<'a> {
    /// The wire shape of a stored entry.
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
            Content::Message { name, body } => Self::Message {
                conversation: conversation.as_str(),
                seq: entry.seq.number(),
                id: draft.id.as_str(),
                sender: draft.sender.as_str(),
                name: name.as_str(),
                body: body.as_str(),
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

/// Entries of one conversation, as an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    conversation: ConversationId,
    entries: Vec<Entry>,
}

impl Entries {
    /// These entries.
    #[must_use]
    pub fn new(conversation: &ConversationId, entries: Vec<Entry>) -> Self {
        Self {
            conversation: conversation.clone(),
            entries,
        }
    }

    /// An empty array.
    #[must_use]
    pub fn none(conversation: &ConversationId) -> Self {
        Self::new(conversation, Vec::new())
    }

    /// Drops entries from the end until the rest takes at most so many bytes, but keeps one. Answers whether any were
    /// dropped.
    pub fn fit_into(&mut self, bytes: usize) -> bool {
        let mut taken = 0;
        let fitting = self.entries.iter().take_while(|entry| {
            taken += encode(&WireEntry::new(&self.conversation, entry)).len() + 1;
            taken <= bytes
        });
        let kept = fitting.count().max(1);
        let dropped = kept < self.entries.len();
        self.entries.truncate(kept);
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

/// What is pushed to a user, rather than to a conversation; best effort.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Notice<'a> {
    /// He is a participant now.
    Added {
        /// Conversation id.
        conversation: &'a str,
        /// Its title.
        title: Option<&'a str>,
        /// Its newest position.
        head: u64,
        /// Who added him.
        by: &'a str,
    },
    /// He is no participant any more.
    Removed {
        /// Conversation id.
        conversation: &'a str,
    },
}

/// What went wrong, in the members that frames and HTTP problems share.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The stable word for it.
    pub code: &'static str,
    /// For a developer.
    pub message: String,
    /// Which field is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// `never`, `later`, `reauthenticate` or `resync`.
    pub retry: &'static str,
    /// With `later`: how long to wait at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    /// What a client is told of a rejection.
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

    /// What a client is told of a fault: nothing but the name under which the log knows it.
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

/// JSON text of a wire shape. These shapes hold only strings and numbers, so that encoding them cannot fail; should it
/// nevertheless, an empty object is what every client ignores.
#[must_use]
pub fn encode(shape: &impl Serialize) -> String {
    serde_json::to_string(shape).unwrap_or_else(|_| "{}".to_owned())
}

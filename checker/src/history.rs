//! The records of a history: what one observer saw, in the order in which it was seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Record {
    /// The seed that reproduces the history. It is printed with a violation.
    Seed {
        /// The seed.
        seed: u64,
        /// How to run it again.
        #[serde(default)]
        about: String,
    },
    /// A client begins an attempt to send a message.
    Send {
        /// The sending client.
        #[serde(flatten)]
        about: About,
        /// The message's id.
        id: String,
        /// The message's text; empty for a deletion.
        body: String,
        /// The position of the message that is edited or deleted; missing for a message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<u64>,
    },
    /// A message is acknowledged, by the reply or by the push of the client's own message.
    Sent {
        /// The sending client.
        #[serde(flatten)]
        about: About,
        /// The message's id.
        id: String,
        /// The acknowledged position.
        seq: u64,
    },
    /// A client gives up a message, because an error says that no retry helps.
    Refused {
        /// The sending client.
        #[serde(flatten)]
        about: About,
        /// The message's id.
        id: String,
        /// The error's code.
        code: String,
    },
    /// A client begins an attempt to react to a message, or to withdraw a reaction.
    React {
        /// The client.
        #[serde(flatten)]
        about: About,
        /// How the user wants it to be.
        #[serde(flatten)]
        wish: Wish,
    },
    /// The answer to such an attempt.
    Reacted {
        /// The client.
        #[serde(flatten)]
        about: About,
        /// How it is now.
        #[serde(flatten)]
        wish: Wish,
        /// The position of the entry; null if it was so already.
        seq: Option<u64>,
    },
    /// A client's position moves over an entry.
    Seen {
        /// The receiving client.
        #[serde(flatten)]
        about: About,
        /// The new position.
        seq: u64,
        /// The entry as the client received it.
        event: Entry,
    },
    /// A client restarts at a position: 0, its saved position, or a head that the server reported.
    Restart {
        /// The restarted client.
        #[serde(flatten)]
        about: About,
        /// The client sees only entries after this position.
        position: u64,
    },
    /// The list of a user's conversations shows a client this state of one.
    Counted {
        /// The client.
        #[serde(flatten)]
        about: About,
        /// The newest position.
        head: u64,
        /// The number of messages up to `head`.
        messages: u64,
        /// The position up to which the user has read.
        #[serde(rename = "readTo")]
        read_to: u64,
        /// The number of messages after `read_to`.
        unread: u64,
    },
    /// A client says how far its user has read.
    Receipt {
        /// The client.
        #[serde(flatten)]
        about: About,
        /// The position.
        read: u64,
        /// Whether others must not see it.
        private: bool,
    },
    /// The answer to the client's last receipt over HTTP.
    Receipted {
        /// The client.
        #[serde(flatten)]
        about: About,
        /// The position of the user afterwards.
        #[serde(rename = "readTo")]
        read_to: u64,
    },
    /// A client is shown how far a participant has read.
    Shown {
        /// The client.
        #[serde(flatten)]
        about: About,
        /// The participant, possibly the client's own user.
        of: String,
        /// The position.
        #[serde(rename = "readTo")]
        read_to: u64,
    },
    /// An attempt to remove a participant begins.
    Remove(ChangeAttempt),
    /// A removal is answered.
    Removed(ChangeAnswer),
    /// An attempt to add a participant begins.
    Add(ChangeAttempt),
    /// An addition is answered.
    Added(ChangeAnswer),
    /// A frame that answers no request, such as an entry or a notice, arrives on a connection.
    Pushed {
        /// The connection.
        #[serde(flatten)]
        connection: Connection,
        /// The frame's `event`.
        event: String,
    },
    /// The token of a connection has ended, and pushes that were under way then have arrived.
    Expired(Connection),
    /// The final state of a client, after the faults stopped and there was time to repair.
    End {
        /// The client.
        #[serde(flatten)]
        about: About,
        /// The client's position.
        position: u64,
        /// Messages that are neither acknowledged nor given up.
        pending: u64,
        /// The text that the client shows for each message whose text it knows, by position; empty
        /// for a deleted message. Only compared if present.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        texts: BTreeMap<String, String>,
        /// The reactions that the client shows. Missing if the client does not know all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reactions: Option<Vec<Reaction>>,
    },
    /// The whole log as a participant reads it. The last one of a conversation is compared with
    /// everything else.
    Log {
        /// Conversation id.
        conversation: String,
        /// All entries, from the first.
        events: Vec<Entry>,
        /// The reactions to all messages, as history shows them. Missing if they were not read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reactions: Option<Vec<Reaction>>,
    },
}

/// How a user wants a reaction to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The position of the message.
    pub target: u64,
    /// The emoji, without variation selectors.
    pub emoji: String,
    /// Whether the user reacts with it.
    pub on: bool,
}

/// A reaction that is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reaction {
    /// The position of the message.
    pub target: u64,
    /// The emoji.
    pub emoji: String,
    /// The user.
    pub user: String,
    /// The position of its entry.
    pub seq: u64,
}

/// One client in one conversation. A client is a device with its own position and outbox; a user
/// may have several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The client's name.
    pub client: String,
    /// The client's user.
    pub user: String,
    /// Conversation id.
    pub conversation: String,
}

/// A connection of a client. The ids of connections are never used twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The client's name.
    pub client: String,
    /// The client's user.
    pub user: String,
    /// The connection's id.
    pub connection: String,
}

/// An attempt to add or to remove a participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeAttempt {
    /// Conversation id.
    pub conversation: String,
    /// The user to add or to remove.
    pub user: String,
    /// The change to which this attempt belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// The answer to a change of participants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeAnswer {
    /// Conversation id.
    pub conversation: String,
    /// The user who was added or removed.
    pub user: String,
    /// The position of the change in the log; null if the change had no effect.
    pub seq: Option<u64>,
    /// The answered change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

impl Record {
    /// Returns the conversation of the record, if it is about one.
    #[must_use]
    pub fn conversation(&self) -> Option<&str> {
        match self {
            Self::Seed { .. } | Self::Pushed { .. } | Self::Expired(_) => None,
            Self::Send { about, .. }
            | Self::Sent { about, .. }
            | Self::Refused { about, .. }
            | Self::React { about, .. }
            | Self::Reacted { about, .. }
            | Self::Seen { about, .. }
            | Self::Restart { about, .. }
            | Self::Counted { about, .. }
            | Self::Receipt { about, .. }
            | Self::Receipted { about, .. }
            | Self::Shown { about, .. }
            | Self::End { about, .. } => Some(&about.conversation),
            Self::Remove(attempt) | Self::Add(attempt) => Some(&attempt.conversation),
            Self::Removed(answer) | Self::Added(answer) => Some(&answer.conversation),
            Self::Log { conversation, .. } => Some(conversation),
        }
    }
}

/// A log entry as on the wire, with the fields that the guarantees are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The entry's kind: `message`, `messageEdited`, `messageDeleted`, `reaction`,
    /// `participantAdded`, `participantRemoved` or an unknown one.
    pub event: String,
    /// The position in the log.
    pub seq: u64,
    /// A message's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The user who sent the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// A message's text, or the text of an edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The position of the message that an entry edits or deletes, or to which it is a reaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u64>,
    /// The emoji of a reaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Whether the user reacts from this entry on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
    /// The user who deleted the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The newest edit of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Revision>,
    /// The deletion of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Revision>,
    /// The user who was added or removed, or who reacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The time at which the entry was first sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
}

/// The entry that changed a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its position.
    pub seq: u64,
}

impl Entry {
    /// Whether this entry edits or deletes a message.
    #[must_use]
    pub fn changes_message(&self) -> bool {
        matches!(&*self.event, "messageEdited" | "messageDeleted")
    }

    /// Returns how the user wanted a reaction to be, if this entry is one.
    #[must_use]
    pub fn wish(&self) -> Option<Wish> {
        Some(Wish {
            target: self.target.filter(|_| self.event == "reaction")?,
            emoji: self.emoji.clone()?,
            on: self.on?,
        })
    }

    /// Returns the user who wrote this message, edit, deletion or reaction.
    #[must_use]
    pub fn author(&self) -> Option<&str> {
        match &*self.event {
            "messageDeleted" => self.by.as_deref(),
            "reaction" => self.user.as_deref(),
            _ => self.sender.as_deref(),
        }
    }

    /// Returns this entry without what edits and deletions change, and without its time.
    #[must_use]
    pub fn lasting(&self) -> Self {
        let lasting = Self {
            sent_at: None,
            edited: None,
            deleted: None,
            ..self.clone()
        };
        match &*self.event {
            "message" | "messageEdited" => Self {
                body: None,
                ..lasting
            },
            _ => lasting,
        }
    }

    /// Whether this entry records the removal of `user`.
    #[must_use]
    pub fn removes(&self, user: &str) -> bool {
        self.event == "participantRemoved" && self.user.as_deref() == Some(user)
    }

    /// Whether this entry records the addition of `user`.
    #[must_use]
    pub fn adds(&self, user: &str) -> bool {
        self.event == "participantAdded" && self.user.as_deref() == Some(user)
    }

    /// Returns author and id if this entry is a message, an edit or a deletion.
    #[must_use]
    pub fn name(&self) -> Option<(&str, &str)> {
        let has_name = self.event == "message" || self.changes_message();
        let name = self.author().zip(self.id.as_deref());
        name.filter(|_| has_name)
    }
}

/// A line that is not a record.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {source}; see checker/README.md for the format of a history")]
pub struct Unreadable {
    /// The line's number, counted from 1.
    pub line: usize,
    source: serde_json::Error,
}

/// Reads a history of one JSON object per line. Empty lines are skipped, but counted.
///
/// # Errors
/// Fails on the first line that cannot be read.
pub fn read(text: &str) -> Result<Vec<(usize, Record)>, Unreadable> {
    let lines = (1..).zip(text.lines());
    lines
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(line, text)| {
            let record =
                serde_json::from_str(text).map_err(|source| Unreadable { line, source })?;
            Ok((line, record))
        })
        .collect()
}

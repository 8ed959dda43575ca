//! The lines of a history: what happened, as one observer saw it, in the order in which he saw it.

use serde::{Deserialize, Serialize};

/// One line. `client` is a device with a position and an outbox of its own; a user may have several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Record {
    /// By which seed this comes again, printed with a violation.
    Seed {
        /// The seed.
        seed: u64,
        /// How to use it.
        #[serde(default)]
        about: String,
    },
    /// A client begins to send a message, for the first time or again.
    Send {
        /// Which device.
        client: String,
        /// Whose.
        user: String,
        /// Conversation id.
        conversation: String,
        /// The message's id.
        id: String,
        /// Its text.
        body: String,
    },
    /// It is acknowledged, by an answer or by the push of one's own message.
    Sent {
        /// Which device.
        client: String,
        /// Whose.
        user: String,
        /// Conversation id.
        conversation: String,
        /// The message's id.
        id: String,
        /// Its position.
        seq: u64,
    },
    /// It is given up for good, because an error said that no retry helps.
    Refused {
        /// Which device.
        client: String,
        /// Whose.
        user: String,
        /// Conversation id.
        conversation: String,
        /// The message's id.
        id: String,
        /// The error's code.
        code: String,
    },
    /// The client's position moved over this entry.
    Seen {
        /// Which device.
        client: String,
        /// Whose.
        user: String,
        /// Conversation id.
        conversation: String,
        /// The position.
        seq: u64,
        /// What is there.
        event: Entry,
    },
    /// The client begins anew at a position: 0, what it had kept, or a head that it was told.
    Restart {
        /// Which device.
        client: String,
        /// Whose.
        user: String,
        /// Conversation id.
        conversation: String,
        /// Everything up to it is not shown.
        position: u64,
    },
    /// Somebody asks to remove a participant, for the first time or again.
    Remove {
        /// Conversation id.
        conversation: String,
        /// Who shall go.
        user: String,
        /// Which change this is an attempt at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<String>,
    },
    /// That is answered.
    Removed {
        /// Conversation id.
        conversation: String,
        /// Who went.
        user: String,
        /// Where it stands in the log; null if he had gone before.
        seq: Option<u64>,
        /// Which change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<String>,
    },
    /// Somebody asks to add a participant, for the first time or again.
    Add {
        /// Conversation id.
        conversation: String,
        /// Who shall come.
        user: String,
        /// Which change this is an attempt at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<String>,
    },
    /// That is answered.
    Added {
        /// Conversation id.
        conversation: String,
        /// Who came.
        user: String,
        /// Where it stands in the log; null if he was there.
        seq: Option<u64>,
        /// Which change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<String>,
    },
    /// How a client ends, after the faults have stopped and everybody had time to repair.
    End {
        /// Which device.
        client: String,
        /// Whose.
        user: String,
        /// Conversation id.
        conversation: String,
        /// How far it has seen.
        position: u64,
        /// Messages that are neither acknowledged nor refused.
        pending: u64,
    },
    /// The whole log as a participant reads it; the last of a conversation is what all is compared with.
    Log {
        /// Conversation id.
        conversation: String,
        /// From the first on.
        events: Vec<Entry>,
    },
}

/// An entry of a log as it is on the wire, without what no promise is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its kind: `message`, `participantAdded`, `participantRemoved` or one that is not known here.
    pub event: String,
    /// Its position.
    pub seq: u64,
    /// Of a message: its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Of a message: whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// Of a message: its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Of a change of participants: who came or went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When it was first sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
}

impl Entry {
    /// Whether the removal of this user is told here.
    #[must_use]
    pub fn removes(&self, user: &str) -> bool {
        self.event == "participantRemoved" && self.user.as_deref() == Some(user)
    }

    /// Whether the adding of this user is told here.
    #[must_use]
    pub fn adds(&self, user: &str) -> bool {
        self.event == "participantAdded" && self.user.as_deref() == Some(user)
    }

    /// Sender and id, if this is a message.
    #[must_use]
    pub fn name(&self) -> Option<(&str, &str)> {
        let is_message = self.event == "message";
        let name = self.sender.as_deref().zip(self.id.as_deref());
        name.filter(|_| is_message)
    }
}

/// A line that is none of a history.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {source}; checker/README.md has the lines of a history")]
pub struct Unreadable {
    /// Counted from 1.
    pub line: usize,
    source: serde_json::Error,
}

/// Reads a history, a JSON object a line. Empty lines are passed over, but counted.
///
/// # Errors
/// The first line that cannot be read.
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

//! The members of frames and HTTP replies that the client reads.

use std::collections::BTreeMap;

use checker::history::{Entry, Revision};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Any frame from the server, and any HTTP reply.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Frame {
    pub event: String,
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    pub conversation: String,
    /// 0 if there is none.
    #[serde(deserialize_with = "or_zero")]
    pub seq: u64,
    pub id: Option<String>,
    pub sender: Option<String>,
    pub body: Option<String>,
    pub user: Option<String>,
    pub target: Option<u64>,
    pub emoji: Option<String>,
    pub on: Option<bool>,
    pub by: Option<String>,
    pub edited: Option<Revision>,
    pub deleted: Option<Revision>,
    pub duplicate: bool,
    pub sent_at: Option<String>,
    pub head: u64,
    pub read_to: u64,
    pub events: Vec<Entry>,
    pub limited: bool,
    pub subscribed: bool,
    /// The outcomes of a subscription to many conversations.
    pub conversations: Vec<Frame>,
    pub heads: BTreeMap<String, u64>,
    pub presence: BTreeMap<String, Value>,
    /// Positions by user in `subscribed`, and these by conversation in `pong`.
    pub read: Value,
    pub code: String,
    pub retry: String,
    pub retry_after_ms: Option<u64>,
}

fn or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Frame {
    /// Converts the frame to a log entry.
    pub fn into_entry(self) -> Entry {
        Entry {
            event: self.event,
            seq: self.seq,
            id: self.id,
            sender: self.sender,
            body: self.body,
            user: self.user,
            target: self.target,
            emoji: self.emoji,
            on: self.on,
            by: self.by,
            edited: self.edited,
            deleted: self.deleted,
            sent_at: self.sent_at,
        }
    }
}

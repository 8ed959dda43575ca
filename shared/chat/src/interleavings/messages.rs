//! The texts of messages in a scenario: what the log says about them, and what the watched client
//! shows.

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::Value;

use crate::domain::{Content, Entry, Revision, Seq};

/// The newest that is known of a message: the position of an edit (0 for the original text) and the
/// text, or the greatest position and no text after a deletion.
pub type Shown = (u64, String);

/// The position of a deletion, which wins over every edit.
pub const DELETED: u64 = u64::MAX;

/// What reached the watched client about the text of each message.
#[derive(Debug, Default)]
pub struct Picture(RefCell<BTreeMap<u64, Shown>>);

impl Picture {
    /// Keeps what an entry says about the text of a message, unless something newer is known.
    pub fn see(&self, seq: u64, entry: &Value) {
        let body = entry["body"].as_str().map(str::to_owned);
        let (target, shown) = match entry["event"].as_str() {
            Some("message") if !entry["deleted"].is_null() => (seq, (DELETED, String::new())),
            Some("message") => {
                let edit = entry["edited"]["seq"].as_u64().unwrap_or(0);
                (seq, (edit, body.unwrap_or_default()))
            }
            Some("messageDeleted") => (entry["target"].as_u64().unwrap(), (DELETED, String::new())),
            // Without a text, a later entry has replaced it.
            Some("messageEdited") => match body {
                Some(body) => (entry["target"].as_u64().unwrap(), (seq, body)),
                None => return,
            },
            _ => return,
        };
        let mut picture = self.0.borrow_mut();
        let known = picture.entry(target).or_insert_with(|| shown.clone());
        if known.0 < shown.0 {
            *known = shown;
        }
    }

    /// Returns whether the client shows these messages.
    pub fn shows(&self, messages: &BTreeMap<u64, Shown>) -> bool {
        *self.0.borrow() == *messages
    }
}

/// Returns what the log says about each message.
pub fn folded(log: &[Entry]) -> BTreeMap<u64, Shown> {
    let mut folded: BTreeMap<u64, Shown> = BTreeMap::new();
    for entry in log {
        let seq = entry.seq.number();
        match &entry.draft.content {
            // The text of an edit is its id.
            Content::Message { body, revision, .. } => {
                let is_original = *revision == Revision::Original;
                let text = if is_original { body.as_str() } else { "" };
                folded.insert(seq, (0, text.to_owned()));
            }
            Content::MessageEdited { target, .. } => {
                let text = entry.draft.id.to_string();
                let shown = folded.get_mut(&target.number());
                if let Some(shown) = shown.filter(|shown| shown.0 < DELETED) {
                    *shown = (seq, text);
                }
            }
            Content::MessageDeleted { target } => {
                folded.insert(target.number(), (DELETED, String::new()));
            }
            _ => {}
        }
    }
    folded
}

/// Returns the position of the deletion of a message.
pub fn deletion_of(log: &[Entry], target: Seq) -> Option<Seq> {
    let deletion = log.iter().find(|entry| {
        matches!(entry.draft.content,
            Content::MessageDeleted { target: deleted } if deleted == target)
    });
    deletion.map(|entry| entry.seq)
}

/// Returns the messages as they are stored.
pub fn stored(log: &[Entry]) -> BTreeMap<u64, Shown> {
    let messages = log.iter().filter_map(|entry| {
        let Content::Message { body, revision, .. } = &entry.draft.content else {
            return None;
        };
        let newest = match revision {
            Revision::Original => 0,
            Revision::Edited { seq, .. } => seq.number(),
            Revision::Deleted { .. } => DELETED,
        };
        Some((entry.seq.number(), (newest, body.as_str().to_owned())))
    });
    messages.collect()
}

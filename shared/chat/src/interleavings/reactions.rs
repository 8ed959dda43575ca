//! Reactions in a scenario: what the log says about them, and what the watched client shows.

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::Value;

use crate::domain::{Entry, Reaction, ReactionChange};

/// The message, the emoji and the user of a reaction.
type Key = (u64, String, String);

/// What the watched client knows about each reaction: the position of the newest entry, and whether
/// the user reacts.
#[derive(Debug, Default)]
pub struct Picture(RefCell<BTreeMap<Key, (u64, bool)>>);

impl Picture {
    /// Keeps an entry, or a row of a page of history, unless something newer is known.
    pub fn see(&self, reaction: &Value) {
        let text = |name: &str| reaction[name].as_str().unwrap_or_default().to_owned();
        let target = reaction["target"].as_u64().unwrap_or_default();
        let seq = reaction["seq"].as_u64().unwrap_or_default();
        let on = reaction["on"].as_bool().unwrap_or(true);
        let mut known = self.0.borrow_mut();
        let newest = known
            .entry((target, text("emoji"), text("user")))
            .or_default();
        *newest = (*newest).max((seq, on));
    }

    /// Returns whether the client shows these reactions, apart from those to deleted messages.
    pub fn shows(&self, rows: &BTreeMap<Key, u64>, is_deleted: impl Fn(u64) -> bool) -> bool {
        let known = self.0.borrow();
        let shown = known.iter().filter(|(_, (_, on))| *on);
        let shown = shown.map(|(key, (seq, _))| (key, seq));
        let shown = shown.filter(|((target, ..), _)| !is_deleted(*target));
        shown.eq(rows.iter().filter(|((target, ..), _)| !is_deleted(*target)))
    }
}

fn key_of(change: &ReactionChange) -> Key {
    let key = change.key();
    let (emoji, user) = (key.emoji.to_string(), key.user.to_string());
    (key.target.number(), emoji, user)
}

/// Returns the reactions that a log leaves, by position. Returns `None` if an entry has no effect: it
/// adds a reaction that exists, or withdraws one that does not.
pub fn folded(log: &[Entry]) -> Option<BTreeMap<Key, u64>> {
    let mut rows = BTreeMap::new();
    for change in log.iter().filter_map(Entry::reaction) {
        let key = key_of(&change);
        let has_effect = match change {
            ReactionChange::Given(reaction) => rows.insert(key, reaction.seq.number()).is_none(),
            ReactionChange::Withdrawn(_) => rows.remove(&key).is_some(),
        };
        if !has_effect {
            return None;
        }
    }
    Some(rows)
}

/// Returns the rows by message, emoji and user.
pub fn stored(rows: Vec<Reaction>) -> BTreeMap<Key, u64> {
    let rows = rows.into_iter();
    rows.map(|row| {
        let seq = row.seq.number();
        (key_of(&ReactionChange::Given(row)), seq)
    })
    .collect()
}

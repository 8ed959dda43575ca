//! Checks reactions: the log adds and withdraws each in turn, what is stored is what the log leaves,
//! and a client that has everything shows that.

use std::collections::{BTreeMap, BTreeSet};

use super::Case;
use crate::{
    history::{Entry, Reaction, Record, Wish},
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    let Some(stored) = folded(case, found) else {
        return;
    };
    rows(case, &stored, found);
    shown(case, &stored, found);
    acknowledged(case, found);
}

/// The message, the emoji and the user of a reaction.
type Key<'a> = (u64, &'a str, &'a str);

/// Returns the entries that decide about the reactions that a log leaves. Returns `None` after an
/// entry that must not be stored: one without effect, or one to what is not a live message.
fn folded<'a>(case: &Case<'a>, found: &mut Vec<Violation>) -> Option<BTreeMap<Key<'a>, &'a Entry>> {
    let mut newest: BTreeMap<Key<'_>, &Entry> = BTreeMap::new();
    let mut deleted: BTreeMap<u64, &Entry> = BTreeMap::new();
    for entry in case.evidence.log {
        let target = entry.target.unwrap_or(0);
        if entry.event == "messageDeleted" {
            deleted.insert(target, entry);
        }
        let Some(wish) = entry.wish() else { continue };
        let (emoji, user) = (entry.emoji.as_deref()?, entry.user.as_deref()?);
        let before = newest.insert((target, emoji, user), entry);
        let was_on = before.and_then(|before| before.on).unwrap_or(false);
        let message = case.evidence.at(target).filter(|_| target < entry.seq);
        let (what, other) = if was_on == wish.on {
            let state = if wish.on { "adds" } else { "withdraws" };
            (
                format!("{} {state} a reaction that it does not change", entry.seq),
                before,
            )
        } else if let Some(deletion) = deleted.get(&target) {
            let what = format!("{} reacts to {target}, which is deleted", entry.seq);
            (what, Some(*deletion))
        } else if message.is_none_or(|message| message.event != "message") {
            (
                format!("{} reacts to {target}, which is no message", entry.seq),
                message,
            )
        } else {
            continue;
        };
        let entries = other.into_iter().chain([entry]);
        found.push(case.violation(Promise::Fold, what, [], entries));
        return None;
    }
    newest.retain(|(target, ..), entry| entry.on == Some(true) && !deleted.contains_key(target));
    Some(newest)
}

/// Returns the first reaction that only one side has: a shown one, or the entry of a stored one.
fn difference<'a>(
    stored: &BTreeMap<Key<'a>, &'a Entry>,
    shown: &[Reaction],
) -> Option<(String, Option<&'a Entry>)> {
    let mut seen = BTreeSet::new();
    for reaction in shown {
        let key = (reaction.target, &*reaction.emoji, &*reaction.user);
        let entry = stored.get(&key).copied();
        let name = format!(
            "{} of {} to {}",
            reaction.emoji, reaction.user, reaction.target
        );
        if !seen.insert(key) {
            return Some((format!("{name} twice"), entry));
        }
        if entry.is_none_or(|entry| entry.seq != reaction.seq) {
            return Some((format!("{name}, stored at {}", reaction.seq), entry));
        }
    }
    let missing = stored.iter().find(|(key, _)| !seen.contains(*key));
    missing.map(|((target, emoji, user), entry)| {
        (format!("not {emoji} of {user} to {target}"), Some(*entry))
    })
}

/// What history shows at the end is what the log leaves.
fn rows(case: &Case<'_>, stored: &BTreeMap<Key<'_>, &Entry>, found: &mut Vec<Violation>) {
    let Some(Record::Log {
        reactions: Some(rows),
        ..
    }) = case.record(case.evidence.log_line)
    else {
        return;
    };
    if let Some((what, entry)) = difference(stored, rows) {
        let what = format!("history of {} shows {what}", case.conversation);
        found.push(case.violation(Promise::Fold, what, [], entry));
    }
}

/// A client that has the whole log ends with the reactions that it leaves.
fn shown(case: &Case<'_>, stored: &BTreeMap<Key<'_>, &Entry>, found: &mut Vec<Violation>) {
    let head = case.evidence.log.last().map_or(0, |entry| entry.seq);
    for line in case.evidence.views.values().flatten().copied() {
        let Some(Record::End {
            about,
            position,
            reactions: Some(shown),
            ..
        }) = case.record(line)
        else {
            continue;
        };
        if *position != head {
            continue;
        }
        if let Some((what, entry)) = difference(stored, shown) {
            let what = format!("{} ends with {what}", about.client);
            found.push(case.violation(Promise::Fold, what, [line], entry));
        }
    }
}

/// An acknowledged reaction is stored where its answer says.
fn acknowledged(case: &Case<'_>, found: &mut Vec<Violation>) {
    for line in case.evidence.reacted.iter().copied() {
        let Some(Record::Reacted {
            about,
            wish,
            seq: Some(seq),
        }) = case.record(line)
        else {
            continue;
        };
        let stored = case.evidence.at(*seq);
        let is_own = |entry: &Entry| {
            entry.wish().as_ref() == Some(wish) && entry.user.as_deref() == Some(&*about.user)
        };
        if !stored.is_some_and(is_own) {
            let what = format!(
                "{} of {} to {} was acknowledged at {seq}, but is not stored there",
                wish.emoji, about.user, wish.target
            );
            found.push(case.violation(Promise::Acknowledged, what, [line], stored));
        }
    }
}

/// Returns the lines of a user's attempts to make a reaction so.
pub fn attempts<'a>(
    case: &'a Case<'_>,
    user: &str,
    wish: &'a Wish,
) -> impl Iterator<Item = usize> + 'a {
    let lines = case
        .evidence
        .reacts
        .get(user)
        .into_iter()
        .flatten()
        .copied();
    lines.filter(move |line| {
        matches!(case.record(*line), Some(Record::React { wish: asked, .. }) if asked == wish)
    })
}

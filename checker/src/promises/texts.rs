//! Checks the texts of messages: at rest, every message is the fold of its entries, and no text of a
//! deleted message is left.
//!
//! The newest edit decides, and a deletion for ever. An edit that another entry has replaced has no
//! text.

use std::collections::BTreeMap;

use super::Case;
use crate::{
    history::{Entry, Record},
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    let newest = newest_changes(case);
    for entry in case.evidence.log {
        let change = match &*entry.event {
            "message" => newest.get(&entry.seq).copied(),
            "messageEdited" => entry.target.and_then(|target| newest.get(&target).copied()),
            _ => continue,
        };
        if !is_folded(entry, change) {
            let what = format!(
                "{} of {} does not have the text that follows from the log",
                entry.seq, case.conversation
            );
            found.push(case.violation(Promise::Fold, what, [], [entry].into_iter().chain(change)));
        }
    }
    revived(case, found);
    shown(case, found);
}

/// Returns the entry that decides about the text of each message: its deletion, or its newest edit.
fn newest_changes<'a>(case: &Case<'a>) -> BTreeMap<u64, &'a Entry> {
    let mut newest: BTreeMap<u64, &Entry> = BTreeMap::new();
    let changes = case.evidence.log.iter();
    for entry in changes.filter(|entry| entry.changes_message()) {
        let Some(target) = entry.target else { continue };
        let known = newest.entry(target).or_insert(entry);
        if known.event != "messageDeleted" {
            *known = entry;
        }
    }
    newest
}

/// Whether a message names `change`, which decides about its text, or whether an edit has a text
/// exactly if it is that change. That the text is the one of the named edit is part of *asked*.
fn is_folded(entry: &Entry, change: Option<&Entry>) -> bool {
    let place = change.map(|change| change.seq);
    if entry.event == "messageEdited" {
        return entry.body.is_some() == (place == Some(entry.seq));
    }
    let is_deleted = change.is_some_and(|change| change.event == "messageDeleted");
    let expected = if is_deleted {
        (None, place)
    } else {
        (place, None)
    };
    let edited = entry.edited.as_ref().map(|edit| edit.seq);
    let deleted = entry.deleted.as_ref().map(|deletion| deletion.seq);
    (edited, deleted) == expected && (!is_deleted || entry.body.as_deref() == Some(""))
}

/// No change of a message follows its deletion.
fn revived(case: &Case<'_>, found: &mut Vec<Violation>) {
    let mut deleted: BTreeMap<u64, &Entry> = BTreeMap::new();
    for entry in case.evidence.log {
        let Some(target) = entry.target.filter(|_| entry.changes_message()) else {
            continue;
        };
        if let Some(deletion) = deleted.get(&target) {
            let what = format!(
                "{} changes the message at {target}, which is deleted",
                entry.seq
            );
            found.push(case.violation(Promise::Fold, what, [], [*deletion, entry]));
        } else if entry.event == "messageDeleted" {
            deleted.insert(target, entry);
        }
    }
}

/// A client that has the whole log ends with the texts that are stored.
fn shown(case: &Case<'_>, found: &mut Vec<Violation>) {
    let head = case.evidence.log.last().map_or(0, |entry| entry.seq);
    for line in case.evidence.views.values().flatten().copied() {
        let Some(Record::End {
            about,
            position,
            texts,
            ..
        }) = case.record(line)
        else {
            continue;
        };
        let wrong = texts.iter().find(|(seq, text)| {
            let stored = seq.parse().ok().and_then(|seq| case.evidence.at(seq));
            stored.and_then(|entry| entry.body.as_ref()) != Some(text)
        });
        if let Some((seq, _)) = wrong.filter(|_| *position == head) {
            let what = format!(
                "{} ends with another text of {seq} than is stored",
                about.client
            );
            let stored = seq.parse().ok().and_then(|seq| case.evidence.at(seq));
            found.push(case.violation(Promise::Fold, what, [line], stored));
        }
    }
}

/// Whether an entry of the log was requested: a message with its text or with that of an edit, an
/// edit or a deletion of this message.
pub fn was_asked(case: &Case<'_>, name: (&str, &str), entry: &Entry) -> bool {
    if entry.changes_message() {
        let sends = case.evidence.sends.get(&name).into_iter().flatten();
        let mut targets = sends.filter_map(|line| match case.record(*line)? {
            Record::Send { target, .. } => *target,
            _ => None,
        });
        return targets.any(|target| entry.target == Some(target)) && is_known(case, entry);
    }
    let was_sent = case.evidence.sends.contains_key(&name);
    was_sent && is_known(case, entry)
}

/// Whether the text of an entry is the one that it was sent with or, for a message, that of the edit
/// that it names. A deleted message has none, nor has an edit that was replaced.
pub fn is_known(case: &Case<'_>, entry: &Entry) -> bool {
    let Some(body) = entry.body.as_deref() else {
        return entry.event != "message";
    };
    if entry.deleted.is_some() {
        return body.is_empty();
    }
    let author = match &entry.edited {
        Some(edit) => case.evidence.at(edit.seq),
        None => Some(entry),
    };
    let name = author.and_then(|author| author.name());
    name.is_none_or(|name| bodies(case, name).contains(&body))
}

/// Returns all texts that were sent under a name.
fn bodies<'a>(case: &Case<'a>, name: (&str, &str)) -> Vec<&'a str> {
    let sends = case.evidence.sends.get(&name).into_iter().flatten();
    let bodies = sends.filter_map(|line| match case.record(*line)? {
        Record::Send { body, .. } => Some(body.as_str()),
        _ => None,
    });
    bodies.collect()
}

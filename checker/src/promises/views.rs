//! Checks that each client saw the log in order from its first position, and all of it at the end.

use super::{Case, texts};
use crate::{
    changes::Changes,
    history::{Entry, Record},
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    for (client, lines) in &case.evidence.views {
        view(case, client, lines, found);
    }
}

/// Reports only the first violation of a client: the following ones are its consequences.
fn view(case: &Case<'_>, client: &str, lines: &[usize], found: &mut Vec<Violation>) {
    let (mut position, mut before) = (0, None);
    for line in lines.iter().copied() {
        let violation = match case.record(line) {
            Some(Record::Restart { position: from, .. }) => {
                position = *from;
                None
            }
            Some(Record::Seen { seq, event, .. }) => {
                let expected = position + 1;
                position = *seq;
                let stored = case.evidence.at(*seq);
                if *seq != expected {
                    let what = format!("{client} saw {seq}, but {expected} was next");
                    Some((Promise::Order, what, stored))
                } else if stored
                    .is_none_or(|stored| !is_same(stored, event) || !texts::is_known(case, event))
                {
                    let what = format!("{client} saw another entry at {seq} than is stored there");
                    Some((Promise::Order, what, stored))
                } else {
                    None
                }
            }
            Some(Record::End {
                about,
                position: reached,
                pending,
                ..
            }) => ended(case, client, &about.user, (*reached, *pending), position),
            _ => None,
        };
        if let Some((promise, what, stored)) = violation {
            let lines = before.into_iter().chain([line]);
            found.push(case.violation(promise, what, lines, stored));
            return;
        }
        before = Some(line);
    }
}

type Finding<'a> = Option<(Promise, String, Option<&'a Entry>)>;

/// Checks a client's final state. If its user is not a participant at the end, the client may be
/// incomplete.
fn ended<'a>(
    case: &Case<'a>,
    client: &str,
    user: &str,
    (reached, pending): (u64, u64),
    position: u64,
) -> Finding<'a> {
    let last = case.evidence.log.last();
    let head = last.map_or(0, |entry| entry.seq);
    if reached != position {
        let what = format!("{client} claims position {reached}, but saw entries up to {position}");
        return Some((Promise::Order, what, None));
    }
    if !is_participant(case, user) {
        return None;
    }
    if reached != head {
        let what = format!("{client} ends at {reached}, but the log ends at {head}");
        Some((Promise::Complete, what, last))
    } else if pending > 0 {
        let what = format!("{client} ends with {pending} unanswered messages");
        Some((Promise::Complete, what, None))
    } else {
        None
    }
}

/// Whether the user certainly is a participant: the newest change in the log does not remove them,
/// and no change without an answer may.
fn is_participant(case: &Case<'_>, user: &str) -> bool {
    let changes = case.evidence.changes.get(user);
    if changes.is_some_and(Changes::have_open) {
        return false;
    }
    let newest = case.evidence.log.iter().rev();
    let mut newest = newest.filter(|entry| entry.adds(user) || entry.removes(user));
    newest.next().is_none_or(|entry| entry.adds(user))
}

/// Compares two entries, apart from what edits and deletions change. An observer may leave out the
/// time.
fn is_same(stored: &Entry, seen: &Entry) -> bool {
    let times = stored.sent_at.as_ref().zip(seen.sent_at.as_ref());
    stored.lasting() == seen.lasting() && times.is_none_or(|(stored, seen)| stored == seen)
}

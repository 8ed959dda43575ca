//! What each client saw is the log, from where it began, and in the end all of it.

use super::Case;
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

/// Only the first flaw of a client is told: what follows it follows from it.
fn view(case: &Case<'_>, client: &str, lines: &[usize], found: &mut Vec<Violation>) {
    let (mut position, mut before) = (0, None);
    for line in lines.iter().copied() {
        let flaw = match case.record(line) {
            Some(Record::Restart { position: from, .. }) => {
                position = *from;
                None
            }
            Some(Record::Seen { seq, event, .. }) => {
                let expected = position + 1;
                position = *seq;
                let stored = case.evidence.at(*seq);
                if *seq != expected {
                    let what = format!("{client} saw {seq} where {expected} was next");
                    Some((Promise::Order, what, stored))
                } else if stored.is_none_or(|stored| !is_same(stored, event)) {
                    let what = format!("what {client} saw at {seq} is not what is stored there");
                    Some((Promise::Order, what, stored))
                } else {
                    None
                }
            }
            Some(Record::End {
                user,
                position: reached,
                pending,
                ..
            }) => ended(case, client, user, (*reached, *pending), position),
            _ => None,
        };
        if let Some((promise, what, stored)) = flaw {
            let lines = before.into_iter().chain([line]);
            found.push(case.violation(promise, what, lines, stored));
            return;
        }
        before = Some(line);
    }
}

type Flaw<'a> = Option<(Promise, String, Option<&'a Entry>)>;

/// Whoever is out of a conversation in the end need not have everything.
fn ended<'a>(
    case: &Case<'a>,
    client: &str,
    user: &str,
    (reached, pending): (u64, u64),
    position: u64,
) -> Flaw<'a> {
    let last = case.evidence.log.last();
    let head = last.map_or(0, |entry| entry.seq);
    if reached != position {
        let what = format!("{client} says that it is at {reached}, and it saw up to {position}");
        return Some((Promise::Order, what, None));
    }
    if !is_participant(case, user) {
        return None;
    }
    if reached != head {
        let what = format!("{client} ends at {reached}, and the log at {head}");
        Some((Promise::Complete, what, last))
    } else if pending > 0 {
        let what = format!("{client} ends with {pending} messages that nobody has answered");
        Some((Promise::Complete, what, None))
    } else {
        None
    }
}

/// Whether a user is a participant for sure: neither the log's last word nor a change without an answer says otherwise.
fn is_participant(case: &Case<'_>, user: &str) -> bool {
    let changes = case.evidence.changes.get(user);
    if changes.is_some_and(Changes::are_open) {
        return false;
    }
    let told = case.evidence.log.iter().rev();
    let mut told = told.filter(|entry| entry.adds(user) || entry.removes(user));
    told.next().is_none_or(|entry| entry.adds(user))
}

/// The time may be left out by an observer who was not told it.
fn is_same(stored: &Entry, seen: &Entry) -> bool {
    let timeless = |entry: &Entry| Entry {
        sent_at: None,
        ..entry.clone()
    };
    let times = stored.sent_at.as_ref().zip(seen.sent_at.as_ref());
    timeless(stored) == timeless(seen) && times.is_none_or(|(stored, seen)| stored == seen)
}

//! Checks the log by itself: it is dense, stores nothing twice, and stores only what was requested.

use std::collections::BTreeMap;

use super::{Case, reactions, texts};
use crate::{
    history::{Entry, Record},
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    dense(case, found);
    kept(case, found);
    once(case, found);
    asked(case, found);
}

fn dense(case: &Case<'_>, found: &mut Vec<Violation>) {
    let log = case.evidence.log;
    let Some(place) = (1..).zip(log).find(|(seq, entry)| entry.seq != *seq) else {
        return;
    };
    let (expected, entry) = place;
    let before = log.iter().rev().find(|before| before.seq < entry.seq);
    let what = format!(
        "{} is stored where {expected} is expected in {}",
        entry.seq, case.conversation
    );
    found.push(case.violation(Promise::Dense, what, [], before.into_iter().chain([entry])));
}

/// Every reading of a log is a prefix of each later one.
fn kept(case: &Case<'_>, found: &mut Vec<Violation>) {
    for line in &case.evidence.readings {
        let Some(Record::Log { events, .. }) = case.record(*line) else {
            continue;
        };
        for entry in events {
            let now = case.evidence.at(entry.seq);
            let times = now.and_then(|now| now.sent_at.as_ref()) == entry.sent_at.as_ref();
            if now.map(Entry::lasting) != Some(entry.lasting()) || !times {
                let what = format!(
                    "entry {} of {} differs from an earlier reading: {}",
                    entry.seq,
                    case.conversation,
                    super::json(entry)
                );
                found.push(case.violation(Promise::Dense, what, [], now));
                return;
            }
        }
    }
}

fn once(case: &Case<'_>, found: &mut Vec<Violation>) {
    let mut places: BTreeMap<(&str, &str), &Entry> = BTreeMap::new();
    for entry in case.evidence.log {
        let Some(name) = entry.name() else { continue };
        if let Some(first) = places.insert(name, entry) {
            let (sender, id) = name;
            let what = format!(
                "{sender}'s {id} is stored at {} and at {}",
                first.seq, entry.seq
            );
            let sends = case.evidence.sends.get(&name).into_iter().flatten();
            found.push(case.violation(Promise::Once, what, sends.copied(), [first, entry]));
        }
    }
}

fn asked(case: &Case<'_>, found: &mut Vec<Violation>) {
    for entry in case.evidence.log {
        let what = if let Some(name) = entry.name() {
            let (sender, id) = name;
            if texts::was_asked(case, name, entry) {
                continue;
            }
            format!(
                "{sender} never sent {id} with the text that is stored at {}",
                entry.seq
            )
        } else if let Some(wish) = entry.wish() {
            let user = entry.user.as_deref().unwrap_or_default();
            if reactions::attempts(case, user, &wish).next().is_some() {
                continue;
            }
            format!("{user} never asked for the reaction at {}", entry.seq)
        } else {
            let user = entry.user.as_deref().unwrap_or_default();
            let changes = case.evidence.changes.get(user);
            let requested = changes.is_some_and(|changes| changes.were_asked(entry.adds(user)));
            if requested || !(entry.adds(user) || entry.removes(user)) {
                continue;
            }
            format!("no client requested the change of {user} at {}", entry.seq)
        };
        found.push(case.violation(Promise::Asked, what, [], [entry]));
    }
}

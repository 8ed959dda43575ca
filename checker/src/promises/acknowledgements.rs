//! What was answered must be so: acknowledgements, refusals, and changes of participants.

use super::Case;
use crate::{
    history::Record,
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    for name in case.evidence.acknowledgements.keys() {
        acknowledged(case, *name, found);
    }
    for name in case.evidence.refusals.keys() {
        refused(case, *name, found);
    }
    for user in case.evidence.changes.keys() {
        changed(case, user, found);
    }
}

fn acknowledged(case: &Case<'_>, name: (&str, &str), found: &mut Vec<Violation>) {
    let (user, id) = name;
    let lines = case.evidence.acknowledgements.get(&name);
    let mut first = None;
    for line in lines.into_iter().flatten().copied() {
        let Some(Record::Sent { seq, .. }) = case.record(line) else {
            continue;
        };
        match first {
            Some((_, place)) if place == *seq => continue,
            Some((line_before, place)) => {
                let what = format!("{user}'s {id} was acknowledged at {place} and at {seq}");
                found.push(case.violation(Promise::Place, what, [line_before, line], []));
                continue;
            }
            None => first = Some((line, *seq)),
        }
        let stored = case.evidence.at(*seq);
        if stored.and_then(|entry| entry.name()) != Some(name) {
            let what = match stored {
                None => format!("{user}'s {id} was acknowledged at {seq}, where nothing is"),
                Some(_) => format!("{user}'s {id} was acknowledged at {seq}, where another is"),
            };
            let sends = case.evidence.sends.get(&name).into_iter().flatten();
            let lines = sends.copied().chain([line]);
            found.push(case.violation(Promise::Acknowledged, what, lines, stored));
        }
    }
}

/// A message that was tried once and refused is not stored. One that was tried before may be: the earlier attempt may
/// have stored it, and its sender may have been removed since. A message refused as `id_reused` is not stored either way;
/// but then another stands under its id.
fn refused(case: &Case<'_>, name: (&str, &str), found: &mut Vec<Violation>) {
    let (user, id) = name;
    let sends = case
        .evidence
        .sends
        .get(&name)
        .map_or(&[][..], Vec::as_slice);
    let stored = case
        .evidence
        .log
        .iter()
        .find(|entry| entry.name() == Some(name));
    let (&[send], Some(stored)) = (sends, stored) else {
        return;
    };
    let lines = case.evidence.refusals.get(&name).into_iter().flatten();
    for line in lines.copied() {
        let what = format!(
            "{user}'s {id} was tried once and refused, and is stored at {}",
            stored.seq
        );
        found.push(case.violation(Promise::Refused, what, [send, line], [stored]));
    }
}

/// An answered change stands where the answer says; and after one that says that nothing was to do, the log's last word
/// on the user agrees, unless another change was asked for since.
fn changed(case: &Case<'_>, user: &str, found: &mut Vec<Violation>) {
    let lines = case
        .evidence
        .changes
        .get(user)
        .map_or(&[][..], Vec::as_slice);
    for line in lines.iter().copied() {
        let (seq, added) = match case.record(line) {
            Some(Record::Added { seq: Some(seq), .. }) => (*seq, true),
            Some(Record::Removed { seq: Some(seq), .. }) => (*seq, false),
            _ => continue,
        };
        let stored = case.evidence.at(seq);
        let as_told = stored
            .is_some_and(|entry| (added && entry.adds(user)) || (!added && entry.removes(user)));
        if !as_told {
            let what = format!("the change of {user} was answered with {seq}, where it is not");
            found.push(case.violation(Promise::Acknowledged, what, [line], stored));
        }
    }
    let Some(last) = lines.last().copied() else {
        return;
    };
    let in_it = match case.record(last) {
        Some(Record::Added { .. }) => true,
        Some(Record::Removed { .. }) => false,
        // Not answered: either may be.
        _ => return,
    };
    let told = case
        .evidence
        .log
        .iter()
        .rev()
        .find(|entry| entry.adds(user) || entry.removes(user));
    if told.is_some_and(|told| told.adds(user) != in_it) {
        let said = if in_it { "in it" } else { "out of it" };
        let what = format!("the last answer says that {user} is {said}, and the log does not");
        found.push(case.violation(Promise::Acknowledged, what, [last], told));
    }
}

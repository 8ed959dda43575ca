//! Checks how far participants have read, as answers and pushes say it.

use std::collections::{BTreeMap, BTreeSet};

use super::Case;
use crate::{
    history::Record,
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    shown(case, found);
    grows(case, found);
}

/// A position that is shown is one of the log, and its user has claimed it before: in public, if
/// it is shown to others.
fn shown(case: &Case<'_>, found: &mut Vec<Violation>) {
    let head = case.evidence.log.last().map_or(0, |entry| entry.seq);
    let mut claimed = BTreeSet::new();
    for line in case.evidence.receipts.iter().copied() {
        match case.record(line) {
            Some(Record::Receipt {
                about,
                read,
                private,
            }) => {
                claimed.insert((about.user.as_str(), *read, *private));
            }
            Some(Record::Shown { about, of, read_to }) => {
                let is_claimed = |private| claimed.contains(&(of.as_str(), *read_to, private));
                // A user who is added starts with everything up to their addition as read.
                let joined = || {
                    let entry = case.evidence.at(*read_to);
                    entry.is_some_and(|entry| entry.adds(of))
                };
                let (client, conversation) = (&about.client, case.conversation);
                let what = if *read_to > head {
                    format!(
                        "{client} is shown that {of} has read {read_to} of {conversation}, which ends at {head}"
                    )
                } else if is_claimed(false) || *of == about.user && (is_claimed(true) || joined()) {
                    continue;
                } else if is_claimed(true) {
                    format!(
                        "{client} is shown that {of} has read {read_to} of {conversation}, which is private"
                    )
                } else {
                    format!(
                        "{client} is shown that {of} has read {read_to} of {conversation}, which they never said"
                    )
                };
                found.push(case.violation(Promise::Read, what, [line], []));
            }
            _ => {}
        }
    }
}

/// Answers to receipts that follow one another have growing positions, not below the given ones.
fn grows(case: &Case<'_>, found: &mut Vec<Violation>) {
    // The last receipt of each client: its line and position.
    let mut asked = BTreeMap::new();
    // The answers of each user: line and position.
    let mut answered: BTreeMap<&str, Vec<(usize, u64)>> = BTreeMap::new();
    for line in case.evidence.receipts.iter().copied() {
        match case.record(line) {
            Some(Record::Receipt { about, read, .. }) => {
                asked.insert(about.client.as_str(), (line, *read));
            }
            Some(Record::Receipted { about, read_to }) => {
                let Some((began, read)) = asked.get(about.client.as_str()).copied() else {
                    continue;
                };
                let answers = answered.entry(about.user.as_str()).or_default();
                let newer = answers
                    .iter()
                    .find(|(before, position)| *before < began && position > read_to);
                let (client, conversation) = (&about.client, case.conversation);
                let lines = newer.map(|(before, _)| *before).into_iter();
                if let Some((_, position)) = newer {
                    let what = format!(
                        "{client} is answered {read_to} in {conversation} after {position}"
                    );
                    found.push(case.violation(Promise::Read, what, lines.chain([began, line]), []));
                } else if *read_to < read {
                    let what =
                        format!("{client} is answered {read_to} in {conversation} to {read}");
                    found.push(case.violation(Promise::Read, what, [began, line], []));
                }
                answers.push((line, *read_to));
            }
            _ => {}
        }
    }
}

//! The promises. Each is checked by a search for violations in one conversation.

mod acknowledgements;
mod counts;
mod fence;
mod log;
mod reactions;
mod receipts;
mod texts;
mod tokens;
mod views;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    evidence::{Evidence, MissingLog, gather},
    history::{Entry, Record},
    verdict::{Counts, Promise, Verdict, Violation},
};

/// Checks a history, given as records with their line numbers.
///
/// # Errors
/// Fails if the log of a conversation is missing.
pub fn judge(records: &[(usize, Record)]) -> Result<Verdict, MissingLog> {
    let mut violations = Vec::new();
    for (conversation, evidence) in &gather(records)? {
        let case = Case {
            records,
            conversation,
            evidence,
        };
        for search in [
            log::search,
            acknowledgements::search,
            views::search,
            fence::search,
            counts::search,
            receipts::search,
            texts::search,
            reactions::search,
        ] {
            search(&case, &mut violations);
        }
    }
    tokens::search(records, &mut violations);
    violations.sort_by_key(|violation| (violation.trace.len(), violation.promise));
    let seed = records.iter().find_map(|(_, record)| match record {
        Record::Seed { seed, about } => Some((*seed, about.clone())),
        _ => None,
    });
    Ok(Verdict {
        counts: Counts::of(records),
        violations,
        seed,
    })
}

/// One conversation in a history.
struct Case<'a> {
    records: &'a [(usize, Record)],
    conversation: &'a str,
    evidence: &'a Evidence<'a>,
}

impl<'a> Case<'a> {
    fn record(&self, line: usize) -> Option<&'a Record> {
        self.records.get(line).map(|(_, record)| record)
    }

    /// Builds a violation whose trace consists of these lines and these entries of the log.
    fn violation<'e>(
        &self,
        promise: Promise,
        what: String,
        lines: impl IntoIterator<Item = usize>,
        entries: impl IntoIterator<Item = &'e Entry>,
    ) -> Violation {
        let lines: BTreeSet<usize> = lines.into_iter().collect();
        let recorded = lines.into_iter().filter_map(|line| {
            let (number, record) = self.records.get(line)?;
            Some(format!("{number}: {}", json(record)))
        });
        let last = self.records.get(self.evidence.log_line);
        let number = last.map_or(0, |(number, _)| *number);
        let stored = entries
            .into_iter()
            .map(|entry| format!("{number}: log {}: {}", self.conversation, json(entry)));
        Violation {
            promise,
            what,
            trace: recorded.chain(stored).collect(),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

//! The printed reports.

use std::{collections::BTreeSet, time::Duration};

use crate::{Kind, Mutant, Outcome, batch::Total, shrink::Shrunk};

/// The maximum number of printed trace lines.
const LONGEST_TRACE: usize = 400;

/// Reports counts, injected faults and occurrences as Markdown tables.
#[must_use]
pub fn total(total: &Total, took: Duration) -> String {
    let counts = &total.counts;
    let mut text = format!(
        "{} seeds in {:.0} s: {} messages acknowledged in {} conversations, {} attempts to send, {} entries seen by {} clients, {} removals\n",
        total.runs,
        took.as_secs_f64(),
        counts.acknowledged,
        counts.conversations,
        counts.sends,
        counts.seen,
        counts.clients,
        counts.removals,
    );
    text += "\n| injected | times |\n| --- | ---: |\n";
    for (kind, count) in Kind::ALL.iter().zip(&total.faults) {
        text += &format!("| {} | {count} |\n", kind.text());
    }
    text += "\n| occurrence | times |\n| --- | ---: |\n";
    for (what, count) in &total.tally {
        text += &format!("| {what} | {count} |\n");
    }
    text
}

/// Reports the broken promises, each once.
#[must_use]
pub fn broken(outcome: &Outcome) -> String {
    let mut shown = BTreeSet::new();
    let mut text = String::new();
    for broken in &outcome.broken {
        if shown.insert(&broken.promise) {
            text += &format!("broken: {}\n  {}\n", broken.promise, broken.what);
            for line in &broken.trace {
                text += &format!("    {line}\n");
            }
        }
    }
    text
}

/// Reports a shortened run and the command that repeats it.
#[must_use]
pub fn shrunk(shrunk: &Shrunk) -> String {
    let (before, now) = shrunk.items;
    let mut text = format!(
        "\nShortest trace after {} runs: {now} of {before} actions and faults are left.\n",
        shrunk.runs
    );
    for line in shrunk.outcome.trace.iter().take(LONGEST_TRACE) {
        text += &format!("  {line}\n");
    }
    if shrunk.outcome.trace.len() > LONGEST_TRACE {
        text += &format!(
            "  … and {} more lines\n",
            shrunk.outcome.trace.len() - LONGEST_TRACE
        );
    }
    text += &broken(&shrunk.outcome);
    text += &format!(
        "Repeat it: cargo run --release -p simulation -- {}\n",
        shrunk.parameters.options()
    );
    text
}

/// Reports which promises a mutant broke, as a line of a table.
#[must_use]
pub fn mutant(mutant: Mutant, total: &Total, took: Duration) -> String {
    let promises: BTreeSet<&str> = total
        .broken
        .values()
        .flat_map(|(_, outcome)| &outcome.broken)
        .filter_map(|broken| broken.promise.split(':').next())
        .collect();
    let found = if promises.is_empty() {
        "NOT FOUND".to_owned()
    } else {
        promises.into_iter().collect::<Vec<_>>().join(", ")
    };
    format!(
        "| {} | {found} | {} | {:.1} |",
        mutant.name(),
        total.runs,
        took.as_secs_f64()
    )
}

//! What is printed.

use std::{collections::BTreeSet, time::Duration};

use crate::{Kind, Mutant, Outcome, batch::Total, shrink::Shrunk};

/// Lines of a story at most.
const LONGEST_STORY: usize = 400;

/// What was done, what went wrong, and what was judged, as Markdown tables.
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
    text += "\n| happened | times |\n| --- | ---: |\n";
    for (what, count) in &total.tally {
        text += &format!("| {what} | {count} |\n");
    }
    text
}

/// Which promises were broken, each once.
#[must_use]
pub fn broken(outcome: &Outcome) -> String {
    let mut told = BTreeSet::new();
    let mut text = String::new();
    for broken in &outcome.broken {
        if told.insert(&broken.promise) {
            text += &format!("broken: {}\n  {}\n", broken.promise, broken.what);
            for line in &broken.story {
                text += &format!("    {line}\n");
            }
        }
    }
    text
}

/// The shortest story, and how to have it told again.
#[must_use]
pub fn story(shrunk: &Shrunk) -> String {
    let (before, now) = shrunk.items;
    let mut text = format!(
        "\nThe shortest story found in {} runs: {now} of {before} deeds and faults matter.\n",
        shrunk.runs
    );
    for line in shrunk.outcome.story.iter().take(LONGEST_STORY) {
        text += &format!("  {line}\n");
    }
    if shrunk.outcome.story.len() > LONGEST_STORY {
        text += &format!(
            "  … and {} more lines\n",
            shrunk.outcome.story.len() - LONGEST_STORY
        );
    }
    text += &broken(&shrunk.outcome);
    text += &format!(
        "Again: cargo run --release -p simulation -- {}\n",
        shrunk.parameters.options()
    );
    text
}

/// A line for a mutant: what showed it.
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

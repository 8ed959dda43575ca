//! Shortens a run that breaks a promise (delta debugging). Only a few of its thousands of actions
//! and faults matter. Halves, then quarters, and finally single items are left out, as long as the
//! same promise is still broken.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{Item, Outcome, Parameters, run};

/// The smallest run found that breaks the same promise.
#[derive(Debug)]
pub struct Shrunk {
    /// The parameters that repeat the run.
    pub parameters: Parameters,
    /// The outcome, with a trace.
    pub outcome: Outcome,
    /// The number of actions and faults before and after.
    pub items: (usize, usize),
    /// The number of runs that the search took.
    pub runs: usize,
}

/// Leaves out the actions and faults that do not matter for the first broken promise, within a time
/// limit.
#[must_use]
pub fn shrink(parameters: &Parameters, outcome: &Outcome, time: Duration) -> Option<Shrunk> {
    let promise = outcome.broken.first()?.promise.clone();
    let mut search = Search {
        parameters: parameters.clone(),
        promise,
        until: Instant::now() + time,
        runs: 0,
    };
    let all = outcome.occurrences.items.clone();
    let left = search.minimize(all.clone());
    let parameters = search.with(&left);
    let outcome = run(&parameters, true);
    Some(Shrunk {
        items: (all.len(), left.len()),
        runs: search.runs,
        parameters,
        outcome,
    })
}

struct Search {
    parameters: Parameters,
    promise: String,
    until: Instant,
    runs: usize,
}

impl Search {
    fn with(&self, items: &[Item]) -> Parameters {
        let only: BTreeSet<Item> = items.iter().copied().collect();
        Parameters {
            only: Some(only),
            ..self.parameters.clone()
        }
    }

    /// Runs with these items only. If the promise is still broken, returns the items that occurred.
    fn still_breaks(&mut self, items: &[Item]) -> Option<Vec<Item>> {
        self.runs += 1;
        let outcome = run(&self.with(items), false);
        let is_broken = outcome
            .broken
            .iter()
            .any(|broken| broken.promise == self.promise);
        is_broken.then_some(outcome.occurrences.items)
    }

    fn minimize(&mut self, mut items: Vec<Item>) -> Vec<Item> {
        let mut parts = 2;
        while items.len() > 1 && Instant::now() < self.until {
            let size = items.len().div_ceil(parts);
            let without = |start: usize| -> Vec<Item> {
                let end = (start + size).min(items.len());
                [&items[..start], &items[end..]].concat()
            };
            let mut starts = (0..items.len()).step_by(size);
            let found = starts.find_map(|start| {
                if Instant::now() >= self.until {
                    return None;
                }
                self.still_breaks(&without(start))
            });
            match found {
                Some(left) => {
                    items = left;
                    parts = parts.saturating_sub(1).max(2);
                }
                None if size == 1 => break,
                None => parts = (parts * 2).min(items.len()),
            }
        }
        items
    }
}

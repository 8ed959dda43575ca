//! Many runs on all processors.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use checker::Counts;

use crate::{Kind, Outcome, Parameters, run};

/// The result of many runs.
#[derive(Debug, Default)]
pub struct Total {
    /// The number of runs.
    pub runs: u64,
    /// The size of all histories.
    pub counts: Counts,
    /// How often each kind of fault was injected.
    pub faults: Vec<u64>,
    /// Counts of other occurrences.
    pub tally: BTreeMap<&'static str, u64>,
    /// The runs that broke a promise, by seed.
    pub broken: BTreeMap<u64, (Parameters, Outcome)>,
}

impl Total {
    fn add(&mut self, parameters: Parameters, outcome: Outcome) {
        self.runs += 1;
        let (sum, counts) = (&mut self.counts, outcome.counts);
        sum.clients += counts.clients;
        sum.conversations += counts.conversations;
        sum.sends += counts.sends;
        sum.acknowledged += counts.acknowledged;
        sum.seen += counts.seen;
        sum.removals += counts.removals;
        self.faults.resize(Kind::ALL.len(), 0);
        for (sum, count) in self.faults.iter_mut().zip(&outcome.occurrences.counts) {
            *sum += count;
        }
        for (what, count) in &outcome.tally {
            *self.tally.entry(what).or_default() += count;
        }
        if !outcome.broken.is_empty() {
            self.broken.insert(parameters.seed, (parameters, outcome));
        }
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// No run begins after this many broken ones.
    pub broken: usize,
    /// No run begins after this time.
    pub time: Duration,
}

/// Runs these seeds, in ascending order. With a limit of one broken run, the lowest seed that
/// breaks a promise is always included, because all lower seeds begin before it.
#[must_use]
pub fn run_all(
    parameters: &Parameters,
    seeds: Range<u64>,
    threads: usize,
    limits: Limits,
) -> Total {
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let enough = AtomicBool::new(false);
    let total = Mutex::new(Total::default());
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) && began.elapsed() < limits.time {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let parameters = Parameters {
                        seed,
                        ..parameters.clone()
                    };
                    let outcome = run(&parameters, false);
                    let mut total = total.lock().unwrap();
                    total.add(parameters, outcome);
                    enough.store(total.broken.len() >= limits.broken, Ordering::Relaxed);
                }
            });
        }
    });
    total.into_inner().unwrap()
}

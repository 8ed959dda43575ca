//! Which call is struck by what. Pure: the n-th call that a rule looks at is struck or spared by the seed, the rule's place
//! in the plan and n alone, so that rules and doors do not disturb one another, however their calls interleave.

use std::time::Duration;

use serde::Serialize;

use super::plan::{Fault, Plan, Rule};

/// A plan under way.
#[derive(Clone, Debug)]
pub struct Schedule {
    seed: u64,
    rules: Vec<Progress>,
}

/// A rule, and what has become of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// As it was given.
    #[serde(flatten)]
    pub rule: Rule,
    /// Calls that it has looked at.
    pub seen: u64,
    /// Calls that it has struck.
    pub injected: u64,
}

/// Something that goes wrong now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// What.
    pub fault: Fault,
    /// For how long, or after how long; zero for faults that know no time.
    pub after: Duration,
}

impl Schedule {
    /// The beginning of a plan.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let rules = plan.faults.into_iter().map(|rule| Progress {
            rule,
            seen: 0,
            injected: 0,
        });
        Self {
            seed: plan.seed,
            rules: rules.collect(),
        }
    }

    /// Everything that is injected into one call, in the plan's order. `concerns` tells which faults could; `names` are those that the
    /// call has.
    pub fn draw(&mut self, names: &[&str], concerns: impl Fn(Fault) -> bool) -> Vec<Draw> {
        let mut drawn = Vec::new();
        for (place, progress) in (0_u64..).zip(&mut self.rules) {
            let Progress {
                rule,
                seen,
                injected,
            } = progress;
            let named = rule.on.is_empty() || rule.on.iter().any(|on| names.contains(&on.as_str()));
            if !concerns(rule.fault) || !named {
                continue;
            }
            let call = *seen;
            *seen += 1;
            let spent = rule.times.is_some_and(|times| *injected >= times);
            let [chance, length] = draws(self.seed, place, call);
            if call >= rule.skip && !spent && chance < rule.rate {
                *injected += 1;
                drawn.push(Draw {
                    fault: rule.fault,
                    after: rule.duration(length),
                });
            }
        }
        drawn
    }

    /// The seed that all decisions come from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// All rules, and how often each has struck.
    #[must_use]
    pub fn progress(&self) -> &[Progress] {
        &self.rules
    }
}

/// Two numbers from 0 to below 1.
fn draws(seed: u64, place: u64, call: u64) -> [f64; 2] {
    let first = mixed(mixed(mixed(seed) ^ place) ^ call);
    [first, mixed(first)].map(|bits| {
        // The upper 53 bits, which is what a double holds.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let fraction = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        fraction
    })
}

/// One step of SplitMix64, which leaves no trace of how near two inputs were.
const fn mixed(input: u64) -> u64 {
    let z = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::faults::plan::{Dynamodb, Management};

    fn schedule(seed: u64, faults: Value) -> Schedule {
        let plan = json!({ "seed": seed, "faults": faults });
        Schedule::new(Plan::read(&plan.to_string()).unwrap())
    }

    fn put(schedule: &mut Schedule) -> Vec<Draw> {
        schedule.draw(&["PutItem"], |fault| matches!(fault, Fault::Dynamodb(_)))
    }

    #[test]
    fn the_same_seed_gives_the_same_faults_whatever_happens_at_other_doors() {
        let faults = json!([
            { "dynamodb": "throttle", "rate": 0.3 },
            { "dynamodb": "latency", "rate": 0.5, "ms": [0, 1000] },
            { "management": "gone", "rate": 0.5 },
        ]);
        let course = |seed: u64, disturbed: bool| {
            let mut schedule = schedule(seed, faults.clone());
            let course = (0..200).map(|n| {
                if disturbed && n % 3 == 0 {
                    schedule.draw(&["POST"], |fault| matches!(fault, Fault::Management(_)));
                }
                put(&mut schedule)
            });
            course.collect::<Vec<_>>()
        };
        assert_eq!(course(1, false), course(1, true));
        assert_ne!(course(1, false), course(2, false));
    }

    #[test]
    fn rates_are_kept_and_counted() {
        let mut schedule = schedule(3, json!([{ "dynamodb": "throttle", "rate": 0.1 }]));
        let struck = (0..10_000).filter(|_| !put(&mut schedule).is_empty());
        let struck = struck.count() as u64;
        assert!((900..1_100).contains(&struck), "{struck}");
        let [progress] = schedule.progress() else {
            panic!("one rule")
        };
        assert_eq!((progress.seen, progress.injected), (10_000, struck));
    }

    #[test]
    fn skip_times_and_names_choose_the_calls() {
        let mut schedule = schedule(
            1,
            json!([
                { "dynamodb": "timeout", "skip": 1, "times": 2 },
                { "dynamodb": "throttle", "on": ["Query"] },
                { "management": "gone" },
            ]),
        );
        let struck: Vec<_> = (0..5).map(|_| put(&mut schedule).len()).collect();
        assert_eq!(struck, [0, 1, 1, 0, 0]);
        let drawn = schedule.draw(&["Query"], |fault| matches!(fault, Fault::Dynamodb(_)));
        assert_eq!(drawn[0].fault, Fault::Dynamodb(Dynamodb::Throttle));
        let drawn = schedule.draw(&[], |fault| fault == Fault::Management(Management::Gone));
        assert_eq!(drawn.len(), 1);
    }

    #[test]
    fn times_lie_between_their_limits() {
        let mut schedule = schedule(5, json!([{ "dynamodb": "latency", "ms": [10, 20] }]));
        let limits = Duration::from_millis(10)..=Duration::from_millis(20);
        let mut all: Vec<_> = (0..100).map(|_| put(&mut schedule)[0].after).collect();
        assert!(all.iter().all(|after| limits.contains(after)), "{all:?}");
        all.dedup();
        assert_eq!(all.len(), 100);
    }
}

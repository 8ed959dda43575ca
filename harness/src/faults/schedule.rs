//! Decides which fault is injected into which call. Pure: the decision about the n-th call that a
//! rule considers depends only on the seed, the rule's position and n. So rules and services do not
//! influence each other, however their calls interleave.

use std::time::Duration;

use serde::Serialize;

use super::plan::{Fault, Plan, Rule};

/// A running plan.
#[derive(Clone, Debug)]
pub struct Schedule {
    seed: u64,
    rules: Vec<Progress>,
}

/// A rule and its counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// The rule as written.
    #[serde(flatten)]
    pub rule: Rule,
    /// The number of calls considered.
    pub seen: u64,
    /// The number of faults injected.
    pub injected: u64,
}

/// One injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The fault.
    pub fault: Fault,
    /// Its duration or delay. Zero for faults without one.
    pub after: Duration,
}

impl Schedule {
    /// Creates the schedule of a plan.
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

    /// Draws the faults of one call, in the plan's order. `concerns` selects the faults that apply
    /// to the call; `names` are the call's names.
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

    /// The seed of all decisions.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// All rules with their counts.
    #[must_use]
    pub fn progress(&self) -> &[Progress] {
        &self.rules
    }
}

/// Returns two numbers in [0, 1).
fn draws(seed: u64, place: u64, call: u64) -> [f64; 2] {
    let first = mixed(mixed(mixed(seed) ^ place) ^ call);
    [first, mixed(first)].map(|bits| {
        // The upper 53 bits, as many as a double holds.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let fraction = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        fraction
    })
}

/// One step of SplitMix64, so that similar inputs give unrelated outputs.
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
    fn the_same_seed_gives_the_same_faults_whatever_other_services_do() {
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
    fn faults_follow_the_rate_and_are_counted() {
        let mut schedule = schedule(3, json!([{ "dynamodb": "throttle", "rate": 0.1 }]));
        let injected = (0..10_000).filter(|_| !put(&mut schedule).is_empty());
        let injected = injected.count() as u64;
        assert!((900..1_100).contains(&injected), "{injected}");
        let [progress] = schedule.progress() else {
            panic!("one rule")
        };
        assert_eq!((progress.seen, progress.injected), (10_000, injected));
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
        let injected: Vec<_> = (0..5).map(|_| put(&mut schedule).len()).collect();
        assert_eq!(injected, [0, 1, 1, 0, 0]);
        let drawn = schedule.draw(&["Query"], |fault| matches!(fault, Fault::Dynamodb(_)));
        assert_eq!(drawn[0].fault, Fault::Dynamodb(Dynamodb::Throttle));
        let drawn = schedule.draw(&[], |fault| fault == Fault::Management(Management::Gone));
        assert_eq!(drawn.len(), 1);
    }

    #[test]
    fn durations_lie_between_the_limits_of_ms() {
        let mut schedule = schedule(5, json!([{ "dynamodb": "latency", "ms": [10, 20] }]));
        let limits = Duration::from_millis(10)..=Duration::from_millis(20);
        let mut all: Vec<_> = (0..100).map(|_| put(&mut schedule)[0].after).collect();
        assert!(all.iter().all(|after| limits.contains(after)), "{all:?}");
        all.dedup();
        assert_eq!(all.len(), 100);
    }
}

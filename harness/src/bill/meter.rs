//! Adds up what is billed, in total and for each action.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::Usage;

/// The most different actions. Names are routes and functions, but the number of pushes of an action
/// is the client's choice.
const MOST_ACTIONS: usize = 2_000;

/// The sums since the start.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Sums>);

#[derive(Debug, Default)]
struct Sums {
    total: Usage,
    /// By the name of the action and its number of pushes.
    actions: BTreeMap<(String, u64), (u64, Usage)>,
}

/// Equal actions: the same name and the same number of pushes.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionUsage {
    /// The route, or what else began it.
    pub action: String,
    /// How many messages each of them posted.
    pub pushes: u64,
    /// How many there were.
    pub count: u64,
    /// What all of them used.
    pub usage: Usage,
}

impl Meter {
    /// Adds to the total.
    pub fn add(&self, usage: &Usage) {
        self.sums().total += *usage;
    }

    /// Adds a complete action, whose usage is in the total already.
    pub fn end_of_action(&self, name: &str, usage: &Usage) {
        if *usage == Usage::default() {
            return;
        }
        let mut sums = self.sums();
        let mut key = (name.to_owned(), usage.pushes);
        if sums.actions.len() >= MOST_ACTIONS && !sums.actions.contains_key(&key) {
            key = ("…".to_owned(), 0);
        }
        let (count, sum) = sums.actions.entry(key).or_default();
        *count += 1;
        *sum += *usage;
    }

    /// Returns the total.
    #[must_use]
    pub fn total(&self) -> Usage {
        self.sums().total
    }

    /// Returns the sums of the actions, by name and number of pushes.
    #[must_use]
    pub fn actions(&self) -> Vec<ActionUsage> {
        let sums = self.sums();
        let actions = sums.actions.iter();
        actions
            .map(|((action, pushes), (count, usage))| ActionUsage {
                action: action.clone(),
                pushes: *pushes,
                count: *count,
                usage: *usage,
            })
            .collect()
    }

    fn sums(&self) -> std::sync::MutexGuard<'_, Sums> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_told_apart_by_their_pushes_up_to_a_number() {
        let meter = Meter::default();
        for pushes in [1, 9, 9] {
            let usage = Usage {
                pushes,
                ..Usage::message_in(1)
            };
            meter.end_of_action("send", &usage);
        }
        let counts: Vec<_> = meter
            .actions()
            .iter()
            .map(|action| (action.pushes, action.count))
            .collect();
        assert_eq!(counts, [(1, 1), (9, 2)]);
        for pushes in 0..3_000 {
            let usage = Usage {
                pushes,
                ..Usage::message_in(1)
            };
            meter.end_of_action("flood", &usage);
        }
        assert_eq!(meter.actions().len(), MOST_ACTIONS + 1);
    }
}

//! A short run of what `cargo run --release -p simulation` does at length.

use std::{thread, time::Duration};

use checker::history::Record;
use simulation::{Item, Kind, Limits, Mutant, Parameters, run, run_all, shrink};

/// Seeds in which every kind of fault happens.
const SEEDS: u64 = 24;
/// Seeds among which one shows a mutant that shows soon.
const SOON: u64 = 60;

/// A run of which many can be had in a second.
fn short() -> Parameters {
    Parameters {
        messages: Some(150),
        seconds: Some(15),
        ..Parameters::default()
    }
}

#[test]
fn every_promise_is_kept_under_every_kind_of_fault() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    // An hour: what stops it is the number of seeds.
    let limits = Limits {
        broken: 1,
        time: Duration::from_hours(1),
    };
    let total = run_all(&Parameters::default(), 0..SEEDS, threads, limits);
    if let Some((parameters, outcome)) = total.broken.values().next() {
        panic!("{}: {:?}", parameters.options(), outcome.broken);
    }
    assert_eq!(total.runs, SEEDS);
    let counted = Kind::ALL.iter().zip(&total.faults);
    let missing: Vec<_> = counted.filter(|(_, count)| **count == 0).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
    // What the faults are there for.
    for what in [
        "changes that overlapped another of the same user",
        "duplicates that were recognised",
        "gaps that were repaired",
        "late puts that were stored",
        "messages sent by HTTP",
        "puts that found themselves",
        "puts that lost their place",
        "reads with a hole",
    ] {
        assert!(total.tally.contains_key(what), "there were no {what}");
    }
    assert!(total.counts.acknowledged > 200 * SEEDS as usize);
}

/// One test for each mutant that shows within a few seeds: which promise it breaks. The others are `torn_max`,
/// `check_before_read` and `no_ping`, which take some hundred seeds.
macro_rules! each_mutant_is_found_soon {
    ($($name:ident breaks $promise:literal;)*) => {
        $(#[test]
        fn $name() {
            let breaks = |seed| {
                let mutant = Some(Mutant::named(stringify!($name)).unwrap());
                let outcome = run(&Parameters { seed, mutant, ..short() }, false);
                outcome.broken.iter().any(|broken| broken.promise.starts_with($promise))
            };
            assert!((0..SOON).any(breaks), "no seed shows the mutant");
        })*
    };
}

each_mutant_is_found_soon! {
    no_condition breaks "acknowledged";
    after_unverified breaks "acknowledged";
    read_before_row breaks "told";
    subs_before_put breaks "told";
    own_item_is_foreign breaks "once";
    no_tail_check breaks "once";
    silent_duplicate breaks "told";
    small_window breaks "once";
    subs_only breaks "fence";
    no_fence breaks "fence";
    answer_before_row breaks "fence";
    stale_rows_stay breaks "rows";
    pushed_once breaks "pushed";
    position_head breaks "once";
    position_unseen breaks "order";
}

#[test]
fn a_run_comes_again_from_its_seed() {
    let parameters = Parameters {
        seed: 7,
        ..Parameters::default()
    };
    let (first, again) = (run(&parameters, true), run(&parameters, true));
    assert_eq!(first.history, again.history);
    assert_eq!(first.story, again.story);
    let other = run(
        &Parameters {
            seed: 8,
            ..parameters
        },
        false,
    );
    assert_ne!(first.history, other.history);
}

#[test]
fn without_deeds_and_faults_nothing_happens() {
    let parameters = Parameters {
        only: Some([Item(0)].into()),
        ..Parameters::default()
    };
    let outcome = run(&parameters, false);
    assert_eq!(outcome.broken, []);
    assert!(
        outcome
            .history
            .iter()
            .all(|record| matches!(record, Record::Seed { .. } | Record::Log { .. })),
        "{:?}",
        outcome.history
    );
}

#[test]
fn what_does_not_matter_is_left_out_of_a_story() {
    let mutant = Mutant::named("own_item_is_foreign").unwrap();
    let parameters = Parameters {
        mutant: Some(mutant),
        ..short()
    };
    let mut seeds = (0..SOON).map(|seed| Parameters {
        seed,
        ..parameters.clone()
    });
    let (parameters, outcome) = seeds
        .find_map(|parameters| {
            let outcome = run(&parameters, false);
            (!outcome.broken.is_empty()).then_some((parameters, outcome))
        })
        .unwrap();
    let shrunk = shrink(&parameters, &outcome, Duration::from_hours(1)).unwrap();
    let promise = &outcome.broken[0].promise;
    let broken = &shrunk.outcome.broken;
    assert!(broken.iter().any(|broken| broken.promise == *promise));
    let (before, now) = shrunk.items;
    assert!(now * 10 < before, "{now} of {before}");
    assert_eq!(run(&shrunk.parameters, true).story, shrunk.outcome.story);
}

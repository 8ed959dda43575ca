//! Short versions of the runs of `cargo run --release -p simulation`.

use std::{thread, time::Duration};

use checker::history::Record;
use simulation::{Item, Kind, Limits, Mutant, Parameters, run, run_all, shrink};

/// The number of seeds in which every kind of fault is injected.
const SEEDS: u64 = 24;
/// The number of seeds within which each mutant below is found.
const EARLY: u64 = 100;

/// Parameters of a run that takes a few milliseconds.
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
    // The number of seeds ends the batch, not the time.
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
    assert!(missing.is_empty(), "never injected: {missing:?}");
    // The situations that the faults must cause.
    for what in [
        "changes that overlapped another of the same user",
        "duplicates that were recognised",
        "frames beyond their user's rate",
        "gaps that were repaired",
        "late puts that were stored",
        "messages sent over HTTP",
        "late receipts that were stored",
        "positions that were ahead of the server's",
        "presences that were hidden",
        "presences that were seen",
        "connections that were replaced because their token ended",
        "participants that were removed with many",
        "puts that met their own entry",
        "puts that lost their position",
        "reads with a hole",
        "receipts of users who are not participants",
        "receipts with nothing new",
        "changes of a message at the same moment",
        "clicks on reactions",
        "pages of history with reactions",
        "reactions that were so already",
        "subscriptions to many conversations",
        "typing that was shown",
    ] {
        assert!(total.tally.contains_key(what), "no {what}");
    }
    assert!(total.counts.acknowledged > 200 * SEEDS as usize);
}

/// Generates a test for each mutant that is found within a few seeds, with the promise that it
/// breaks. The other mutants are `torn_max`, `check_before_read`, `no_fence_of_edits`,
/// `no_fence_of_reactions`, `state_without_seq` and `no_ping`, which take up to some hundred seeds.
macro_rules! each_mutant_is_found_early {
    ($($name:ident breaks $promise:literal;)*) => {
        $(#[test]
        fn $name() {
            let breaks = |seed| {
                let mutant = Some(Mutant::named(stringify!($name)).unwrap());
                let outcome = run(&Parameters { seed, mutant, ..short() }, false);
                outcome.broken.iter().any(|broken| broken.promise.starts_with($promise))
            };
            assert!((0..EARLY).any(breaks), "no seed finds the mutant");
        })*
    };
}

each_mutant_is_found_early! {
    no_condition breaks "acknowledged";
    after_unverified breaks "acknowledged";
    read_before_row breaks "notified";
    subs_before_put breaks "notified";
    own_item_is_foreign breaks "once";
    no_tail_check breaks "once";
    silent_duplicate breaks "notified";
    small_window breaks "once";
    stale_counter breaks "counted";
    outsider_signals breaks "signals";
    watched_by_strangers breaks "presence";
    hidden_see_others breaks "presence";
    away_for_all breaks "presence";
    receipt_unproven breaks "read";
    receipt_backward breaks "read";
    private_shown breaks "read";
    subs_only breaks "fence";
    no_fence breaks "fence";
    no_fence_of_targets breaks "fold";
    doubled_reaction breaks "fold";
    edit_revives breaks "fold";
    answer_before_row breaks "fence";
    stale_rows_stay breaks "rows";
    first_page_only breaks "notified";
    pushed_once breaks "pushed";
    rows_outlive_token breaks "expired";
    position_head breaks "once";
    position_unseen breaks "order";
}

#[test]
fn a_seed_repeats_its_run() {
    let parameters = Parameters {
        seed: 7,
        ..Parameters::default()
    };
    let (first, again) = (run(&parameters, true), run(&parameters, true));
    assert_eq!(first.history, again.history);
    assert_eq!(first.trace, again.trace);
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
fn a_run_without_actions_and_faults_is_empty() {
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
fn shrinking_leaves_out_actions_and_faults_that_do_not_matter() {
    let mutant = Mutant::named("own_item_is_foreign").unwrap();
    let parameters = Parameters {
        mutant: Some(mutant),
        ..short()
    };
    let mut seeds = (0..EARLY).map(|seed| Parameters {
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
    assert_eq!(run(&shrunk.parameters, true).trace, shrunk.outcome.trace);
}

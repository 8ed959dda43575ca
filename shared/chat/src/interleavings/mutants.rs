//! Without a mutant, every promise is kept. Each mutant breaks the promise that the model names.

use super::{
    scenarios::{ALL, Scenario},
    world::Promise,
};
use crate::mutant::{Mutant, with_mutant};

/// Seeds per scenario.
const SEEDS: u64 = 1_000;
/// Seeds among which one must show the mutant. Most mutants need fewer than 100.
const ENOUGH_SEEDS: u64 = 20_000;

#[test]
fn every_promise_is_kept_with_every_seed() {
    for scenario in ALL {
        for seed in 0..SEEDS {
            let broken = with_mutant(None, || scenario.run(seed));
            assert_eq!(broken, [], "{scenario:?} with seed {seed}");
        }
    }
}

/// Defines a test for each mutant: the promise that it breaks, and the scenario.
macro_rules! each_mutant_is_found {
    ($($name:ident: $mutant:ident breaks $promise:ident in $scenario:ident;)*) => {
        $(#[test]
        fn $name() {
            let breaks = |seed| {
                let broken = with_mutant(Some(Mutant::$mutant), || Scenario::$scenario.run(seed));
                broken.contains(&Promise::$promise)
            };
            let found = (0..ENOUGH_SEEDS).find(|seed| breaks(*seed));
            assert!(found.is_some(), "no seed shows the mutant");
        })*
    };
}

each_mutant_is_found! {
    no_condition: NoCondition breaks Acked in Retries;
    after_unverified: AfterUnverified breaks Dense in InventedAfter;
    read_before_row: ReadBeforeRow breaks Seen in RetriesAndSubscribe;
    subs_before_put: SubsBeforePut breaks Seen in RetriesAndSubscribe;
    own_item_is_foreign: OwnItemIsForeign breaks Once in Retries;
    no_tail_check: NoTailCheck breaks Once in Retries;
    silent_duplicate: SilentDuplicate breaks Seen in RetriesAndSubscribe;
    torn_max: TornMax breaks Once in Crowd;
    small_window: SmallWindow breaks Once in NoAfter;
    stale_counter: StaleCounter breaks Count in Crowd;
    subs_only: SubsOnly breaks Fence in Removal;
    no_fence: NoFence breaks Fence in Removal;
    no_fence_of_edits: NoFenceOfEdits breaks Fence in RemovalAndEdit;
    no_fence_of_reactions: NoFenceOfReactions breaks Fence in RemovalAndReact;
    no_fence_of_targets: NoFenceOfTargets breaks Living in ReactAndDelete;
    doubled_reaction: DoubledReaction breaks Fold in Reactions;
    reaction_in_two_writes: ReactionInTwoWrites breaks Fold in Reactions;
    edit_revives: EditRevives breaks Fold in EditAndDelete;
    edit_in_two_writes: EditInTwoWrites breaks Fold in Edits;
    half_fill: HalfFill breaks Picture in EditAndDelete;
    check_before_read: CheckBeforeRead breaks Fence in RemovalAndHistory;
    answer_before_row: AnswerBeforeRow breaks Fence in Removal;
    row_then_entry: RowThenEntry breaks Agree in RemovalAndAdding;
}

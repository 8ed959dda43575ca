//! Mutants: safeguards that a test can take out, to show that each of them is needed.
//!
//! A safeguard asks [`mutant!`](mutant) whether it is taken out. Only this crate's tests and the
//! feature `mutants`, which only the simulation enables, can activate a mutant, and only within one
//! thread. Everywhere else `mutant!` is the constant `false`. A release build of a function does
//! not compile with the feature (see `chat_aws`), and a test in `architecture` checks that no
//! function enables it.

/// A safeguard that can be taken out. The names are those of `model/model.py` where the model has
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A put replaces the entry that is there. Implemented by the fake store; the contract checks
    /// that other stores put conditionally.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store implements it")
    )]
    NoCondition,
    /// `after` is trusted: nothing proves that it is a position of the log.
    AfterUnverified,
    /// `subscribe` reads the entries before it writes its row.
    ReadBeforeRow,
    /// `sendMessage` reads the recipients before it puts the entry.
    SubsBeforePut,
    /// The entry that took the position is not compared with the draft, so a writer does not
    /// recognize an entry of its own that a repeated put left there.
    OwnItemIsForeign,
    /// The first read provides the head only: repetitions are noticed by the put alone.
    NoTailCheck,
    /// A repetition is acknowledged but not pushed again.
    SilentDuplicate,
    /// The head is the newest position of a read, even if the read has a hole.
    TornMax,
    /// The page that is read if `after` is missing is too small.
    SmallWindow,
    /// A writer that lost its position counts messages from the entry that it read first.
    StaleCounter,
    /// Entries are pushed to every subscriber, participant or not.
    SubsOnly,
    /// A writer does not look for its user's removal in the entries that it reads.
    NoFence,
    /// A writer of an edit or a deletion does not look for its user's removal.
    NoFenceOfEdits,
    /// A writer of a reaction does not look for its user's removal.
    NoFenceOfReactions,
    /// A writer of a reaction does not look for the deletion of the message.
    NoFenceOfTargets,
    /// A reaction is stored although it exists. Implemented by the fake store; the contract detects
    /// it in other stores.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store implements it")
    )]
    DoubledReaction,
    /// The entry and the row of a reaction are written one after the other. Implemented by the fake
    /// store; the contract detects it in other stores.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store implements it")
    )]
    ReactionInTwoWrites,
    /// A writer that lost its position does not count the emoji that others have used since.
    EmojiUncounted,
    /// An edit is stored although its message is deleted. Implemented by the fake store; the
    /// contract detects it in other stores.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store implements it")
    )]
    EditRevives,
    /// The entry of an edit and the message are written one after the other. Implemented by the
    /// fake store; the contract detects it in other stores.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store implements it")
    )]
    EditInTwoWrites,
    /// A reader takes a message that does not show its edit yet for one that was edited later.
    HalfFill,
    /// A reader's participation is checked before the read, but not after it.
    CheckBeforeRead,
    /// A removal is answered while the participant's row still exists. Implemented by the fake
    /// store.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store implements it")
    )]
    AnswerBeforeRow,
    /// The row and the entry of a change of participants are written one after the other.
    /// Implemented by the fake store; the contract detects it in other stores.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store implements it")
    )]
    RowThenEntry,
    /// What a user who is not a participant types or has read is pushed. Not in the model.
    OutsiderSignals,
    /// The presence of participants is shown to users who are not. Not in the model.
    WatchedByStrangers,
    /// The presence of a participant is shown before they have done anything in the conversation.
    /// Not in the model.
    SeenUnasked,
    /// A user who hides sees the presence of others. Not in the model.
    HiddenSeeOthers,
    /// A page that is hidden switches off the presence of another device. Implemented by the fake
    /// store; the contract checks that other stores update conditionally.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store implements it")
    )]
    AwayForAll,
    /// A position that a participant claims to have read is not looked up in the log. Not in the
    /// model, which has no positions of participants.
    ReceiptUnproven,
    /// A receipt replaces a newer position. Implemented by the fake store; the contract checks that
    /// other stores update conditionally.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store implements it")
    )]
    ReceiptBackward,
    /// A private receipt is shown to others.
    PrivateShown,
    /// The rows of a closed connection are kept. Not in the model, which has no connections.
    StaleRowsStay,
    /// Only the first page of a roster is pushed to. Not in the model, whose rosters have one page.
    FirstPageOnly,
    /// A push is given up when the gateway is busy. Not in the model, which has no connections.
    PushedOnce,
    /// The rows of a connection do not expire with its token. Not in the model, which has no
    /// tokens.
    RowsOutliveToken,
}

#[cfg(feature = "mutants")]
impl Mutant {
    /// The mutants that the simulation can activate. `RowThenEntry` is missing, because it needs
    /// concurrent changes of one participant; `EditInTwoWrites`, `ReactionInTwoWrites` and
    /// `HalfFill`, because in the simulation every call takes effect at once; `EmojiUncounted`,
    /// because no client of the simulation uses more emoji than a message may have; `SeenUnasked`,
    /// because its observer does not know who has shown that they have read something.
    pub const ALL: [Self; 30] = [
        Self::NoCondition,
        Self::AfterUnverified,
        Self::ReadBeforeRow,
        Self::SubsBeforePut,
        Self::OwnItemIsForeign,
        Self::NoTailCheck,
        Self::SilentDuplicate,
        Self::TornMax,
        Self::SmallWindow,
        Self::StaleCounter,
        Self::SubsOnly,
        Self::NoFence,
        Self::NoFenceOfEdits,
        Self::NoFenceOfReactions,
        Self::NoFenceOfTargets,
        Self::DoubledReaction,
        Self::EditRevives,
        Self::CheckBeforeRead,
        Self::AnswerBeforeRow,
        Self::OutsiderSignals,
        Self::WatchedByStrangers,
        Self::HiddenSeeOthers,
        Self::AwayForAll,
        Self::ReceiptUnproven,
        Self::ReceiptBackward,
        Self::PrivateShown,
        Self::StaleRowsStay,
        Self::FirstPageOnly,
        Self::PushedOnce,
        Self::RowsOutliveToken,
    ];

    /// The name in `snake_case`, as in the model.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoCondition => "no_condition",
            Self::AfterUnverified => "after_unverified",
            Self::ReadBeforeRow => "read_before_row",
            Self::SubsBeforePut => "subs_before_put",
            Self::OwnItemIsForeign => "own_item_is_foreign",
            Self::NoTailCheck => "no_tail_check",
            Self::SilentDuplicate => "silent_duplicate",
            Self::TornMax => "torn_max",
            Self::SmallWindow => "small_window",
            Self::StaleCounter => "stale_counter",
            Self::SubsOnly => "subs_only",
            Self::NoFence => "no_fence",
            Self::NoFenceOfEdits => "no_fence_of_edits",
            Self::NoFenceOfReactions => "no_fence_of_reactions",
            Self::NoFenceOfTargets => "no_fence_of_targets",
            Self::DoubledReaction => "doubled_reaction",
            Self::ReactionInTwoWrites => "reaction_in_two_writes",
            Self::EmojiUncounted => "emoji_uncounted",
            Self::EditRevives => "edit_revives",
            Self::EditInTwoWrites => "edit_in_two_writes",
            Self::HalfFill => "half_fill",
            Self::CheckBeforeRead => "check_before_read",
            Self::AnswerBeforeRow => "answer_before_row",
            Self::RowThenEntry => "row_then_entry",
            Self::OutsiderSignals => "outsider_signals",
            Self::WatchedByStrangers => "watched_by_strangers",
            Self::SeenUnasked => "seen_unasked",
            Self::HiddenSeeOthers => "hidden_see_others",
            Self::AwayForAll => "away_for_all",
            Self::ReceiptUnproven => "receipt_unproven",
            Self::ReceiptBackward => "receipt_backward",
            Self::PrivateShown => "private_shown",
            Self::StaleRowsStay => "stale_rows_stay",
            Self::FirstPageOnly => "first_page_only",
            Self::PushedOnce => "pushed_once",
            Self::RowsOutliveToken => "rows_outlive_token",
        }
    }
}

/// Returns whether the named mutant is active: `mutant!(NoFence)`.
macro_rules! mutant {
    ($name:ident) => {
        $crate::mutant::is_active($crate::mutant::Mutant::$name)
    };
}
pub(crate) use mutant;

/// Returns whether `mutant` is active: never in this build.
#[cfg(not(any(test, feature = "mutants")))]
pub const fn is_active(_mutant: Mutant) -> bool {
    false
}

#[cfg(any(test, feature = "mutants"))]
pub use switch::{is_active, with_mutant};

#[cfg(any(test, feature = "mutants"))]
mod switch {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Returns whether `mutant` is active in this thread.
    pub fn is_active(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }

    /// Runs `run` with `mutant` active in this thread; `None` activates no mutant.
    pub fn with_mutant<T>(mutant: Option<Mutant>, run: impl FnOnce() -> T) -> T {
        struct Restore(Option<Mutant>);
        impl Drop for Restore {
            fn drop(&mut self) {
                ACTIVE.set(self.0);
            }
        }
        // Restored also if a test that finds the mutant panics.
        let _restore = Restore(ACTIVE.replace(mutant));
        run()
    }
}

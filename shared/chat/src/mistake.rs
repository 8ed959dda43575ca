//! Mistakes that somebody could make here, for a test that each of them would be found.
//!
//! A place where one could be made asks [`made`]. Only this crate's tests and the feature `mistakes`, which only the
//! simulation asks for, can switch one on, within one thread: everywhere else the answer is the constant `false`. A
//! release build of a function does not compile with that feature (`chat_aws`), and a test in `architecture` holds that
//! no function asks for it.

/// A mistake, by its name in `model/model.py` as far as the model has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// A put replaces what is there. It is the fake store that makes it here; that the table's put has its condition is
    /// found by the contract.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store asks for it")
    )]
    NoCondition,
    /// `after` is believed: nothing proves that it is a position.
    AfterUnverified,
    /// Subscribing reads the events before it writes its row.
    ReadBeforeRow,
    /// Sending reads the recipients before it puts the event.
    SubsBeforePut,
    /// The entry that won a place is not compared with one's own, which a put repeated below has left there.
    OwnItemIsForeign,
    /// What is read at first tells the head only: duplicates are looked for at the put alone.
    NoTailCheck,
    /// A duplicate is acknowledged without being told again.
    SilentDuplicate,
    /// The head is the newest position of a read, though the read has a hole.
    TornMax,
    /// The page that stands for a missing `after` is too small.
    SmallWindow,
    /// Whoever has a subscription is told, whether or not he takes part.
    SubsOnly,
    /// Nobody looks for his own removal in what he reads.
    NoFence,
    /// A reader is checked before he reads instead of afterwards.
    CheckBeforeRead,
    /// A removal is answered while the participant's row is there. The fake store makes it.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store asks for it")
    )]
    AnswerBeforeRow,
    /// Row and entry of a change of participants are written one after the other. The fake store makes it, and the
    /// contract finds it in any other.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only the fake store asks for it")
    )]
    RowThenEntry,
    /// The rows of a connection that is gone are left. Not in the model, which has no connections.
    StaleRowsStay,
    /// A push that the gateway was too busy for is given up. Not in the model either.
    PushedOnce,
}

#[cfg(feature = "mistakes")]
impl Mistake {
    /// All that the simulation can make, which has one person change the participation of one user.
    pub const ALL: [Self; 15] = [
        Self::NoCondition,
        Self::AfterUnverified,
        Self::ReadBeforeRow,
        Self::SubsBeforePut,
        Self::OwnItemIsForeign,
        Self::NoTailCheck,
        Self::SilentDuplicate,
        Self::TornMax,
        Self::SmallWindow,
        Self::SubsOnly,
        Self::NoFence,
        Self::CheckBeforeRead,
        Self::AnswerBeforeRow,
        Self::StaleRowsStay,
        Self::PushedOnce,
    ];

    /// Its name.
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
            Self::SubsOnly => "subs_only",
            Self::NoFence => "no_fence",
            Self::CheckBeforeRead => "check_before_read",
            Self::AnswerBeforeRow => "answer_before_row",
            Self::RowThenEntry => "row_then_entry",
            Self::StaleRowsStay => "stale_rows_stay",
            Self::PushedOnce => "pushed_once",
        }
    }
}

/// Whether this mistake is being made.
#[cfg(not(any(test, feature = "mistakes")))]
pub const fn made(_: Mistake) -> bool {
    false
}

#[cfg(any(test, feature = "mistakes"))]
pub use switch::{made, making};

#[cfg(any(test, feature = "mistakes"))]
mod switch {
    use std::cell::Cell;

    use super::Mistake;

    thread_local! {
        static MADE: Cell<Option<Mistake>> = const { Cell::new(None) };
    }

    /// Whether this mistake is being made.
    pub fn made(mistake: Mistake) -> bool {
        MADE.get() == Some(mistake)
    }

    /// Makes a mistake, or none, as long as `run` takes.
    pub fn making<T>(mistake: Option<Mistake>, run: impl FnOnce() -> T) -> T {
        let before = MADE.replace(mistake);
        let result = run();
        MADE.set(before);
        result
    }
}

//! Mistakes that somebody could make here, for a test that each of them would be found.
//!
//! They are those of the model that are the server's to make. A place where one could be made asks [`made`]. Only the
//! tests of this crate can switch one on, within one thread: everywhere else the answer is the constant `false`, and no
//! feature changes that, so no function that is built for anybody can contain one.

/// A mistake, by its name in `model/model.py`.
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
    /// The entry that won a place is not compared with one's own.
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
}

/// Whether this mistake is being made.
#[cfg(not(test))]
pub const fn made(_: Mistake) -> bool {
    false
}

#[cfg(test)]
pub use switch::{made, making};

#[cfg(test)]
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

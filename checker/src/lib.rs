//! Checks a recorded history of chats against the guarantees of `docs/design.md`.
//!
//! A [`history`] is what one observer recorded, in order. [`judge`] returns every broken
//! [`Promise`] with the records that show it. This crate knows the words of the protocol, but does
//! not depend on the code that it checks.

mod changes;
mod evidence;
pub mod history;
mod promises;
mod verdict;

pub use evidence::MissingLog;
pub use promises::judge;
pub use verdict::{Counts, Promise, Verdict, Violation};

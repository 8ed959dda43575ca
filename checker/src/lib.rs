//! Judges what was seen of some chats: whether the guarantees of `docs/design.md` held.
//!
//! A [`history`] is what one observer recorded, in order. [`judge`] looks for broken [`Promise`]s in it, and tells each
//! with the lines that matter. It knows the protocol's words and none of the code that is judged.

mod changes;
mod evidence;
pub mod history;
mod promises;
mod verdict;

pub use evidence::MissingLog;
pub use promises::judge;
pub use verdict::{Counts, Promise, Verdict, Violation};

//! The log of a conversation: append-only and dense. It is also the conversation's lock.
//!
//! A put at position n + 1 succeeds only for a writer that has read everything up to n. So the log
//! has no holes, and a request is not stored again after the position from which its writer read,
//! however attempts interleave. `docs/design.md` describes the algorithm; it is model-checked.

mod append;
mod read;
mod texts;

pub use append::{Appended, append, change, react, revise};
pub use read::{Tail, head, near_tail, newest, newest_tail, read_after, rest_of_tail};
pub use texts::with_texts;

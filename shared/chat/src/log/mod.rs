//! The log of a conversation: append-only, dense, its own lock.
//!
//! A put at n + 1 succeeds only for a writer that has read everything up to n, so the log has no holes and a request
//! cannot be stored twice past the position from which its writer read, however attempts interleave. `docs/design.md`
//! tells the whole algorithm; it has been model-checked.

mod append;
mod read;

pub use append::{append, change};
pub use read::{Tail, head, read_after, tail};

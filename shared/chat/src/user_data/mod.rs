//! The data of one user: its export and its erasure. Operators run both; no client can.
//!
//! Both read the whole store, because a user who has left a conversation is found nowhere else. They
//! do it in steps of bounded time. A step returns the [`Place`](crate::ports::Place) from which the
//! next one goes on, and the caller may be interrupted at any time.

mod erase;
mod export;
#[cfg(test)]
mod tests;

pub use erase::{ERASER, Erased, erase};
pub use export::{Export, export};

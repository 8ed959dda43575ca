//! The authorizer as the gateway sees it: events in, answers out, against an issuer of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy recognizes tests, but not the functions that they share"
)]

mod answers;
mod configuration;
mod issuer;
mod keys;
mod tokens;

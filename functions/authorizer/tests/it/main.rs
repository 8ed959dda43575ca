//! The authorizer as the gateway sees it: events in, responses out, with a local issuer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy exempts tests, but not the functions that they share"
)]

mod configuration;
mod issuer;
mod keys;
mod responses;
mod tokens;

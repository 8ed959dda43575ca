//! The harness from outside, one binary: real processes, real sockets.

// Clippy's permission for tests covers test functions, not what they share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows them in test functions only, and here everything is a test"
)]

mod dynamodb;
mod executables;
mod gateway;
mod gateway_closing;
mod gateway_handshakes;
mod gateway_http;
mod gateway_http_access;
mod gateway_management;
mod gateway_messages;
mod identity;
mod lambda;
mod template;

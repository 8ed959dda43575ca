//! The harness from outside, one binary: real processes, real sockets.

// Clippy's permission for tests covers test functions, not what they share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
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

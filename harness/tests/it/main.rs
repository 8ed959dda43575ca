//! The harness from outside: real processes, real sockets.

mod dynamodb;
mod lambda;
//! The harness's integration tests, one binary.

// Clippy's permission for tests covers test functions, not what they share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod gateway;
mod gateway_closing;
mod gateway_http;
mod gateway_management;
mod gateway_websocket;
mod identity;

//! The harness from outside: real processes, real sockets.

mod dynamodb;
mod lambda;
//! The harness's integration tests, one binary.

mod gateway;
mod gateway_closing;
mod gateway_http;
mod gateway_management;
mod gateway_websocket;
mod identity;

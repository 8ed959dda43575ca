//! The harness from outside: real processes, real sockets.

mod dynamodb;
mod lambda;

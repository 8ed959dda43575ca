//! The chat itself: conversations, their logs, who may do what, who is told.
//!
//! This crate knows no AWS, no HTTP and no runtime. What it needs of the world are the [`ports`]; what it offers are the
//! [`routes`], each of which reads *parse ▶ authorize ▶ store ▶ fan out ▶ reply*.

mod access;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
pub mod domain;
pub mod error;
#[cfg(any(test, feature = "testing"))]
pub mod fakes;
mod fan_out;
pub mod fields;
#[cfg(test)]
mod interleavings;
mod log;
#[cfg(not(feature = "mutants"))]
mod mutant;
#[cfg(feature = "mutants")]
pub mod mutant;
pub mod ports;
pub mod request;
pub mod routes;
pub mod time_limit;
pub mod websocket;
pub mod wire;

/// Whether this build can be made to make mutants: whatever is deployed refuses to be built with one that can.
pub const HAS_MUTANTS: bool = cfg!(feature = "mutants");

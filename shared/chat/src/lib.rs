//! The chat itself: conversations, logs, permissions and fan-out.
//!
//! This crate depends on no AWS service, no HTTP library and no runtime. It needs the [`ports`] and
//! provides the [`routes`], each of which reads *parse ▶ authorize ▶ store ▶ fan out ▶ reply*.

mod access;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod description;
pub mod domain;
pub mod error;
#[cfg(any(test, feature = "testing"))]
pub mod fakes;
mod fan_out;
pub mod fields;
pub mod frame;
#[cfg(test)]
mod interleavings;

mod limit;
mod log;
mod message_change;
mod missed;
#[cfg(not(feature = "mutants"))]
mod mutant;
#[cfg(feature = "mutants")]
pub mod mutant;
mod page_reactions;
mod participant_change;
pub mod ports;
pub mod rate_limit;
mod reads;
pub mod request;
pub mod routes;
pub mod time_limit;
pub mod user_data;
pub mod websocket;
pub mod wire;

/// Whether this build can activate mutants. A release build of a function fails to compile if it
/// can.
pub const HAS_MUTANTS: bool = cfg!(feature = "mutants");

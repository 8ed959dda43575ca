//! The chat itself: conversations, their logs, who may do what, who is told.
//!
//! This crate knows no AWS, no HTTP and no runtime. What it needs of the world are the [`ports`]; what it offers are the
//! [`routes`], each of which reads *parse ▶ authorize ▶ store ▶ fan out ▶ reply*.

mod access;
pub mod domain;
pub mod failure;
#[cfg(any(test, feature = "fakes"))]
pub mod fakes;
mod fan_out;
pub mod fields;
mod log;
pub mod ports;
pub mod request;
pub mod routes;
pub mod websocket;
pub mod wire;

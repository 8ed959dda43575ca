//! What Amazon API Gateway does for the two APIs of a template: [`websocket`] with its management API, and [`http`].
//!
//! Functions are reached only through [`crate::invoke::Invoke`]. What the gateway leaves out: throttling, API keys,
//! models, VTL templates and the verification of signatures.

pub mod clock;
pub mod http;
pub mod loopback;
pub mod server;
pub mod websocket;

mod ids;
mod integration;
mod moment;

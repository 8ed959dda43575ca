//! Amazon API Gateway for the two APIs of a template: [`websocket`] with its management API, and
//! [`http`].
//!
//! It reaches functions only through [`crate::invoke::Invoke`]. Deliberately left out: API keys,
//! models, VTL templates.

pub mod clock;
pub mod http;
pub mod websocket;

mod ids;
mod integration;
mod moment;
mod throttle;

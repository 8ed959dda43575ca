//! The AWS adapters of the core: events of API Gateway, storage in DynamoDB, and pushes through the
//! management API.
//!
//! A function's `main` names its routes and its ports; everything else is in this crate. The code
//! does not know whether it runs on AWS or locally: endpoints come from the environment.

mod call_error;
mod chance;
mod clock;
mod configuration;
pub mod dynamo;
mod elapsed;
mod gateway;
mod identity;
mod metrics;
mod ports;
pub mod rest;
pub mod user_data;
pub mod websocket;

// A release build must not contain the simulation's mutants. In a development build of the whole
// workspace, cargo unifies the features of all packages; no code enables a mutant there.
const _: () = assert!(
    cfg!(debug_assertions) || !chat::HAS_MUTANTS,
    "chat is built with the feature `mutants`, which is only for the simulation"
);

pub use chance::Chance;
pub use clock::SystemClock;
pub use configuration::{InvalidVariable, MissingVariable};
pub use gateway::Gateway;
pub use lambda_http::Error;
pub use metrics::{Counted, Counters};
pub use ports::{NoGateway, Ports};

//! Everything AWS: events in the shapes of API Gateway on one side of the core, DynamoDB and the management API on the
//! other.
//!
//! A function's `main` names its routes and its ports; all else is here. Nothing here knows whether it runs on AWS or
//! against a local stand-in: endpoints come from the environment.

mod chance;
mod clock;
mod configuration;
mod duration;
pub mod dynamo;
mod fault;
mod gateway;
mod identity;
mod ports;
pub mod rest;
pub mod websocket;

// What is deployed cannot make the mutants that the simulation makes. In a development build of the whole workspace
// cargo gives every package the features that any of them asks for; there nothing switches a mutant on.
const _: () = assert!(
    cfg!(debug_assertions) || !chat::HAS_MUTANTS,
    "chat is built with the feature `mutants`, which is for the simulation alone"
);

pub use chance::Chance;
pub use clock::SystemClock;
pub use configuration::MissingVariable;
pub use gateway::Gateway;
pub use lambda_http::Error;
pub use ports::{NoGateway, Ports};

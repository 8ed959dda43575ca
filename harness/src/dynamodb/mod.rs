//! DynamoDB: an engine that keeps the items, a door in front of it that sees every call, and the template's tables.

mod amazon;
mod artifacts;
mod door;
mod embedded;
mod engine;
mod ledger;
mod tables;

pub use door::{Door, DoorError};
pub use engine::{Choice, Engine, EngineError, UnknownChoice};
pub use ledger::{Ledger, Operation, Tally};
pub use tables::{TableError, create_tables};

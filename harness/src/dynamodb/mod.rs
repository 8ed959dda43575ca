//! DynamoDB: an engine that keeps the items, a proxy in front of it that sees every call, and the template's tables.

mod amazon;
mod artifacts;
mod embedded;
mod engine;
mod error;
mod ledger;
mod proxy;
mod tables;

pub use engine::{Choice, Engine, UnknownChoice};
pub use error::EngineError;
pub use ledger::{Ledger, Operation, Tally};
pub use proxy::{Proxy, ProxyError};
pub use tables::{TableError, create_tables};

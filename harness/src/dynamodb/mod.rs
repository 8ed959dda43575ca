//! DynamoDB: an engine that keeps the items, a proxy that sees every call, and the template's
//! tables.

mod amazon;
mod answer;
mod artifacts;
mod backend;
mod browser;
mod capacity;
mod embedded;
mod engine;
mod error;
mod keys;
mod ledger;
mod metering;
mod proxy;
mod streams;
mod tables;

pub use browser::Browser;
pub use engine::{Choice, Engine, UnknownChoice};
pub use error::EngineError;
pub use ledger::{Ledger, Operation, Tally};
pub use proxy::Proxy;
pub(crate) use streams::{ReadFrom, first_shards};
pub use streams::{StreamError, Streams};
pub use tables::{TableError, create_tables};

//! DynamoDB: an engine that keeps the items, a door in front of it that sees every call, and the template's tables.

mod amazon;
mod artifacts;
mod caller;
mod door;
mod embedded;
mod engine;
mod ledger;
mod tables;

pub use caller::Caller;
pub use door::{Door, DoorError};
pub use engine::{Choice, Engine, EngineError, UnknownChoice};
pub use ledger::{Ledger, Operation, Tally};
pub use tables::{TableError, create_tables};

/// The access key id of a local administrator, for AWS clients and for the harness itself. Letters and digits, as
/// DynamoDB Local wants.
pub const ADMIN_ACCESS_KEY_ID: &str = "AKIALOCALADMIN";
/// Its secret, which protects nothing: no engine verifies signatures.
pub const ADMIN_SECRET_ACCESS_KEY: &str = "localadministrator";

//! The ports: what the chat needs, one trait per capability.
//!
//! Every rule with MUST is the name of a test of the contract (module `contract`), which runs on
//! each implementation: in memory, on the embedded engine and on DynamoDB Local.
//!
//! Reads are strongly consistent unless stated otherwise. They are not snapshots: a read may see a
//! part of what is stored while it runs. Methods fail with an [`InternalError`] only after bounded
//! retries.

mod connections;
mod log;
mod outbound;
mod participants;
mod presences;
mod reactions;
mod receipts;
mod subscriptions;
mod traces;

use std::{future::Future, time::Duration};

use crate::domain::Timestamp;

pub use connections::Connections;
pub use log::{Log, MOST_POSITIONS, Page, Put};
pub use outbound::{Fact, Outbound, PushError};
pub use participants::{ConversationPage, ParticipantPage, Participants};
pub use presences::{Presence, Presences};
pub use reactions::{MOST_REACTIONS, ReactionPage, ReactionRange, Reactions, Standing};
pub use receipts::{Advanced, Receipt, Receipts};
pub use subscriptions::{MOST_SUBSCRIPTIONS, Roster, RosterPage, Subscriptions};
pub use traces::{Own, Place, Trace, TracePage, Traces};

/// Settings of a deployment.
pub trait Settings {
    /// Returns how long after it was sent a message may be edited.
    fn edit_window(&self) -> Duration;
}

/// Time.
pub trait Clock {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Waits for `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Randomness.
pub trait Random {
    /// Returns a uniformly distributed number below `bound`, or 0 if `bound` is 0.
    fn below(&self, bound: u64) -> u64;

    /// Returns a new UUID.
    fn fresh_id(&self) -> String;
}

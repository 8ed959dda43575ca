//! The real routes of the chat, with many clients, in a world in which time, order and everything that can go wrong
//! hang on a seed; judged by the checker. See README.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "nothing here is on a request path: a simulation that is wrong itself should stop"
)]

mod batch;
mod changes;
mod client;
mod faults;
mod functions;
mod gateway;
mod mutants;
mod observer;
mod parameters;
mod plan;
mod ports;
pub mod report;
mod run;
mod shrink;
mod stage;
mod tasks;

pub use batch::{Limits, Total, run_all};
pub use faults::{Happened, Item, Kind};
pub use mutants::{ClientMutant, Mutant};
pub use parameters::Parameters;
pub use run::{Broken, Outcome, run, running};
pub use shrink::{Shrunk, shrink};

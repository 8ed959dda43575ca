//! Runs the real routes of the chat with many clients. A seed determines time, order and faults.
//! The checker judges each run. See README.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "no code here is on a request path, and a broken simulation should stop"
)]

mod batch;
mod changes;
mod client;
mod connections;
mod faults;
mod functions;
mod gateway;
mod mutants;
mod network;
mod observer;
mod parameters;
mod plan;
mod ports;
mod promises;
pub mod report;
mod run;
mod shrink;
mod tasks;
mod world;

pub use batch::{Limits, Total, run_all};
pub use faults::{Item, Kind, Occurrences};
pub use mutants::{ClientMutant, Mutant};
pub use parameters::Parameters;
pub use promises::Broken;
pub use run::{Outcome, run, running};
pub use shrink::{Shrunk, shrink};

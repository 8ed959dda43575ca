//! The adapters, each against something that answers as AWS does.
//!
//! `contract` is written against the ports alone: whatever implements them has to pass it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs
)]

mod contract;
mod dynamo;
mod gateway;
mod scripted;
mod table_under_load;

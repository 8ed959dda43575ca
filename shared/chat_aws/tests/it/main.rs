//! The adapters, each against a local stand-in for AWS.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs
)]

mod cost;
mod dynamo;
mod engines;
mod gateway;
mod meter;
mod scripted;
mod table_under_load;
mod user_data;
mod versions;

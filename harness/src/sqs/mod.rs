//! SQS: the standard queues of a template, and the API that functions call.
//!
//! - `queue` is the state of one queue.
//! - [`Queues`] finds queues, waits for messages, and moves them to dead-letter queues.
//! - `api` is the AWS JSON protocol. Current SDKs no longer use the query protocol.
//!
//! Deliberately left out: FIFO queues, message timers of FIFO queues, move tasks, and operations that
//! create or change queues.

mod answer;
mod api;
mod digest;
mod error;
mod kept;
mod message;
mod queue;
mod queues;
mod request;

pub use self::{
    api::SqsApi,
    error::SqsError,
    queues::{Counts, Queues},
};
pub(crate) use self::{
    message::{NewMessage, Received, WrittenAttribute},
    queues::arn,
};

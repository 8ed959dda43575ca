//! Queues, and the event source mappings that read queues and streams for functions.

use std::time::Duration;

use crate::event_source::Pattern;

/// A standard queue of SQS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The key under `Resources`.
    pub logical_id: String,
    /// `QueueName`, or the logical id.
    pub name: String,
    /// `DelaySeconds`: how long a new message is not delivered.
    pub delay: Duration,
    /// `VisibilityTimeout`: how long a received message is not delivered again.
    pub visibility_timeout: Duration,
    /// `MessageRetentionPeriod`.
    pub retention: Duration,
    /// `ReceiveMessageWaitTimeSeconds`.
    pub receive_wait: Duration,
    /// `MaximumMessageSize`, in bytes.
    pub largest_message: usize,
    /// `RedrivePolicy`.
    pub redrive: Option<Redrive>,
}

/// When a message moves to another queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// `maxReceiveCount`: after so many receives the message moves.
    pub most_receives: u32,
}

/// `AWS::Lambda::EventSourceMapping`, or an event of SAM of the type `DynamoDB` or `SQS`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventSourceMapping {
    /// The logical id. SAM joins those of the function and of the event.
    pub logical_id: String,
    /// The logical id of the function.
    pub function: String,
    /// What the mapping reads.
    pub source: EventSource,
    /// `BatchSize`: at most so many records for one event.
    pub batch_size: usize,
    /// `MaximumBatchingWindowInSeconds`: how long a batch that is not full waits.
    pub window: Duration,
    /// `FilterCriteria`: the function gets the records that match one of them, or all records if
    /// there are none.
    pub filters: Vec<Pattern>,
    /// Whether `FunctionResponseTypes` has `ReportBatchItemFailures`.
    pub reports_failures: bool,
}

/// What an event source mapping reads.
#[derive(Clone, Debug, PartialEq)]
pub enum EventSource {
    /// The stream of a table.
    Stream(StreamSource),
    /// A queue.
    Queue(QueueSource),
}

/// The settings of a mapping of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSource {
    /// The name of the table.
    pub table: String,
    /// `StartingPosition`.
    pub start: StartingPosition,
    /// `BisectBatchOnFunctionError`.
    pub bisects: bool,
    /// `MaximumRetryAttempts`; `None` for -1, until the records expire.
    pub retries: Option<u32>,
    /// `MaximumRecordAgeInSeconds`; `None` for -1, until the records expire.
    pub greatest_age: Option<Duration>,
    /// `ParallelizationFactor`: how many batches of a shard run at the same time.
    pub parallelization: usize,
    /// `DestinationConfig.OnFailure`: the name of the queue that is told about discarded records.
    pub on_failure: Option<String>,
}

/// The settings of a mapping of a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSource {
    /// The name of the queue.
    pub queue: String,
    /// `ScalingConfig.MaximumConcurrency`.
    pub most_concurrent: Option<usize>,
}

/// Where a mapping begins to read a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartingPosition {
    /// With the oldest record.
    TrimHorizon,
    /// With the first record after the start.
    Latest,
}

//! Errors of SQS, in its own words.

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqsError {
    /// No queue of the template has this URL or name.
    #[error("The specified queue does not exist.")]
    NoQueue,
    /// The receipt handle is not one of SQS.
    #[error("The input receipt handle is invalid.")]
    InvalidReceipt,
    /// The message was deleted, or nobody has it at the moment.
    #[error("The specified message isn't in flight.")]
    NotInFlight,
    /// A batch without entries.
    #[error("There should be at least one {0}RequestEntry in the request.")]
    EmptyBatch(&'static str),
    /// A batch of more than ten entries.
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntries(usize),
    /// Two entries of a batch have the same id.
    #[error("Id {0} repeated.")]
    RepeatedId(String),
    /// An id of a batch entry has other characters than letters, digits, `-` and `_`.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can \
         be at most 80 letters long."
    )]
    InvalidId,
    /// The messages of a batch are too large together.
    #[error("Batch requests cannot be longer than {0} bytes.")]
    BatchTooLong(usize),
    /// A message has characters that XML does not allow.
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidContents,
    /// A value is missing or out of its range.
    #[error("{0}")]
    InvalidParameter(String),
    /// The body is not the JSON of the operation.
    #[error("{0}")]
    Malformed(String),
    /// The operation is not one of this harness.
    #[error("The harness does not support {0}.")]
    Unsupported(String),
    /// The queue holds as much as the harness keeps in memory.
    #[error("The harness keeps at most 64 MB of messages of a queue.")]
    Full,
}

impl SqsError {
    /// Returns the name of the error's shape, and its code in the query protocol, which clients of
    /// both protocols know.
    pub(super) fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoQueue => (
                "com.amazonaws.sqs#QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue",
            ),
            Self::InvalidReceipt => (
                "com.amazonaws.sqs#ReceiptHandleIsInvalid",
                "ReceiptHandleIsInvalid",
            ),
            Self::NotInFlight => (
                "com.amazonaws.sqs#MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
            ),
            Self::EmptyBatch(_) => (
                "com.amazonaws.sqs#EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest",
            ),
            Self::TooManyEntries(_) => (
                "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            ),
            Self::RepeatedId(_) => (
                "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            ),
            Self::InvalidId => (
                "com.amazonaws.sqs#InvalidBatchEntryId",
                "AWS.SimpleQueueService.InvalidBatchEntryId",
            ),
            Self::BatchTooLong(_) => (
                "com.amazonaws.sqs#BatchRequestTooLong",
                "AWS.SimpleQueueService.BatchRequestTooLong",
            ),
            Self::InvalidContents => (
                "com.amazonaws.sqs#InvalidMessageContents",
                "InvalidMessageContents",
            ),
            Self::InvalidParameter(_) => (
                "com.amazon.coral.service#InvalidParameterValueException",
                "InvalidParameterValue",
            ),
            Self::Malformed(_) => (
                "com.amazon.coral.service#SerializationException",
                "MalformedInput",
            ),
            Self::Unsupported(_) => (
                "com.amazonaws.sqs#UnsupportedOperation",
                "AWS.SimpleQueueService.UnsupportedOperation",
            ),
            Self::Full => ("com.amazonaws.sqs#OverLimit", "OverLimit"),
        }
    }
}

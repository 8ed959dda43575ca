//! What a queue is told about records that are discarded.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-errors.html>

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use uuid::Uuid;

use super::record::Record;
use crate::stack::{ACCOUNT, REGION};

const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const SECOND: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// Why records are discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

impl Condition {
    pub fn name(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}

/// Discarded records of one batch.
pub(super) struct Discarded<'a> {
    pub condition: Condition,
    /// The name of the function.
    pub function: &'a str,
    pub records: &'a [Record],
    /// How often the function got them.
    pub invoked: u32,
    /// Whether the last invocation was an error of the function.
    pub function_error: bool,
    pub shard: &'a str,
    /// The ARN of the stream.
    pub stream: &'a str,
    pub now: OffsetDateTime,
}

impl Discarded<'_> {
    /// Returns the message for the queue. It says where the records are in the stream, and not what
    /// they contain.
    pub fn message(&self) -> Value {
        let first = self.records.first();
        let last = self.records.last();
        let sequence = |record: Option<&Record>| record.map(|record| record.sequence.clone());
        let arrival = |record: Option<&Record>| {
            let created = record.map(|record| record.created).unwrap_or_default();
            let created = OffsetDateTime::from_unix_timestamp(created);
            let created = created.unwrap_or(OffsetDateTime::UNIX_EPOCH);
            created.format(SECOND).unwrap_or_default()
        };
        let mut response = json!({ "statusCode": 200, "executedVersion": "$LATEST" });
        if self.function_error
            && let Some(response) = response.as_object_mut()
        {
            response.insert("functionError".to_owned(), "Unhandled".into());
        }
        let function = self.function;
        let mut message = json!({
            "requestContext": {
                "requestId": Uuid::new_v4().to_string(),
                "functionArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"),
                "condition": self.condition.name(),
                "approximateInvokeCount": self.invoked,
            },
            "version": "1.0",
            "timestamp": self.now.format(MOMENT).unwrap_or_default(),
            "DDBStreamBatchInfo": {
                "shardId": self.shard,
                "startSequenceNumber": sequence(first),
                "endSequenceNumber": sequence(last),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": self.records.len(),
                "streamArn": self.stream,
            },
        });
        // Without an invocation there is no response.
        if self.invoked > 0
            && let Some(message) = message.as_object_mut()
        {
            message.insert("responseContext".to_owned(), response);
        }
        message
    }
}

//! Write transactions: all parts are written or none.

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, TransactWriteItem, builders::PutBuilder},
};
use chat::error::InternalError;

use super::{Row, Table, failed, wait_after};

/// The outcome of a transaction.
pub enum Transacted {
    /// All parts are written.
    All,
    /// No part is written, because the condition of at least one failed. Holds one reason per part,
    /// in order.
    None(Vec<CancellationReason>),
}

/// The code of a part whose condition failed.
const CONDITION: &str = "ConditionalCheckFailed";
/// Codes of parts that did not cancel the transaction, or did so for a temporary reason.
const RETRYABLE: [&str; 4] = [
    "None",
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
];

/// Returns whether the condition of a part failed.
pub fn condition_failed(reason: &CancellationReason) -> bool {
    reason.code() == Some(CONDITION)
}

impl Table {
    /// Creates a part that puts a row, without a condition.
    pub(super) fn part(&self, row: Row) -> PutBuilder {
        aws_sdk_dynamodb::types::Put::builder()
            .table_name(&self.name)
            .set_item(Some(row.into_item()))
    }

    /// Writes all parts or none. Retries if it conflicts with another transaction, which the SDK
    /// does not do.
    pub(super) async fn transact(
        &self,
        doing: &'static str,
        parts: Vec<TransactWriteItem>,
    ) -> Result<Transacted, InternalError> {
        let call = self
            .client
            .transact_write_items()
            .set_transact_items(Some(parts));
        let mut attempt = 1;
        loop {
            let error = match call.clone().send().await {
                Ok(_) => return Ok(Transacted::All),
                Err(error) => error,
            };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons()
                }
                _ => return Err(failed(doing)(error)),
            };
            if reasons.iter().any(condition_failed) {
                return Ok(Transacted::None(reasons.to_vec()));
            }
            let mut codes = reasons.iter().filter_map(CancellationReason::code);
            if !codes.all(|code| RETRYABLE.contains(&code)) || !wait_after(attempt).await {
                return Err(failed(doing)(error));
            }
            attempt += 1;
        }
    }
}

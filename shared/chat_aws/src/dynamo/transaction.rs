//! Transactions of writes: all of them are done, or none.

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, TransactWriteItem, builders::PutBuilder},
};
use chat::error::InternalError;

use super::{Row, Table, failed, wait_after};

/// What became of a transaction.
pub enum Transacted {
    /// All parts are written.
    All,
    /// None is: the condition of at least one part did not hold. One reason for each part, in their order.
    None(Vec<CancellationReason>),
}

/// The code of a part whose condition did not hold.
const CONDITION: &str = "ConditionalCheckFailed";
/// Codes of parts that did not cancel a transaction, or will not do so for long.
const PASSING: [&str; 4] = [
    "None",
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
];

/// Whether the condition of this part did not hold.
pub fn condition_failed(reason: &CancellationReason) -> bool {
    reason.code() == Some(CONDITION)
}

impl Table {
    /// A part that puts a row, still without a condition.
    pub(super) fn part(&self, row: Row) -> PutBuilder {
        aws_sdk_dynamodb::types::Put::builder()
            .table_name(&self.name)
            .set_item(Some(row.into_item()))
    }

    /// Writes all parts or none. What is in conflict with another transaction is repeated: the SDK does not do that.
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
            if !codes.all(|code| PASSING.contains(&code)) || !wait_after(attempt).await {
                return Err(failed(doing)(error));
            }
            attempt += 1;
        }
    }
}

//! Batches of unconditional writes. Each row is written or deleted by itself.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};
use chat::error::InternalError;
use futures_util::future::try_join_all;

use super::{Table, failed, row::Row, wait_after};

/// The most rows of one call.
const BATCH: usize = 25;

impl Table {
    /// Puts rows of different keys.
    pub(super) async fn put_all(
        &self,
        doing: &'static str,
        rows: Vec<Row>,
    ) -> Result<(), InternalError> {
        let mut puts = Vec::with_capacity(rows.len());
        for row in rows {
            let put = PutRequest::builder().set_item(Some(row.into_item()));
            let put = put.build().map_err(failed(doing))?;
            puts.push(WriteRequest::builder().put_request(put).build());
        }
        self.write_all(doing, &puts).await
    }

    /// Deletes the rows of different keys, those that exist.
    pub(super) async fn delete_all(
        &self,
        doing: &'static str,
        rows: &[Row],
    ) -> Result<(), InternalError> {
        let mut deletes = Vec::with_capacity(rows.len());
        for row in rows {
            let delete = DeleteRequest::builder().set_key(Some(row.clone().into_item()));
            let delete = delete.build().map_err(failed(doing))?;
            deletes.push(WriteRequest::builder().delete_request(delete).build());
        }
        self.write_all(doing, &deletes).await
    }

    async fn write_all(
        &self,
        doing: &'static str,
        writes: &[WriteRequest],
    ) -> Result<(), InternalError> {
        let batches = writes.chunks(BATCH);
        try_join_all(batches.map(|batch| self.write_batch(doing, batch.to_vec()))).await?;
        Ok(())
    }

    /// Makes the writes of one batch. Repeats those that DynamoDB leaves unprocessed.
    async fn write_batch(
        &self,
        doing: &'static str,
        mut left: Vec<WriteRequest>,
    ) -> Result<(), InternalError> {
        let mut attempt = 1;
        loop {
            let call = self.client.batch_write_item();
            let answer = call.request_items(&self.name, left).send().await;
            let unprocessed = answer.map_err(failed(doing))?.unprocessed_items;
            left = unprocessed
                .into_iter()
                .flat_map(HashMap::into_values)
                .flatten()
                .collect();
            if left.is_empty() {
                return Ok(());
            }
            if !wait_after(attempt).await {
                return Err(InternalError::new(
                    doing,
                    "some rows were not processed in any attempt",
                ));
            }
            attempt += 1;
        }
    }
}

//! The streams and queues of a template, by ARN.

use crate::stack::{ACCOUNT, Queue, REGION, Table};

/// What event source mappings may read.
pub(in crate::template) struct Sources<'a> {
    pub(in crate::template) tables: &'a [Table],
    pub(in crate::template) queues: &'a [Queue],
}

impl Sources<'_> {
    /// Returns the name of the table whose stream has this ARN, or `None` if there is no such
    /// table. Fails if the table has no stream.
    pub(super) fn table(&self, arn: &str) -> Option<Result<String, String>> {
        let rest = arn.strip_prefix(&format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"))?;
        let (name, _) = rest.split_once("/stream/")?;
        let table = self.tables.iter().find(|table| table.name == name)?;
        Some(if table.create.get("StreamSpecification").is_some() {
            Ok(name.to_owned())
        } else {
            Err(format!(
                "the table {name} has no stream: add a StreamSpecification to it"
            ))
        })
    }

    /// Returns the queue with this ARN.
    pub(super) fn queue(&self, arn: &str) -> Option<&Queue> {
        let name = arn.strip_prefix(&format!("arn:aws:sqs:{REGION}:{ACCOUNT}:"))?;
        self.queues.iter().find(|queue| queue.name == name)
    }
}

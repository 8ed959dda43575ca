//! Reads the streams of the engine's tables, by the API that every engine has.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{answer::Answer, backend::Backend, engine::Engine};

/// The streams of the tables of one engine. Clones share the engine.
#[derive(Clone, Debug)]
pub struct Streams {
    backend: Backend,
}

/// One shard of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Shard {
    #[serde(rename = "ShardId")]
    pub id: String,
    #[serde(rename = "ParentShardId")]
    pub parent: Option<String>,
}

/// Where reading a shard begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadFrom {
    /// With its oldest record.
    TrimHorizon,
    /// With the next record that is written.
    Latest,
    /// After the record with this sequence number.
    After(String),
}

/// Some records of a shard, in order.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Page {
    pub records: Vec<Value>,
    /// `None` at the end of a closed shard.
    pub next_shard_iterator: Option<String>,
}

/// Why a stream cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The engine does not answer.
    #[error("DynamoDB does not answer: {0}")]
    Engine(#[from] reqwest::Error),
    /// The engine's answer has another shape.
    #[error("DynamoDB's answer about a stream is not understood: {0}")]
    Answer(#[from] serde_json::Error),
    /// The engine refuses an operation.
    #[error("{operation} is refused: {reason}")]
    Refused {
        /// `GetRecords`, …
        operation: &'static str,
        /// The engine's error.
        reason: String,
    },
    /// The table has no stream.
    #[error("table {0} has no stream")]
    None(String),
}

impl Engine {
    /// Returns the streams of the engine's tables.
    pub fn streams(&self) -> Streams {
        Streams {
            backend: self.backend.clone(),
        }
    }
}

impl Streams {
    /// Returns the engine's own ARN of the stream of a table.
    pub(crate) async fn arn(&self, table: &str) -> Result<String, StreamError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Described {
            table: Table,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Table {
            latest_stream_arn: Option<String>,
        }
        let answer = self.backend.describe(table).await?;
        let described: Described = read("DescribeTable", &answer)?;
        let arn = described.table.latest_stream_arn;
        arn.ok_or_else(|| StreamError::None(table.to_owned()))
    }

    /// Returns the shards of a stream.
    pub(crate) async fn shards(&self, arn: &str) -> Result<Vec<Shard>, StreamError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Described {
            stream_description: Description,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Description {
            #[serde(default)]
            shards: Vec<Shard>,
            last_evaluated_shard_id: Option<String>,
        }
        let mut shards = Vec::new();
        let mut body = json!({ "StreamArn": arn });
        loop {
            let described: Described = self.call("DescribeStream", &body).await?;
            shards.extend(described.stream_description.shards);
            match described.stream_description.last_evaluated_shard_id {
                Some(last) => body = json!({ "StreamArn": arn, "ExclusiveStartShardId": last }),
                None => return Ok(shards),
            }
        }
    }

    /// Returns an iterator of a shard.
    pub(crate) async fn iterator(
        &self,
        arn: &str,
        shard: &str,
        from: &ReadFrom,
    ) -> Result<String, StreamError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Given {
            shard_iterator: String,
        }
        let (kind, after) = match from {
            ReadFrom::TrimHorizon => ("TRIM_HORIZON", None),
            ReadFrom::Latest => ("LATEST", None),
            ReadFrom::After(sequence) => ("AFTER_SEQUENCE_NUMBER", Some(sequence)),
        };
        let mut body = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind });
        if let (Some(after), Some(body)) = (after, body.as_object_mut()) {
            body.insert("SequenceNumber".to_owned(), after.as_str().into());
        }
        let given: Given = self.call("GetShardIterator", &body).await?;
        Ok(given.shard_iterator)
    }

    /// Returns at most `limit` records after an iterator.
    pub(crate) async fn records(&self, iterator: &str, limit: usize) -> Result<Page, StreamError> {
        let body = json!({ "ShardIterator": iterator, "Limit": limit });
        self.call("GetRecords", &body).await
    }

    async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        operation: &'static str,
        body: &Value,
    ) -> Result<T, StreamError> {
        read(operation, &self.backend.administer(operation, body).await?)
    }
}

fn read<T: for<'de> Deserialize<'de>>(
    operation: &'static str,
    answer: &Answer,
) -> Result<T, StreamError> {
    if !answer.status.is_success() {
        return Err(StreamError::Refused {
            operation,
            reason: String::from_utf8_lossy(&answer.body).into_owned(),
        });
    }
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Returns the shards with which a mapping begins: those without a parent in the list, or with
/// `latest` those without a child.
pub(crate) fn first_shards(shards: &[Shard], latest: bool) -> Vec<String> {
    let ids: BTreeSet<_> = shards.iter().map(|shard| &shard.id).collect();
    let parents: BTreeSet<_> = shards.iter().filter_map(|it| it.parent.as_ref()).collect();
    let is_first = |shard: &&Shard| match &shard.parent {
        _ if latest => !parents.contains(&shard.id),
        Some(parent) => !ids.contains(parent),
        None => true,
    };
    let first = shards.iter().filter(is_first);
    first.map(|shard| shard.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_begins_with_the_oldest_or_with_the_newest_shards() {
        let shard = |id: &str, parent: Option<&str>| Shard {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
        };
        let shards = [
            shard("b", Some("trimmed")),
            shard("c", Some("b")),
            shard("d", Some("b")),
            shard("a", None),
        ];
        assert_eq!(first_shards(&shards, false), ["b", "a"]);
        assert_eq!(first_shards(&shards, true), ["c", "d", "a"]);
    }
}

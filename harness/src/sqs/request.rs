//! The requests of the AWS JSON protocol.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{error::SqsError, message::WrittenAttribute};

/// The most entries of a batch.
const MOST_ENTRIES: usize = 10;
/// The longest id of an entry, in bytes.
const LONGEST_ID: usize = 80;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Send {
    /// Only in batches.
    #[serde(default)]
    pub id: String,
    pub message_body: String,
    pub delay_seconds: Option<u64>,
    #[serde(default)]
    pub message_attributes: BTreeMap<String, WrittenAttribute>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive {
    pub max_number_of_messages: Option<u64>,
    pub visibility_timeout: Option<u64>,
    pub wait_time_seconds: Option<u64>,
    /// The attributes that SQS sets, by an older name and by the current one.
    #[serde(default)]
    pub attribute_names: Vec<String>,
    #[serde(default)]
    pub message_system_attribute_names: Vec<String>,
    #[serde(default)]
    pub message_attribute_names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfReceipt {
    /// Only in batches.
    #[serde(default)]
    pub id: String,
    pub receipt_handle: String,
    pub visibility_timeout: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch<T> {
    pub entries: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    #[serde(default)]
    pub attribute_names: Vec<String>,
}

/// An entry of a batch.
pub(super) trait Entry {
    fn id(&self) -> &str;
}

impl Entry for Send {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Entry for OfReceipt {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Reads a body.
pub(super) fn read<T: DeserializeOwned>(body: &Value) -> Result<T, SqsError> {
    T::deserialize(body).map_err(|error| SqsError::Malformed(error.to_string()))
}

/// Reads the entries of a batch of `operation`.
pub(super) fn entries<T: DeserializeOwned + Entry>(
    operation: &'static str,
    body: &Value,
) -> Result<Vec<T>, SqsError> {
    let entries = read::<Batch<T>>(body)?.entries;
    if entries.is_empty() {
        return Err(SqsError::EmptyBatch(operation));
    }
    if entries.len() > MOST_ENTRIES {
        return Err(SqsError::TooManyEntries(entries.len()));
    }
    let mut ids = BTreeSet::new();
    for id in entries.iter().map(Entry::id) {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(is_valid) {
            return Err(SqsError::InvalidId);
        }
        if !ids.insert(id) {
            return Err(SqsError::RepeatedId(id.to_owned()));
        }
    }
    Ok(entries)
}

/// Returns a number of seconds, if it is given and at most `most`.
pub(super) fn seconds(
    name: &str,
    given: Option<u64>,
    most: u64,
) -> Result<Option<Duration>, SqsError> {
    match given {
        Some(value) if value > most => Err(SqsError::InvalidParameter(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be >= 0 and <= {most}, if \
             provided."
        ))),
        value => Ok(value.map(Duration::from_secs)),
    }
}

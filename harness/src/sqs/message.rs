//! Messages: as they are sent, as a queue keeps them, and as they are received.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// A message attribute, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WrittenAttribute {
    /// `String`, `Number` or `Binary`, and more after a dot.
    pub data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// In base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

/// A message to send.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewMessage {
    pub body: String,
    pub attributes: BTreeMap<String, WrittenAttribute>,
    /// The `SenderId`.
    pub sender: String,
    /// The `DelaySeconds` of the message, or else those of the queue.
    pub delay: Option<std::time::Duration>,
}

impl NewMessage {
    /// The length that SQS limits: the body, and the names, types and values of attributes.
    pub fn bytes(&self) -> usize {
        bytes(&self.body, &self.attributes)
    }
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub id: String,
    pub body: String,
    pub attributes: BTreeMap<String, WrittenAttribute>,
    pub sender: String,
    /// In milliseconds since 1970, as the next one.
    pub sent: u64,
    pub first_received: Option<u64>,
    pub receives: u32,
    /// The receipt of the last receive.
    pub receipt: Option<String>,
    /// When it is deleted, by the clock of the queues.
    pub expires: Instant,
    /// The ARN of the queue from which it moved to this one.
    pub moved_from: Option<String>,
}

impl Message {
    pub fn bytes(&self) -> usize {
        bytes(&self.body, &self.attributes)
    }
}

/// A received message.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub id: String,
    pub receipt: String,
    pub body: String,
    pub attributes: BTreeMap<String, WrittenAttribute>,
    /// The attributes that SQS sets.
    pub system: BTreeMap<&'static str, String>,
}

fn bytes(body: &str, attributes: &BTreeMap<String, WrittenAttribute>) -> usize {
    let of_attributes = attributes.iter().map(|(name, attribute)| {
        let text = attribute.string_value.as_ref().map_or(0, String::len);
        // Three bytes for four characters of base64.
        let binary = attribute.binary_value.as_ref();
        let binary = binary.map_or(0, |value| value.len() / 4 * 3);
        name.len() + attribute.data_type.len() + text + binary
    });
    body.len() + of_attributes.sum::<usize>()
}

//! Records of a stream as functions see them.

use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use crate::stack::REGION;

/// A record that waits for its batch or is in it.
#[derive(Debug)]
pub(super) struct Record {
    pub sequence: String,
    /// Seconds since 1970.
    pub created: i64,
    /// The record in the shape of Lambda's event, as text: a tree of values takes several times as
    /// much memory.
    pub json: Box<str>,
    /// A number that all records of an item share.
    item: u64,
    /// When it was written, by the clock that can be set ahead.
    pub born: Instant,
    /// Its part of the function's room.
    pub room: Option<OwnedSemaphorePermit>,
}

impl Record {
    /// Reads a record in the shape of Lambda's event. `now` is the time by the clock that can be set
    /// ahead.
    pub fn read(value: &Value, now: Instant) -> Self {
        let of_dynamodb = value.get("dynamodb");
        let member = |name| of_dynamodb.and_then(|record| record.get(name));
        let created = member("ApproximateCreationDateTime").and_then(Value::as_i64);
        let created = created.unwrap_or_default();
        let age = OffsetDateTime::now_utc().unix_timestamp() - created;
        let age = Duration::from_secs(u64::try_from(age).unwrap_or(0));
        let sequence = member("SequenceNumber").and_then(Value::as_str);
        Self {
            sequence: sequence.unwrap_or_default().to_owned(),
            created,
            json: value.to_string().into(),
            item: item(value),
            // The engine's clock is that of the system. A machine that has just started knows no
            // time before that.
            born: now.checked_sub(age).unwrap_or(now),
            room: None,
        }
    }

    /// The length as JSON.
    pub fn bytes(&self) -> usize {
        self.json.len()
    }

    /// Returns which of `lanes` lanes the record takes. All records of an item take the same one.
    pub fn lane(&self, lanes: usize) -> usize {
        let lanes = u64::try_from(lanes).unwrap_or(1).max(1);
        usize::try_from(self.item % lanes).unwrap_or(0)
    }
}

/// Returns a number that depends on the keys of the item only.
fn item(record: &Value) -> u64 {
    let keys = record.get("dynamodb").and_then(|it| it.get("Keys"));
    let keys = keys.and_then(Value::as_object).into_iter().flatten();
    // The order of the members has no meaning.
    let keys: BTreeMap<_, _> = keys.map(|(name, key)| (name, key.to_string())).collect();
    let mut hasher = DefaultHasher::new();
    keys.hash(&mut hasher);
    hasher.finish()
}

/// Returns a record in the shape of Lambda's event. Engines have ARNs and regions of their own, and
/// the API has other names for the parts of an identity.
pub(super) fn as_lambda_shows(mut record: Value, stream: &str) -> Value {
    let Value::Object(members) = &mut record else {
        return record;
    };
    members.insert("awsRegion".to_owned(), REGION.into());
    members.insert("eventSource".to_owned(), "aws:dynamodb".into());
    members.insert("eventSourceARN".to_owned(), stream.into());
    if let Some(Value::Object(of_dynamodb)) = members.get_mut("dynamodb") {
        let created = of_dynamodb.get("ApproximateCreationDateTime");
        let created = created.and_then(Value::as_f64).map(whole_seconds);
        if let Some(created) = created {
            let name = "ApproximateCreationDateTime".to_owned();
            of_dynamodb.insert(name, created.into());
        }
    }
    if let Some(Value::Object(identity)) = members.remove("userIdentity") {
        members.insert("userIdentity".to_owned(), camel_case(identity).into());
    }
    record
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds since 1970 fit, and Lambda shows whole seconds"
)]
fn whole_seconds(seconds: f64) -> i64 {
    seconds as i64
}

fn camel_case(members: Map<String, Value>) -> Map<String, Value> {
    let members = members.into_iter().map(|(name, value)| {
        let mut letters = name.chars();
        let first = letters.next().map(|first| first.to_ascii_lowercase());
        (first.into_iter().chain(letters).collect(), value)
    });
    members.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_of_every_engine_have_lambdas_shape() {
        let engine = json!({
            "eventID": "1", "eventName": "REMOVE", "eventVersion": "1.1",
            "awsRegion": "ddblocal",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000.5,
                "Keys": { "pk": { "S": "a" } },
                "SequenceNumber": "100", "SizeBytes": 3, "StreamViewType": "KEYS_ONLY",
            },
            "userIdentity": { "Type": "Service", "PrincipalId": "dynamodb.amazonaws.com" },
        });
        let shown = as_lambda_shows(engine, "arn:x");
        let record = Record::read(&shown, Instant::now());
        let expected = json!({
            "eventID": "1", "eventName": "REMOVE", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "eventSourceARN": "arn:x", "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000,
                "Keys": { "pk": { "S": "a" } },
                "SequenceNumber": "100", "SizeBytes": 3, "StreamViewType": "KEYS_ONLY",
            },
            "userIdentity": { "type": "Service", "principalId": "dynamodb.amazonaws.com" },
        });
        assert_eq!(shown, expected);
        let text: Value = serde_json::from_str(&record.json).unwrap();
        assert_eq!(text, expected);
        assert_eq!(
            (record.sequence.as_str(), record.created),
            ("100", 1_700_000_000)
        );
        let lanes: Vec<_> = (0..3).map(|_| record.lane(10)).collect();
        assert_eq!(lanes, [lanes[0]; 3]);
    }
}

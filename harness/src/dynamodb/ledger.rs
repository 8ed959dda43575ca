//! Counts of the calls to DynamoDB: operation, caller, and the capacity they consumed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, StatusCode};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::capacity::Consumed;
use crate::iam::Caller;

/// The maximum number of operations that are counted on their own. Clients choose the names, so
/// without a bound a flood of different names would fill the memory.
const MAX_OPERATIONS: usize = 10_000;
/// The longest name that is counted on its own. No table and no operation has a longer one.
const LONGEST_NAME: usize = 255;
/// The maximum number of tables in an operation that is counted on its own: that of a transaction.
const MAX_TABLES: usize = 100;

/// The operation, tables and caller of a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The owner of the key that the request names, whether or not its signature is valid.
    pub caller: Caller,
    /// `PutItem`, `Query`, …; empty if the request names no operation.
    pub name: String,
    /// The tables that the request names, sorted.
    pub tables: Vec<String>,
}

/// Sums over calls of the same operation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// The number of calls.
    pub calls: u64,
    /// The number of calls with a status other than 2xx, failed conditions included.
    pub refused: u64,
    /// The consumed capacity units of the calls that set `ReturnConsumedCapacity`.
    pub capacity: f64,
}

/// The counts since the start. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<BTreeMap<Operation, Tally>>>);

impl Ledger {
    /// Returns a copy of the current counts.
    pub fn tallies(&self) -> BTreeMap<Operation, Tally> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn record(&self, operation: Operation, status: StatusCode, answer: &[u8]) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = tallies.len() < MAX_OPERATIONS && operation.is_plausible();
        let operation = if has_room || tallies.contains_key(&operation) {
            operation
        } else {
            operation.other()
        };
        let tally = tallies.entry(operation).or_default();
        tally.calls += 1;
        tally.refused += u64::from(!status.is_success());
        tally.capacity += consumed(answer);
    }
}

impl Operation {
    /// Returns the operation that stands for all those that are not counted on their own.
    fn other(self) -> Self {
        let caller = match self.caller {
            Caller::Other(_) => Caller::Other(String::new()),
            known => known,
        };
        Self {
            caller,
            name: String::new(),
            tables: Vec::new(),
        }
    }

    /// Whether its names are short enough to be kept.
    fn is_plausible(&self) -> bool {
        let caller = match &self.caller {
            Caller::Other(key) => key.as_str(),
            Caller::Function(_) | Caller::Administrator => "",
        };
        let mut names = self.tables.iter().map(String::as_str);
        self.tables.len() <= MAX_TABLES
            && [caller, &self.name]
                .iter()
                .all(|name| name.len() <= LONGEST_NAME)
            && names.all(|name| name.len() <= LONGEST_NAME)
    }

    /// Reads the target and the tables of a request by `caller`.
    pub(super) fn of(caller: Caller, headers: &HeaderMap, body: &[u8]) -> Self {
        let name = headers
            .get("x-amz-target")
            .and_then(|target| target.to_str().ok())
            .and_then(|target| target.split_once('.'))
            .map_or("", |(_, name)| name);
        Self {
            caller,
            name: name.to_owned(),
            tables: tables(body),
        }
    }
}

/// The members of a request that name tables. Other members are skipped.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    table_name: Option<String>,
    stream_arn: Option<String>,
    request_items: BTreeMap<String, IgnoredAny>,
    transact_items: Vec<BTreeMap<String, OnTable>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OnTable {
    table_name: Option<String>,
}

fn tables(body: &[u8]) -> Vec<String> {
    let request: Request = lenient(body);
    let transacted = request.transact_items.into_iter().flatten();
    let mut tables: Vec<_> = request
        .table_name
        .into_iter()
        .chain(request.stream_arn)
        .chain(request.request_items.into_keys())
        .chain(transacted.filter_map(|(_, item)| item.table_name))
        .map(|name| table_of(&name).to_owned())
        .collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// Returns the name in `NAME`, `arn:…:table/NAME` or `arn:…:table/NAME/stream/…`.
fn table_of(reference: &str) -> &str {
    reference
        .split_once(":table/")
        .map_or(reference, |(_, rest)| {
            rest.split('/').next().unwrap_or(rest)
        })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Answer {
    consumed_capacity: Option<Consumed>,
}

fn consumed(answer: &[u8]) -> f64 {
    // Most callers do not request it, and an answer may be a megabyte: a search is cheaper than
    // parsing.
    const WORD: &[u8] = b"\"ConsumedCapacity\"";
    if !answer.windows(WORD.len()).any(|window| window == WORD) {
        return 0.0;
    }
    let consumed = lenient::<Answer>(answer).consumed_capacity;
    let tables = consumed.iter().flat_map(Consumed::tables);
    tables.map(|table| table.capacity_units).sum()
}

/// Reads malformed JSON as the default: the engine decides whether a request is valid.
fn lenient<T: DeserializeOwned + Default>(json: &[u8]) -> T {
    serde_json::from_slice(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_in_every_kind_of_request() {
        let table: [(&str, &[&str]); 6] = [
            (r#"{"TableName":"chat","Key":{"pk":{"S":"a"}}}"#, &["chat"]),
            (
                r#"{"TableName":"arn:aws:dynamodb:us-east-1:123456789012:table/chat"}"#,
                &["chat"],
            ),
            (
                r#"{"StreamArn":"arn:aws:dynamodb:ddblocal:0:table/chat/stream/2026"}"#,
                &["chat"],
            ),
            (r#"{"RequestItems":{"b":[],"a":{}}}"#, &["a", "b"]),
            (
                r#"{"TransactItems":[{"Put":{"TableName":"b"}},{"Delete":{"TableName":"b"}}]}"#,
                &["b"],
            ),
            ("not JSON", &[]),
        ];
        for (body, expected) in table {
            assert_eq!(tables(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_flood_of_different_names_does_not_grow_the_ledger() {
        let ledger = Ledger::default();
        let record = |key: String, name: String| {
            let operation = Operation {
                caller: Caller::Other(key),
                name,
                tables: Vec::new(),
            };
            ledger.record(operation, StatusCode::BAD_REQUEST, b"");
        };
        record(String::new(), "x".repeat(256));
        for number in 0..MAX_OPERATIONS + 100 {
            record(number.to_string(), format!("Operation{number}"));
        }
        let tallies = ledger.tallies();
        assert_eq!(tallies.len(), MAX_OPERATIONS);
        let others = tallies
            .iter()
            .find(|(operation, _)| operation.name.is_empty());
        assert_eq!(others.map(|(_, tally)| tally.calls), Some(102));
    }

    #[test]
    fn consumed_capacity_is_added_up() {
        let table = [
            (r#"{"Items":[]}"#, 0.0),
            (
                r#"{"ConsumedCapacity":{"TableName":"chat","CapacityUnits":1.5}}"#,
                1.5,
            ),
            (
                r#"{"ConsumedCapacity":[{"CapacityUnits":2.0},{"CapacityUnits":0.5}]}"#,
                2.5,
            ),
        ];
        for (answer, expected) in table {
            assert_eq!(consumed(answer.as_bytes()), expected, "{answer}");
        }
    }
}

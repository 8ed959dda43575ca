//! Asks the engine for the capacity that a call consumes, although its caller did not, and removes it
//! from the answer again.
//!
//! Requests and answers are edited as text: a value that is parsed and written again may differ in its
//! numbers and in the order of its members.

use std::ops::Range;

use axum::{
    body::Bytes,
    http::{HeaderName, HeaderValue, StatusCode},
};
use serde::{Deserialize, de::IgnoredAny};

use super::{answer::Answer, capacity::Consumed};

const ASKED: &str = "ReturnConsumedCapacity";
const CONSUMED: &str = "ConsumedCapacity";
const CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");

/// What a call does, as far as its price goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effort {
    Reads,
    Writes,
    /// A transaction, which is billed even if it is cancelled.
    TransactsWrites,
}

/// Returns what an operation does. `None` if it consumes no capacity.
fn effort(operation: &str) -> Option<Effort> {
    Some(match operation {
        "GetItem" | "Query" | "Scan" | "BatchGetItem" | "TransactGetItems" => Effort::Reads,
        "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" => Effort::Writes,
        "TransactWriteItems" => Effort::TransactsWrites,
        _ => return None,
    })
}

/// Consumed capacity units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Units {
    pub read: f64,
    pub write: f64,
}

/// Returns the request that also asks for the consumed capacity. `None` if it asks already, or if
/// the operation consumes none.
pub(super) fn asking(operation: &str, body: &Bytes) -> Option<Bytes> {
    effort(operation)?;
    let asked = member(body, ASKED);
    let rest = match asked {
        None => body.clone(),
        Some(asked) if contains(body.get(asked.clone())?, b"\"NONE\"") => without(body, asked)?,
        Some(_) => return None,
    };
    let open = rest.iter().position(|byte| *byte == b'{')?;
    let (begin, members) = rest.split_at_checked(open + 1)?;
    let is_empty = members.trim_ascii_start().starts_with(b"}");
    let mut asking = begin.to_vec();
    asking.extend_from_slice(br#""ReturnConsumedCapacity":"TOTAL""#);
    if !is_empty {
        asking.push(b',');
    }
    asking.extend_from_slice(members);
    Some(asking.into())
}

/// Returns the answer as if its caller had not asked for the capacity.
pub(super) fn strip(mut answer: Answer) -> Answer {
    let Some(stripped) =
        member(&answer.body, CONSUMED).and_then(|consumed| without(&answer.body, consumed))
    else {
        return answer;
    };
    answer.body = stripped;
    if answer.headers.contains_key(&CRC32) {
        let crc32 = HeaderValue::from(crc32fast::hash(&answer.body));
        answer.headers.insert(CRC32, crc32);
    }
    answer
}

/// Returns the units of a call. Those of a failed write are the least that AWS bills for it: DynamoDB
/// does not report them.
pub(super) fn units(operation: &str, request: &[u8], status: StatusCode, answer: &[u8]) -> Units {
    let Some(effort) = effort(operation) else {
        return Units::default();
    };
    if !status.is_success() {
        return refused(effort, request, answer);
    }
    let consumed = member(answer, CONSUMED).and_then(|range| {
        let written = answer.get(range)?;
        let colon = written.iter().position(|byte| *byte == b':')?;
        serde_json::from_slice::<Consumed>(written.get(colon + 1..)?).ok()
    });
    let mut units = Units::default();
    for table in consumed.iter().flat_map(Consumed::tables) {
        let (read, write) = match effort {
            Effort::Reads => (table.capacity_units, 0.0),
            Effort::Writes | Effort::TransactsWrites => (0.0, table.capacity_units),
        };
        units.read += table.read_capacity_units.unwrap_or(read);
        units.write += table.write_capacity_units.unwrap_or(write);
    }
    units
}

fn refused(effort: Effort, request: &[u8], answer: &[u8]) -> Units {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Request {
        transact_items: Vec<IgnoredAny>,
    }
    let write = match effort {
        Effort::Writes if contains(answer, b"ConditionalCheckFailedException") => 1.0,
        Effort::TransactsWrites if contains(answer, b"ConditionalCheckFailed") => {
            let request: Request = serde_json::from_slice(request).unwrap_or_default();
            // Two units for each item; a transaction has at most 100.
            2.0 * f64::from(u32::try_from(request.transact_items.len()).unwrap_or_default())
        }
        Effort::Reads | Effort::Writes | Effort::TransactsWrites => 0.0,
    };
    Units { read: 0.0, write }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Returns the place of the member `name` of the outermost object, from its key to the end of its
/// value.
fn member(json: &[u8], name: &str) -> Option<Range<usize>> {
    // Most texts do not have it, and this search is cheaper.
    if !contains(json, name.as_bytes()) {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    // The beginning of the member, and whether it is the wanted one.
    let mut current: Option<(usize, bool)> = None;
    loop {
        match json.get(at)? {
            b'"' => {
                let end = end_of_string(json, at)?;
                if depth == 1 && current.is_none() {
                    let key = json.get(at + 1..end - 1)?;
                    current = Some((at, key == name.as_bytes()));
                }
                at = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => {
                return current
                    .filter(|(_, wanted)| *wanted)
                    .map(|(begin, _)| begin..at);
            }
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b',' if depth == 1 => {
                if let Some((begin, true)) = current.take() {
                    return Some(begin..at);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Returns the place behind the string that begins at `at`.
fn end_of_string(json: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match json.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Returns the text without a member and one of the commas around it.
fn without(json: &[u8], member: Range<usize>) -> Option<Bytes> {
    let (before, after) = (json.get(..member.start)?, json.get(member.end..)?);
    let (before, after) = match (before.trim_ascii_end(), after.trim_ascii_start()) {
        (before, [b',', after @ ..]) => (before, after),
        ([before @ .., b','], after) => (before, after),
        (before, after) => (before, after),
    };
    Some([before, after].concat().into())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    #[track_caller]
    fn check_asking(body: &'static str, expected: Option<&str>) {
        let asking = asking("PutItem", &Bytes::from(body));
        let asking = asking.map(|body| String::from_utf8(body.to_vec()).unwrap());
        assert_eq!(asking.as_deref(), expected, "{body}");
    }

    #[test]
    fn the_capacity_is_asked_for_unless_the_caller_did() {
        check_asking("{}", Some(r#"{"ReturnConsumedCapacity":"TOTAL"}"#));
        check_asking(
            r#"{"TableName":"t"}"#,
            Some(r#"{"ReturnConsumedCapacity":"TOTAL","TableName":"t"}"#),
        );
        check_asking(r#"{"ReturnConsumedCapacity":"INDEXES"}"#, None);
        check_asking(
            r#"{"TableName":"t","ReturnConsumedCapacity":"NONE"}"#,
            Some(r#"{"ReturnConsumedCapacity":"TOTAL","TableName":"t"}"#),
        );
        // Only the outermost member counts: an item may have any text and any attribute.
        check_asking(
            r#"{"Item":{"ReturnConsumedCapacity":{"S":"\"ReturnConsumedCapacity\":\"TOTAL\","}}}"#,
            Some(
                r#"{"ReturnConsumedCapacity":"TOTAL","Item":{"ReturnConsumedCapacity":{"S":"\"ReturnConsumedCapacity\":\"TOTAL\","}}}"#,
            ),
        );
        check_asking("no JSON", None);
        assert_eq!(asking("DescribeTable", &Bytes::from("{}")), None);
    }

    #[track_caller]
    fn check_stripped(body: &'static str, expected: &str) {
        let mut answer = Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from(body),
        };
        answer.headers.insert(CRC32, HeaderValue::from(1));
        let stripped = strip(answer);
        assert_eq!(stripped.body, expected);
        if stripped.body != body {
            let crc32 = HeaderValue::from(crc32fast::hash(expected.as_bytes()));
            assert_eq!(stripped.headers[CRC32], crc32);
        }
    }

    #[test]
    fn the_capacity_is_removed_from_the_answer_and_nothing_else_changes() {
        check_stripped(r#"{"ConsumedCapacity":{"CapacityUnits":1.0}}"#, "{}");
        check_stripped(
            r#"{"Count":1,"ConsumedCapacity":{"a":[1,2]},"Items":[{"n":{"N":"1.50"}}]}"#,
            r#"{"Count":1,"Items":[{"n":{"N":"1.50"}}]}"#,
        );
        check_stripped(
            r#"{"Items":[{"ConsumedCapacity":{"S":"x"}}],"ConsumedCapacity":[{}]}"#,
            r#"{"Items":[{"ConsumedCapacity":{"S":"x"}}]}"#,
        );
        check_stripped(
            r#"{"Item":{"ConsumedCapacity":{"S":"}\\\""}}}"#,
            r#"{"Item":{"ConsumedCapacity":{"S":"}\\\""}}}"#,
        );
    }

    #[test]
    fn units_are_read_or_derived() {
        let of = |operation, status, request: &str, answer: &str| {
            let Units { read, write } =
                units(operation, request.as_bytes(), status, answer.as_bytes());
            (read, write)
        };
        let ok = StatusCode::OK;
        let one = r#"{"ConsumedCapacity":{"CapacityUnits":1.5}}"#;
        assert_eq!(of("Query", ok, "{}", one), (1.5, 0.0));
        assert_eq!(of("PutItem", ok, "{}", one), (0.0, 1.5));
        assert_eq!(of("DescribeTable", ok, "{}", one), (0.0, 0.0));
        let two = r#"{"ConsumedCapacity":[{"CapacityUnits":2.0},{"CapacityUnits":4}]}"#;
        assert_eq!(of("TransactWriteItems", ok, "{}", two), (0.0, 6.0));
        let both = r#"{"ConsumedCapacity":{"CapacityUnits":3,"ReadCapacityUnits":1,"WriteCapacityUnits":2}}"#;
        assert_eq!(of("TransactWriteItems", ok, "{}", both), (1.0, 2.0));
        let refused = StatusCode::BAD_REQUEST;
        let condition =
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}"#;
        assert_eq!(of("UpdateItem", refused, "{}", condition), (0.0, 1.0));
        let cancelled =
            r#"{"CancellationReasons":[{"Code":"ConditionalCheckFailed"},{"Code":"None"}]}"#;
        let request = r#"{"TransactItems":[{"Put":{}},{"Put":{}}]}"#;
        assert_eq!(
            of("TransactWriteItems", refused, request, cancelled),
            (0.0, 4.0)
        );
        let throttled = r#"{"__type":"x#ThrottlingException"}"#;
        assert_eq!(of("PutItem", refused, "{}", throttled), (0.0, 0.0));
    }
}

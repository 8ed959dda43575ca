//! DynamoDB's HTTP API in front of the embedded engine's functions, without a connection.

use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        CONTENT_TYPE, ORIGIN,
    },
    request,
};
use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;
use tracing::debug;
use uuid::Uuid;

use crate::dynamodb::answer::{Answer, JSON};

const TARGETS: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");

/// Defines `perform`, which calls the engine's function for an operation: JSON in, JSON out. It
/// returns `None` if there is no such operation.
macro_rules! operations {
    ($($name:literal => $function:ident,)*) => {
        fn perform(
            database: &Database,
            operation: &str,
            body: &str,
        ) -> Option<Result<String, DynoxideError>> {
            match operation {
                $($name => Some(
                    read(operation, body)
                        .and_then(|request| database.$function(request))
                        .and_then(|response| write(&response)),
                ),)*
                _ => None,
            }
        }
    };
}

operations! {
    "GetItem" => get_item,
    "PutItem" => put_item,
    "UpdateItem" => update_item,
    "DeleteItem" => delete_item,
    "Query" => query,
    "Scan" => scan,
    "BatchGetItem" => batch_get_item,
    "BatchWriteItem" => batch_write_item,
    "TransactGetItems" => transact_get_items,
    "TransactWriteItems" => transact_write_items,
    "ExecuteStatement" => execute_statement,
    "ExecuteTransaction" => execute_transaction,
    "BatchExecuteStatement" => batch_execute_statement,
    "SearchVectors" => search_vectors,
    "CreateTable" => create_table,
    "DescribeTable" => describe_table,
    "UpdateTable" => update_table,
    "DeleteTable" => delete_table,
    "ListTables" => list_tables,
    "UpdateTimeToLive" => update_time_to_live,
    "DescribeTimeToLive" => describe_time_to_live,
    "TagResource" => tag_resource,
    "UntagResource" => untag_resource,
    "ListTagsOfResource" => list_tags_of_resource,
    "ListStreams" => list_streams,
    "DescribeStream" => describe_stream,
    "GetShardIterator" => get_shard_iterator,
    "GetRecords" => get_records,
}

/// Answers any request to the service: an operation, the health check, or a CORS preflight.
pub(super) fn answer(database: &Database, request: &request::Parts, body: &[u8]) -> Answer {
    let mut answer = match (&request.method, request.uri.path()) {
        (&Method::POST, "/") => post(database, &request.headers, body),
        (&Method::GET, "/") => text(StatusCode::OK, "healthy: dynamodb.us-east-1.amazonaws.com "),
        (&Method::OPTIONS, "/") if request.headers.contains_key(ORIGIN) => {
            preflight(&request.headers)
        }
        _ => not_found(),
    };
    if request.headers.contains_key(ORIGIN) {
        let everyone = HeaderValue::from_static("*");
        answer.headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, everyone);
    }
    complete(answer)
}

/// Performs one operation.
pub(super) fn operate(database: &Database, operation: &str, body: &str) -> Answer {
    match perform(database, operation, body) {
        None => Answer::json(
            StatusCode::BAD_REQUEST,
            r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#,
        ),
        Some(Ok(json)) => Answer::json(StatusCode::OK, json),
        Some(Err(error)) => {
            debug!(operation, %error, "DynamoDB refuses an operation");
            let status = StatusCode::from_u16(error.status_code());
            Answer::json(status.unwrap_or(StatusCode::BAD_REQUEST), error.to_json())
        }
    }
}

fn post(database: &Database, headers: &HeaderMap, body: &[u8]) -> Answer {
    let content_type = text_of(headers, &CONTENT_TYPE);
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    let of_dynamodb = media_type.eq_ignore_ascii_case(JSON);
    let plain = media_type.eq_ignore_ascii_case("application/json");
    let absent = body.is_empty() && content_type.is_empty();
    if !(of_dynamodb || plain || absent) {
        return not_found();
    }
    let target = text_of(headers, &HeaderName::from_static("x-amz-target"));
    let operation = TARGETS
        .iter()
        .find_map(|prefix| target.strip_prefix(prefix))
        .unwrap_or("");
    // Bytes that are not UTF-8 are rejected as invalid JSON.
    let mut answer = operate(database, operation, std::str::from_utf8(body).unwrap_or(""));
    if !of_dynamodb {
        let json = HeaderValue::from_static("application/json");
        answer.headers.insert(CONTENT_TYPE, json);
    }
    answer
}

fn preflight(headers: &HeaderMap) -> Answer {
    let mut answer = text(StatusCode::OK, "");
    for (asked, allowed) in [
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
    ] {
        if let Some(value) = headers.get(asked) {
            answer.headers.insert(allowed, value.clone());
        }
    }
    let two_days = HeaderValue::from_static("172800");
    answer.headers.insert(ACCESS_CONTROL_MAX_AGE, two_days);
    answer
}

fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, "<UnknownOperationException/>\n")
}

fn text(status: StatusCode, body: &'static str) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
    }
}

/// Adds the headers that every answer of DynamoDB has.
fn complete(mut answer: Answer) -> Answer {
    let crc32 = HeaderValue::from(crc32fast::hash(&answer.body));
    answer.headers.insert(CRC32, crc32);
    let id = format!("{:X}{:X}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    if let Ok(id) = HeaderValue::from_str(&format!("{id:.52}")) {
        answer.headers.insert(REQUEST_ID, id);
    }
    answer
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

fn write<T: Serialize>(response: &T) -> Result<String, DynoxideError> {
    serde_json::to_string(response)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn read<T: DeserializeOwned>(operation: &str, body: &str) -> Result<T, DynoxideError> {
    serde_json::from_str(body).map_err(|error| malformed(operation, &error))
}

/// Returns the error for a request that does not have the shape of the operation.
///
/// Some messages of the engine's types begin with the kind of the error. The kinds are those of
/// DynamoDB, the texts not always: SDKs send well-formed requests.
fn malformed(operation: &str, error: &serde_json::Error) -> DynoxideError {
    use DynoxideError::{SerializationException, ValidationException};

    if error.classify() != Category::Data {
        // For invalid JSON DynamoDB gives no message.
        return SerializationException(String::new());
    }
    let text = error.to_string();
    let message = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    if let Some(message) = message.strip_prefix("VALIDATION_REQUEST:") {
        return ValidationException(match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                format!("1 validation error detected: {message}")
            }
            _ => message.to_owned(),
        });
    }
    for prefix in ["VALIDATION_AS_READ:", "VALIDATION:"] {
        if let Some(message) = message.strip_prefix(prefix) {
            return ValidationException(message.to_owned());
        }
    }
    for prefix in ["SERIALIZATION_AS_READ:", "SERIALIZATION:"] {
        if let Some(message) = message.strip_prefix(prefix) {
            return SerializationException(message.to_owned());
        }
    }
    if message.contains("empty AttributeValue") {
        return ValidationException(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
                .to_owned(),
        );
    }
    let invalid = [
        "missing field",
        "unknown variant",
        "invalid type: null",
        "Supplied AttributeValue",
    ];
    if invalid.iter().any(|part| message.contains(part)) {
        return ValidationException(message.to_owned());
    }
    SerializationException(message.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn post_to(database: &Database, target: &str, body: &str) -> (u16, Value) {
        let (request, ()) = axum::http::Request::post("/")
            .header("x-amz-target", target)
            .header("content-type", JSON)
            .body(())
            .unwrap()
            .into_parts();
        let answer = answer(database, &request, body.as_bytes());
        let json = serde_json::from_slice(&answer.body).unwrap();
        (answer.status.as_u16(), json)
    }

    #[test]
    fn errors_have_dynamodbs_types() {
        let database = Database::memory().unwrap();
        let missing = r#"{"TableName":"none","Key":{"pk":{"S":"a"}}}"#;
        let table = [
            ("GetItem", "no JSON", "SerializationException"),
            ("GetItem", "", "SerializationException"),
            ("GetItem", r#"{"TableName":5}"#, "SerializationException"),
            (
                "GetItem",
                r#"{"TableName":"none","Key":{"pk":{}}}"#,
                "ValidationException",
            ),
            ("GetItem", missing, "ResourceNotFoundException"),
            (
                "DescribeTable",
                r#"{"TableName":"none"}"#,
                "ResourceNotFoundException",
            ),
            ("MakeCoffee", "{}", "UnknownOperationException"),
        ];
        for (operation, body, kind) in table {
            let target = format!("DynamoDB_20120810.{operation}");
            let (status, answer) = post_to(&database, &target, body);
            let found = answer["__type"].as_str().unwrap_or_default();
            assert_eq!(status, 400, "{operation} {body}: {answer}");
            assert!(found.ends_with(kind), "{operation} {body}: {answer}");
        }
    }

    #[test]
    fn streams_have_a_target_of_their_own() {
        let database = Database::memory().unwrap();
        let (status, answer) = post_to(&database, "DynamoDBStreams_20120810.ListStreams", "{}");
        assert_eq!((status, answer), (200, json!({ "Streams": [] })));
    }
}

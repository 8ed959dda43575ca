//! What a table is, without what is in it. The engine's `DescribeTable` counts the items and their
//! bytes, and reads all of them for that: a start with a million messages would read a gigabyte.

use dynoxide::{Database, DynoxideError, storage::TableMetadata, streams::stream_arn};
use serde_json::{Value, json};

/// Describes a table as `DescribeTable` does: its keys, indexes, stream and status. `None` if there
/// is no such table.
pub(super) fn define(database: &Database, table: &str) -> Result<Option<Value>, DynoxideError> {
    let found = database.get_table_metadata(table)?;
    Ok(found.map(|table| json!({ "Table": description(&table) })))
}

fn description(table: &TableMetadata) -> Value {
    let view = &table.stream_view_type;
    let stream = json!({ "StreamEnabled": true, "StreamViewType": view });
    let arn = table
        .stream_label
        .as_ref()
        .map(|label| stream_arn(&table.table_name, label));
    json!({
        "TableName": table.table_name,
        "TableStatus": table.table_status,
        "KeySchema": stored(Some(&table.key_schema)),
        "AttributeDefinitions": stored(Some(&table.attribute_definitions)),
        "GlobalSecondaryIndexes": active(stored(table.gsi_definitions.as_ref())),
        "LocalSecondaryIndexes": stored(table.lsi_definitions.as_ref()),
        "StreamSpecification": table.stream_enabled.then_some(stream),
        "LatestStreamArn": arn.filter(|_| table.stream_enabled),
    })
}

/// Reads a member that the engine keeps as JSON, as `CreateTable` had it.
fn stored(json: Option<&String>) -> Value {
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

/// The engine fills an index before it answers the call that creates it.
fn active(mut indexes: Value) -> Value {
    let each = indexes.as_array_mut().into_iter().flatten();
    for index in each.filter_map(Value::as_object_mut) {
        index.insert("IndexStatus".to_owned(), "ACTIVE".into());
    }
    indexes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamodb::embedded::operations::operate;

    const TABLE: &str = r#"{
        "TableName": "chat",
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"}
        ],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"}
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-time",
            "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["body"]}
        }],
        "LocalSecondaryIndexes": [{
            "IndexName": "local",
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "at", "KeyType": "RANGE"}
            ],
            "Projection": {"ProjectionType": "ALL"}
        }],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}
    }"#;

    fn call(database: &Database, operation: &str, body: &str) -> (bool, Value) {
        let answer = operate(database, operation, body);
        let json = serde_json::from_slice(&answer.body).unwrap();
        (answer.status.is_success(), json)
    }

    #[test]
    fn a_definition_has_what_describe_table_has_apart_from_counts() {
        let database = Database::memory().unwrap();
        assert_eq!(define(&database, "chat").unwrap(), None);
        assert!(call(&database, "CreateTable", TABLE).0);
        let (_, described) = call(&database, "DescribeTable", r#"{"TableName":"chat"}"#);
        let defined = define(&database, "chat").unwrap().unwrap();
        assert!(is_part(&defined, &described), "{defined} of {described}");
        assert_eq!(defined["Table"]["TableStatus"], "ACTIVE");
        assert_eq!(described["Table"]["ItemCount"], 0);
        assert_eq!(defined["Table"].get("ItemCount"), None);
    }

    /// Whether each member of `part` is in `whole`, at any depth.
    fn is_part(part: &Value, whole: &Value) -> bool {
        match (part, whole) {
            (Value::Object(part), Value::Object(whole)) => part
                .iter()
                .all(|(name, value)| whole.get(name).is_some_and(|found| is_part(value, found))),
            (Value::Array(part), Value::Array(whole)) => {
                part.len() == whole.len()
                    && part
                        .iter()
                        .zip(whole)
                        .all(|(part, whole)| is_part(part, whole))
            }
            _ => part == whole,
        }
    }
}

//! The keys of the items that a call names, as the trace shows them. Other attributes are never
//! shown: they may be what users wrote.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value};

use super::backend::Backend;

/// Longer requests are not parsed again.
const LONGEST_REQUEST: usize = 64 * 1024;
/// The most items of a batch or a transaction whose keys are shown.
const MOST_ITEMS: usize = 8;
/// The most tables whose keys are remembered. Callers choose the names.
const MOST_TABLES: usize = 256;

/// The names of the key attributes of each table, asked for once.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyNames(Arc<Mutex<HashMap<String, Arc<[String]>>>>);

impl KeyNames {
    /// Returns the names for a table. Empty if there is no such table.
    async fn of(&self, backend: &Backend, table: &str) -> Arc<[String]> {
        if let Some(known) = self.known().get(table) {
            return Arc::clone(known);
        }
        let names = match backend.describe(table).await {
            Ok(answer) => names(&answer.body),
            Err(_) => Vec::new(),
        };
        let names: Arc<[String]> = names.into();
        let mut known = self.known();
        if known.len() < MOST_TABLES && !names.is_empty() {
            known.insert(table.to_owned(), Arc::clone(&names));
        }
        names
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Arc<[String]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn names(description: &[u8]) -> Vec<String> {
    let description: Value = serde_json::from_slice(description).unwrap_or_default();
    let schema = description.pointer("/Table/KeySchema");
    let schema = schema.and_then(Value::as_array).into_iter().flatten();
    let names = schema.filter_map(|part| part.get("AttributeName")?.as_str());
    names.map(str::to_owned).collect()
}

/// Returns the keys that a request names, for example `pk=user#ada sk=profile`. Empty if it names
/// none.
pub(super) async fn shown(names: &KeyNames, backend: &Backend, body: &[u8]) -> String {
    if body.len() > LONGEST_REQUEST {
        return String::new();
    }
    let Ok(Value::Object(request)) = serde_json::from_slice(body) else {
        return String::new();
    };
    if request.contains_key("KeyConditionExpression") {
        return condition(&request);
    }
    let mut keys = Vec::new();
    for (verb, table, part) in parts(&request).into_iter().take(MOST_ITEMS) {
        let key = match (part.get("Key"), part.get("Item")) {
            (Some(Value::Object(key)), _) => of_key(key),
            (None, Some(Value::Object(item))) => {
                let names = names.of(backend, table).await;
                let key = names.iter().filter_map(|name| {
                    let value = item.get(name)?;
                    Some((name.clone(), value.clone()))
                });
                of_key(&key.collect())
            }
            _ => continue,
        };
        keys.push(match verb {
            "" => key,
            verb => format!("{verb} {key}"),
        });
    }
    keys.join(", ")
}

/// Returns each item of a request: what is done with it, its table, and the object with its key.
fn parts(request: &Map<String, Value>) -> Vec<(&str, &str, &Map<String, Value>)> {
    let mut parts = Vec::new();
    if let Some(table) = request.get("TableName").and_then(Value::as_str) {
        parts.push(("", table, request));
    }
    let transacted = request.get("TransactItems").and_then(Value::as_array);
    for item in transacted.into_iter().flatten() {
        for (verb, part) in item.as_object().into_iter().flatten() {
            if let Value::Object(part) = part {
                let table = part.get("TableName").and_then(Value::as_str);
                parts.push((verb.as_str(), table.unwrap_or_default(), part));
            }
        }
    }
    let batched = request.get("RequestItems").and_then(Value::as_object);
    for (table, requests) in batched.into_iter().flatten() {
        let writes = requests.as_array().into_iter().flatten();
        for (verb, part) in writes.filter_map(Value::as_object).flatten() {
            if let Value::Object(part) = part {
                parts.push((verb.as_str(), table.as_str(), part));
            }
        }
    }
    parts
}

fn of_key(key: &Map<String, Value>) -> String {
    let values = key.iter();
    let values = values.map(|(name, value)| format!("{name}={}", text(value)));
    values.collect::<Vec<_>>().join(" ")
}

/// Returns the text of a value such as `{"S": "ada"}`.
fn text(value: &Value) -> String {
    let mut values = value.as_object().into_iter().flatten();
    match values.next() {
        Some((_, Value::String(text))) => text.clone(),
        _ => value.to_string(),
    }
}

/// Returns the condition of a query with the names and values of its placeholders.
fn condition(request: &Map<String, Value>) -> String {
    let expression = request
        .get("KeyConditionExpression")
        .and_then(Value::as_str);
    let object = |name: &str| request.get(name).and_then(Value::as_object);
    let names = object("ExpressionAttributeNames");
    let values = object("ExpressionAttributeValues");
    let mut shown = String::new();
    let mut rest = expression.unwrap_or_default();
    while let Some(begin) = rest.find(['#', ':']) {
        let (before, placeholder) = rest.split_at_checked(begin).unwrap_or((rest, ""));
        shown.push_str(before);
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let end = placeholder
            .char_indices()
            .skip(1)
            .find(|(_, character)| !is_part(*character))
            .map_or(placeholder.len(), |(end, _)| end);
        let (placeholder, after) = placeholder
            .split_at_checked(end)
            .unwrap_or((placeholder, ""));
        let name = names.and_then(|names| names.get(placeholder)?.as_str());
        let value = values.and_then(|values| values.get(placeholder)).map(text);
        match (name, value) {
            (Some(name), _) => shown.push_str(name),
            (None, Some(value)) => shown.push_str(&value),
            (None, None) => shown.push_str(placeholder),
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dynamodb::{Choice, Engine};

    #[tokio::test]
    async fn only_keys_are_shown() {
        let engine = Engine::start(Choice::Embedded, None).await.unwrap();
        let table = json!({
            "TableName": "notes",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "sk", "AttributeType": "N" },
            ],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" },
                { "AttributeName": "sk", "KeyType": "RANGE" },
            ],
        });
        engine
            .backend
            .administer("CreateTable", &table)
            .await
            .unwrap();
        let item = json!({ "pk": { "S": "a" }, "sk": { "N": "7" }, "text": { "S": "secret" } });
        let key = json!({ "pk": { "S": "a" }, "sk": { "N": "7" } });
        let names = KeyNames::default();
        for (request, expected) in [
            (json!({ "TableName": "notes", "Key": key }), "pk=a sk=7"),
            (json!({ "TableName": "notes", "Item": item }), "pk=a sk=7"),
            (json!({ "TableName": "other", "Item": item }), ""),
            (
                json!({ "TransactItems": [
                    { "Put": { "TableName": "notes", "Item": item } },
                    { "Delete": { "TableName": "notes", "Key": key } },
                ] }),
                "Put pk=a sk=7, Delete pk=a sk=7",
            ),
            (
                json!({ "RequestItems": { "notes": [{ "PutRequest": { "Item": item } }] } }),
                "PutRequest pk=a sk=7",
            ),
            (
                json!({
                    "TableName": "notes",
                    "KeyConditionExpression": "#p = :p AND sk > :s",
                    "FilterExpression": "#t = :t",
                    "ExpressionAttributeNames": { "#p": "pk", "#t": "text" },
                    "ExpressionAttributeValues": {
                        ":p": { "S": "a" }, ":s": { "N": "5" }, ":t": { "S": "secret" },
                    },
                }),
                "pk = a AND sk > 5",
            ),
            (json!([]), ""),
        ] {
            let shown = shown(&names, &engine.backend, request.to_string().as_bytes()).await;
            assert_eq!(shown, expected, "{request}");
        }
        engine.stop().await;
    }
}

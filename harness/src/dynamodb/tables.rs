//! The template's tables. They are created if they do not exist, and checked if they do.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{answer::Answer, backend::Backend, engine::Engine};
use crate::stack::Stack;

/// The time limit for a new table to become active.
const ACTIVATION_LIMIT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Why the tables of a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The engine does not answer.
    #[error("DynamoDB does not answer: {0}")]
    Engine(#[from] reqwest::Error),
    /// The engine's answer is not JSON.
    #[error("DynamoDB's answer is not JSON: {0}")]
    Answer(#[from] serde_json::Error),
    /// The engine refuses an operation on the table.
    #[error("{operation} of table {table} is refused: {reason}")]
    Refused {
        /// `CreateTable`, …
        operation: &'static str,
        /// The table's name.
        table: String,
        /// The engine's error.
        reason: String,
    },
    /// The data has a table of this name with another shape.
    #[error(
        "table {table} exists with a different {what}: the template says {wanted}, the data {found}; \
         use another data folder, or delete the table"
    )]
    Differs {
        /// The table's name.
        table: String,
        /// The part of the table.
        what: &'static str,
        /// The template's value, as in `CreateTable`.
        wanted: String,
        /// The existing value, as in `DescribeTable`.
        found: String,
    },
    /// The table was created but did not become active.
    #[error("table {0} does not become active")]
    Inactive(String),
}

/// Creates the tables of the stack that do not exist, and waits until all are active.
///
/// A table that exists must have the template's keys, indexes, stream and time to live. A second
/// call changes nothing.
///
/// # Errors
/// See [`TableError`].
pub async fn create_tables(stack: &Stack, engine: &Engine) -> Result<(), TableError> {
    let client = Client {
        backend: &engine.backend,
    };
    for table in &stack.tables {
        match client.describe(&table.name).await? {
            Some(found) => compare(&table.name, &table.create, &found)?,
            None => {
                let mut body = table.create.clone();
                if let Some(body) = body.as_object_mut() {
                    body.insert("TableName".to_owned(), table.name.as_str().into());
                }
                client.call("CreateTable", &table.name, &body).await?;
            }
        }
        client.await_active(&table.name).await?;
        if let Some(attribute) = &table.expires_by {
            client.expire_by(&table.name, attribute).await?;
        }
    }
    Ok(())
}

struct Client<'a> {
    backend: &'a Backend,
}

impl Client<'_> {
    /// Returns the `Table` of `DescribeTable`, or `None` if the table does not exist.
    async fn describe(&self, table: &str) -> Result<Option<Value>, TableError> {
        let (success, answer) = read(&self.backend.describe(table).await?)?;
        if success {
            return Ok(Some(member(&answer, "Table").clone()));
        }
        match member(&answer, "__type").as_str() {
            Some(kind) if kind.ends_with("ResourceNotFoundException") => Ok(None),
            _ => Err(refused("DescribeTable", table, &answer)),
        }
    }

    async fn await_active(&self, table: &str) -> Result<(), TableError> {
        let started = Instant::now();
        while started.elapsed() < ACTIVATION_LIMIT {
            if let Some(found) = self.describe(table).await? {
                let indexes = member(&found, "GlobalSecondaryIndexes")
                    .as_array()
                    .into_iter()
                    .flatten();
                if member(&found, "TableStatus") == "ACTIVE"
                    && indexes
                        .into_iter()
                        .all(|index| member(index, "IndexStatus") == "ACTIVE")
                {
                    return Ok(());
                }
            }
            sleep(POLL_INTERVAL).await;
        }
        Err(TableError::Inactive(table.to_owned()))
    }

    async fn expire_by(&self, table: &str, attribute: &str) -> Result<(), TableError> {
        let answer = self
            .call("DescribeTimeToLive", table, &json!({ "TableName": table }))
            .await?;
        let found = member(&answer, "TimeToLiveDescription");
        let enabled = matches!(
            member(found, "TimeToLiveStatus").as_str(),
            Some("ENABLED" | "ENABLING")
        );
        if !enabled {
            let wanted = json!({ "AttributeName": attribute, "Enabled": true });
            let body = json!({ "TableName": table, "TimeToLiveSpecification": wanted });
            self.call("UpdateTimeToLive", table, &body).await?;
            return Ok(());
        }
        require_equal(
            table,
            "time to live",
            &Value::from(attribute),
            member(found, "AttributeName"),
        )
    }

    async fn call(
        &self,
        operation: &'static str,
        table: &str,
        body: &Value,
    ) -> Result<Value, TableError> {
        let (success, answer) = read(&self.backend.administer(operation, body).await?)?;
        if success {
            Ok(answer)
        } else {
            Err(refused(operation, table, &answer))
        }
    }
}

/// Returns whether the operation succeeded, and the answer's body.
fn read(answer: &Answer) -> Result<(bool, Value), TableError> {
    let body = serde_json::from_slice(&answer.body)?;
    Ok((answer.status.is_success(), body))
}

fn refused(operation: &'static str, table: &str, answer: &Value) -> TableError {
    let message = member(answer, "message")
        .as_str()
        .or(member(answer, "Message").as_str());
    TableError::Refused {
        operation,
        table: table.to_owned(),
        reason: message.map_or_else(|| answer.to_string(), str::to_owned),
    }
}

/// Fails if an existing table differs from the template.
fn compare(table: &str, wanted: &Value, found: &Value) -> Result<(), TableError> {
    require_equal(
        table,
        "key",
        member(wanted, "KeySchema"),
        member(found, "KeySchema"),
    )?;
    let types = |value: &Value| {
        by_name(
            member(value, "AttributeDefinitions"),
            "AttributeName",
            &["AttributeType"],
        )
    };
    require_equal(
        table,
        "set of key attributes",
        &types(wanted),
        &types(found),
    )?;
    for (what, property) in [
        ("set of global indexes", "GlobalSecondaryIndexes"),
        ("set of local indexes", "LocalSecondaryIndexes"),
    ] {
        let indexes = |value: &Value| {
            by_name(
                member(value, property),
                "IndexName",
                &["KeySchema", "Projection"],
            )
        };
        require_equal(table, what, &indexes(wanted), &indexes(found))?;
    }
    require_equal(table, "stream", &stream(wanted), &stream(found))
}

/// Returns the given members of each element of a list, keyed by the elements' names: the order of
/// the elements has no meaning.
fn by_name(list: &Value, name: &str, members: &[&str]) -> Value {
    let elements: BTreeMap<String, Value> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|element| {
            let name = member(element, name).as_str().unwrap_or_default();
            let members = members
                .iter()
                .map(|member_name| normalized(member(element, member_name)));
            (name.to_owned(), members.collect())
        })
        .collect();
    json!(elements)
}

/// Sorts the lists of strings in a value: their order has no meaning.
fn normalized(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), normalized(value)))
            .collect(),
        Value::Array(array) if array.iter().all(Value::is_string) => {
            let mut sorted = array.clone();
            sorted.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            Value::Array(sorted)
        }
        other => other.clone(),
    }
}

fn stream(table: &Value) -> Value {
    let specification = member(table, "StreamSpecification");
    // Only `CreateTable` has `StreamEnabled`; a template has only the view type.
    match member(specification, "StreamEnabled") {
        Value::Bool(false) => Value::Null,
        _ => member(specification, "StreamViewType").clone(),
    }
}

fn require_equal(
    table: &str,
    what: &'static str,
    wanted: &Value,
    found: &Value,
) -> Result<(), TableError> {
    if wanted == found {
        return Ok(());
    }
    Err(TableError::Differs {
        table: table.to_owned(),
        what,
        wanted: wanted.to_string(),
        found: found.to_string(),
    })
}

static NULL: Value = Value::Null;

/// Returns a member of an object, or null if it does not exist.
fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&NULL)
}

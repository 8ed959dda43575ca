//! Reads the tables for developers, whatever engine has them.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{backend::Backend, engine::Engine};

/// The operations that change nothing.
const READS: [&str; 5] = ["DescribeTable", "GetItem", "ListTables", "Query", "Scan"];

/// The tables of one engine, to be read as the administrator. Clones share the engine.
#[derive(Clone, Debug)]
pub struct Browser {
    backend: Backend,
}

impl Engine {
    /// Returns the tables, to be read as the administrator.
    pub fn browser(&self) -> Browser {
        Browser {
            backend: self.backend.clone(),
        }
    }
}

impl Browser {
    /// Performs an operation that changes nothing, and returns the status and the answer. These calls
    /// are neither recorded nor billed.
    pub async fn read(&self, operation: &str, body: &Value) -> (StatusCode, Value) {
        if !READS.contains(&operation) {
            let message = format!("{operation} is none of {}", READS.join(", "));
            return (StatusCode::BAD_REQUEST, json!({ "message": message }));
        }
        match self.backend.administer(operation, body).await {
            Ok(answer) => (
                answer.status,
                serde_json::from_slice(&answer.body).unwrap_or_default(),
            ),
            Err(_) => {
                let message = "the DynamoDB engine does not answer";
                (StatusCode::BAD_GATEWAY, json!({ "message": message }))
            }
        }
    }

    /// Returns the size of the items of `tables` in bytes, and their number. Engines may update both
    /// from time to time only.
    pub async fn size(&self, tables: &BTreeSet<String>) -> (u64, u64) {
        let (mut bytes, mut items) = (0, 0);
        for table in tables {
            let asked = json!({ "TableName": table });
            let (_, described) = self.read("DescribeTable", &asked).await;
            let count = |pointer| described.pointer(pointer).and_then(Value::as_u64);
            bytes += count("/Table/TableSizeBytes").unwrap_or_default();
            items += count("/Table/ItemCount").unwrap_or_default();
        }
        (bytes, items)
    }
}

//! Calls of DynamoDB as far as the harness reads them, and the statements of policies.
//!
//! The first line is the operation, the second a statement or a list of them, the rest the body of
//! the call.

use harness::iam::{Demand, Statement, verdict};
use serde_json::Value;

use crate::message::first_line;

pub fn run(data: &[u8]) {
    let (operation, rest) = first_line(data);
    let (statements, body) = first_line(rest);
    let Ok(operation) = std::str::from_utf8(operation) else {
        return;
    };
    let demands = Demand::of_dynamodb(operation, body);
    assert!(!demands.is_empty(), "every call needs a permission");
    let statements = match serde_json::from_slice(statements) {
        Ok(Value::Array(all)) => all,
        Ok(one) => vec![one],
        Err(_) => return,
    };
    // Each demand is compared with each statement: only one of the two numbers may grow.
    let statements: Vec<_> = statements
        .into_iter()
        .take(4)
        .filter_map(|statement| Statement::of_role(statement).ok())
        .collect();
    for Demand { action, resource } in &demands {
        verdict(&statements, action, resource);
    }
}

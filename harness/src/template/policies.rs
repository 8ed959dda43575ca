//! `Policies` of a function: what it may do to other services.

use super::{problem::Problem, properties::Properties};
use crate::iam::Statement;

/// Returns the statements of all policies. `Policies` is one policy or a list of them.
pub(super) fn read(properties: &mut Properties<'_>) -> Result<Vec<Statement>, Problem> {
    let Some(policies) = properties.optional("Policies")? else {
        return Ok(Vec::new());
    };
    let mut statements = Vec::new();
    for policy in policies.items() {
        let Some(listed) = policy.get("Statement") else {
            return Err(policy.expected(
                "a policy with statements (Statement: …); the harness does not support managed policies and SAM's policy templates",
            ));
        };
        for statement in listed.items() {
            for key in ["Effect", "Action", "Resource"] {
                if statement.get(key).is_none() {
                    return Err(statement.expected(&format!("a statement with {key}")));
                }
            }
            let known = ["Sid", "Effect", "Action", "Resource"];
            let unknown = statement
                .entries()?
                .iter()
                .find(|entry| !known.contains(&entry.key.as_str()));
            let at = unknown.map_or(statement.at, |entry| entry.at);
            let parsed = Statement::of_role(statement.json()?)
                .map_err(|unsupported| Problem::at(at, unsupported.to_string()))?;
            statements.push(parsed);
        }
    }
    Ok(statements)
}

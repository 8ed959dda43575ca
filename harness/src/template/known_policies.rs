//! The policies that SAM and AWS offer by name: SAM's policy templates, and managed policies.
//!
//! `policies.json` has the statements about the services of the harness, and about SQS and S3. A
//! policy template of any other service needs none: a call of that service fails here in any case.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;

use super::{
    problem::{Place, Problem},
    yaml::Entry,
};
use crate::stack::{ACCOUNT, REGION};

static POLICIES: LazyLock<Policies> =
    LazyLock::new(|| serde_json::from_str(include_str!("policies.json")).unwrap_or_default());

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policies {
    templates: BTreeMap<String, Template>,
    templates_of_other_services: Vec<String>,
    /// By path and name.
    managed: BTreeMap<String, Vec<Value>>,
}

/// A policy template of SAM. `${NAME}` in a resource stands for a parameter.
#[derive(Deserialize)]
struct Template {
    parameters: Vec<String>,
    statements: Vec<Value>,
}

/// Returns the statements of a managed policy by its name or ARN, or `None` if it is not known.
pub(super) fn managed(name: &str) -> Option<&'static [Value]> {
    let name = name
        .strip_prefix("arn:aws:iam::aws:policy/")
        .unwrap_or(name);
    let known = POLICIES
        .managed
        .iter()
        .find(|(known, _)| *known == name || known.strip_prefix("service-role/") == Some(name));
    known.map(|(_, statements)| statements.as_slice())
}

/// Returns the statements of a policy template, `NAME: {PARAMETER: VALUE, …}`. Returns `None` if no
/// template has this name.
///
/// # Errors
/// Fails if a parameter is missing.
pub(super) fn template(policy: &Entry) -> Result<Option<Vec<Value>>, Problem> {
    let Some(template) = POLICIES.templates.get(&policy.key) else {
        let of_another_service = POLICIES.templates_of_other_services.contains(&policy.key);
        return Ok(of_another_service.then(Vec::new));
    };
    let mut values = vec![
        ("AWS::Partition", "aws"),
        ("AWS::Region", REGION),
        ("AWS::AccountId", ACCOUNT),
    ];
    for name in &template.parameters {
        let Some(value) = policy.value.get(name).filter(|value| !value.is_null()) else {
            return Err(missing(policy.at, &policy.key, name));
        };
        values.push((name, value.text()?));
    }
    let fill = |statement: &Value| filled(statement, &values);
    Ok(Some(template.statements.iter().map(fill).collect()))
}

fn missing(at: Place, policy: &str, parameter: &str) -> Problem {
    Problem::at(at, format!("{policy}: {parameter} is missing"))
}

/// Returns the statement with the values of the parameters in its resources.
fn filled(statement: &Value, values: &[(&str, &str)]) -> Value {
    let mut statement = statement.clone();
    let resources = statement.get_mut("Resource").and_then(Value::as_array_mut);
    for resource in resources.into_iter().flatten() {
        let mut text = resource.as_str().unwrap_or_default().to_owned();
        for (name, value) in values {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        *resource = text.into();
    }
    statement
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::Statement;

    #[test]
    fn every_known_policy_consists_of_valid_statements() {
        assert_eq!(POLICIES.templates.len(), 15);
        let values = ["TableName", "FunctionName", "QueueName", "BucketName"];
        let values: Vec<_> = values
            .into_iter()
            .chain(["StreamName", "LogGroupName", "AWS::Partition"])
            .chain(["AWS::Region", "AWS::AccountId"])
            .map(|name| (name, "x"))
            .collect();
        let templates = POLICIES.templates.values();
        let of_templates = templates.flat_map(|template| &template.statements);
        for statement in of_templates.chain(POLICIES.managed.values().flatten()) {
            let filled = filled(statement, &values);
            assert!(Statement::of_role(filled.clone()).is_ok(), "{filled}");
        }
    }
}

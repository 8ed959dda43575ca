//! `AWS::Serverless::SimpleTable`: a table with one key, as SAM expands it.

use serde_json::json;

use super::{
    problem::{Problem, Problems},
    properties::Properties,
    resource::Resource,
    scope::Scope,
    table,
};
use crate::stack::Table;

pub(super) fn read(resource: &Resource, scope: &Scope, problems: &mut Problems) -> Option<Table> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let name = table::name(id, &mut properties, scope);
    let name = problems.keep(name);
    let key = properties.nested("PrimaryKey");
    let key = problems.keep(key).and_then(|key| match key {
        Some(mut key) => {
            let read = primary_key(&mut key);
            key.finish(problems);
            problems.keep(read)
        }
        None => Some(("id".to_owned(), "S")),
    });
    properties.without_effect(&[
        "PointInTimeRecoverySpecification",
        // Capacity is not limited here.
        "ProvisionedThroughput",
        "SSESpecification",
        "Tags",
    ]);
    properties.finish(problems);
    let (name, (key, kind)) = (name?, key?);
    let create = json!({
        "TableName": name,
        "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": kind }],
        "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
    });
    Some(Table {
        name,
        create,
        expires_by: None,
    })
}

/// Returns the name and the type of the key.
fn primary_key(key: &mut Properties<'_>) -> Result<(String, &'static str), Problem> {
    let name = key.required("Name")?.text()?.to_owned();
    let kind = key.required("Type")?;
    let kind = match kind.text()? {
        "String" => "S",
        "Number" => "N",
        "Binary" => "B",
        _ => return Err(kind.expected("String, Number or Binary")),
    };
    Ok((name, kind))
}

//! `AWS::DynamoDB::Table`, as the body of the `CreateTable` call that CloudFormation makes.

use serde_json::{Map, Value, json};

use super::{
    problem::{Problem, Problems},
    properties::Properties,
    resource::Resource,
    scope::Scope,
    yaml::Node,
};
use crate::stack::Table;

pub(super) fn read(resource: &Resource, scope: &Scope, problems: &mut Problems) -> Option<Table> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let name = name(id, &mut properties, scope);
    let name = problems.keep(name);
    let create = create(&mut properties, problems);
    let expires_by = expires_by(&mut properties, problems);
    let expires_by = problems.keep(expires_by);
    properties.without_effect(&[
        // Storage and monitoring on AWS.
        "ContributorInsightsSpecification",
        "DeletionProtectionEnabled",
        "PointInTimeRecoverySpecification",
        "SSESpecification",
        "TableClass",
        "Tags",
        "WarmThroughput",
    ]);
    properties.finish(problems);
    let (name, mut create) = (name?, create?);
    create.insert("TableName".to_owned(), json!(name));
    Some(Table {
        name,
        create: Value::Object(create),
        expires_by: expires_by?,
    })
}

/// Returns the physical name of a table.
pub(super) fn name(
    logical_id: &str,
    properties: &mut Properties<'_>,
    scope: &Scope,
) -> Result<String, Problem> {
    match properties.text("TableName")? {
        Some(name) => Ok(name),
        None => match scope.references.get(logical_id) {
            Some(reference) => Ok(reference.id.clone()),
            None => Err(Problem::consequence()),
        },
    }
}

fn create(properties: &mut Properties<'_>, problems: &mut Problems) -> Option<Map<String, Value>> {
    let mut body = Map::new();
    let mut is_complete = true;
    let mut add =
        |key: &str, value: Result<Option<Value>, Problem>, problems: &mut Problems| match problems
            .keep(value)
        {
            Some(value) => body.extend(value.map(|value| (key.to_owned(), value))),
            None => is_complete = false,
        };
    for key in ["AttributeDefinitions", "KeySchema"] {
        let value = properties.required(key).and_then(|node| node.json());
        add(key, value.map(Some), problems);
    }
    let mode = properties.optional("BillingMode");
    let mode = mode.and_then(|mode| mode.map(|mode| mode.json()).transpose());
    add("BillingMode", mode, problems);
    for key in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        let value = indexes(key, properties, problems);
        add(key, value, problems);
    }
    let capacity = properties.optional("ProvisionedThroughput");
    let capacity = capacity.and_then(|node| node.map(|node| throughput(&node)).transpose());
    add("ProvisionedThroughput", capacity, problems);
    let stream = stream(properties, problems);
    add("StreamSpecification", stream, problems);
    is_complete.then_some(body)
}

fn indexes(
    key: &str,
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<Option<Value>, Problem> {
    let Some(indexes) = properties.optional(key)? else {
        return Ok(None);
    };
    let indexes = indexes
        .list()?
        .iter()
        .map(|node| index(node, problems))
        .collect::<Result<_, _>>()?;
    Ok(Some(Value::Array(indexes)))
}

fn stream(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<Option<Value>, Problem> {
    let Some(mut stream) = properties.nested("StreamSpecification")? else {
        return Ok(None);
    };
    let view = stream.required("StreamViewType")?.json()?;
    stream.finish(problems);
    Ok(Some(
        json!({ "StreamEnabled": true, "StreamViewType": view }),
    ))
}

fn index(node: &Node, problems: &mut Problems) -> Result<Value, Problem> {
    let mut properties = Properties::plain("index", node)?;
    let mut body = Map::new();
    for key in ["IndexName", "KeySchema", "Projection"] {
        body.insert(key.to_owned(), properties.required(key)?.json()?);
    }
    if let Some(capacity) = properties.optional("ProvisionedThroughput")? {
        body.insert("ProvisionedThroughput".to_owned(), throughput(&capacity)?);
    }
    properties.without_effect(&["ContributorInsightsSpecification", "WarmThroughput"]);
    properties.finish(problems);
    Ok(Value::Object(body))
}

/// Returns the capacity as numbers. Parameters give them as texts.
fn throughput(node: &Node) -> Result<Value, Problem> {
    let mut body = Map::new();
    for key in ["ReadCapacityUnits", "WriteCapacityUnits"] {
        let units = node.get(key).ok_or_else(|| node.expected(key))?;
        body.insert(
            key.to_owned(),
            json!(units.whole_number(1, u64::from(u32::MAX))?),
        );
    }
    Ok(Value::Object(body))
}

fn expires_by(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<Option<String>, Problem> {
    let Some(mut specification) = properties.nested("TimeToLiveSpecification")? else {
        return Ok(None);
    };
    let enabled = specification.required("Enabled")?.truth()?;
    let attribute = specification.optional("AttributeName")?;
    specification.finish(problems);
    match (enabled, attribute) {
        (false, _) => Ok(None),
        (true, Some(attribute)) => Ok(Some(attribute.text()?.to_owned())),
        (true, None) => Err(Problem::at(
            properties.at(),
            format!(
                "{}: TimeToLiveSpecification has no AttributeName",
                properties.owner()
            ),
        )),
    }
}

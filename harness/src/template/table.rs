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
    let name = properties
        .optional("TableName")
        .and_then(|name| name.map_or(Ok(id.to_owned()), |name| name.text().map(str::to_owned)));
    let name = problems.keep(name)?;
    let create = create(&name, &mut properties, problems);
    let create = problems.keep(create);
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
    Some(Table {
        name,
        create: create?,
        expires_by: expires_by?,
    })
}

fn create(
    name: &str,
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<Value, Problem> {
    let mut body = Map::new();
    body.insert("TableName".to_owned(), json!(name));
    for key in ["AttributeDefinitions", "KeySchema"] {
        body.insert(key.to_owned(), properties.required(key)?.json()?);
    }
    if let Some(mode) = properties.optional("BillingMode")? {
        body.insert("BillingMode".to_owned(), mode.json()?);
    }
    for key in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        if let Some(indexes) = properties.optional(key)? {
            let indexes = indexes
                .list()?
                .iter()
                .map(|node| index(node, problems))
                .collect::<Result<_, _>>()?;
            body.insert(key.to_owned(), Value::Array(indexes));
        }
    }
    if let Some(capacity) = properties.optional("ProvisionedThroughput")? {
        body.insert("ProvisionedThroughput".to_owned(), throughput(&capacity)?);
    }
    if let Some(mut stream) = properties.nested("StreamSpecification")? {
        let view = stream.required("StreamViewType")?.json()?;
        stream.finish(problems);
        body.insert(
            "StreamSpecification".to_owned(),
            json!({"StreamEnabled": true, "StreamViewType": view}),
        );
    }
    Ok(Value::Object(body))
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

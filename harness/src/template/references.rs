//! The values of `Ref` and `GetAtt` for resources.

use std::collections::BTreeMap;

use super::{
    api_ids::{api_id, part_id},
    problem::{Problem, Problems},
    protocol::{Protocol, protocol},
    resource::{Kind, Resource},
    scope::{Reference, STACK, Scope},
};
use crate::stack::{ACCOUNT, REGION, STREAM_LABEL};

/// The shortest name of a table that DynamoDB accepts, in characters.
const SHORTEST_TABLE_NAME: usize = 3;

/// Adds the values of `Ref` and `GetAtt` for all resources, and for the resources that SAM creates
/// from them. A physical name may refer to resources anywhere in the template.
pub(super) fn add(resources: &[Resource], scope: &mut Scope, problems: &mut Problems) {
    let mut waiting: Vec<_> = resources.iter().collect();
    while !waiting.is_empty() {
        let mut unresolved = Vec::new();
        for resource in &waiting {
            match name(resource, scope) {
                Ok(name) => {
                    let references = of_resource(resource, &name, scope);
                    scope.references.extend(references);
                }
                Err(problem) => unresolved.push((*resource, problem)),
            }
        }
        if unresolved.len() == waiting.len() {
            for (resource, problem) in unresolved {
                problems.add(problem);
                // References to this resource must not be reported, too.
                let references = of_resource(resource, &resource.logical_id, scope);
                scope.references.extend(references);
            }
            return;
        }
        // The other way round, so that a chain of names takes two turns in either order.
        waiting = unresolved
            .into_iter()
            .rev()
            .map(|(resource, _)| resource)
            .collect();
    }
}

/// Returns the references of a resource with this physical name.
fn of_resource(resource: &Resource, name: &str, scope: &Scope) -> BTreeMap<String, Reference> {
    let mut references = BTreeMap::new();
    let id = resource.logical_id.as_str();
    match resource.kind {
        Kind::Function | Kind::PlainFunction => {
            references.insert(
                id.to_owned(),
                reference(name, [("Arn", function_arn(name))]),
            );
            // SAM's name for the alias that it makes: `!Ref Function.Alias`.
            if let Some(alias) = published_alias(resource, scope) {
                let arn = format!("{}:{alias}", function_arn(name));
                references.insert(format!("{id}.Alias"), reference(&arn, []));
            }
            if resource.kind == Kind::Function && resource.properties.get("Role").is_none() {
                let role = format!("{id}Role");
                let role_arn = [("Arn", role_arn(&role))];
                references.insert(role.clone(), reference(&role, role_arn));
            }
        }
        Kind::Role => {
            let attributes = [("Arn", role_arn(name)), ("RoleId", name.to_owned())];
            references.insert(id.to_owned(), reference(name, attributes));
        }
        Kind::ManagedPolicy => {
            let arn = managed_policy_arn(name);
            let attributes = [("PolicyArn", arn.clone())];
            references.insert(id.to_owned(), reference(&arn, attributes));
        }
        Kind::Queue => {
            // A local URL: some clients of SQS call the URL of the queue.
            let url = format!("{}/{ACCOUNT}/{name}", scope.sqs_endpoint);
            let attributes = [
                ("Arn", format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")),
                ("QueueName", name.to_owned()),
                ("QueueUrl", url.clone()),
            ];
            references.insert(id.to_owned(), reference(&url, attributes));
        }
        Kind::Bucket => {
            let attributes = [
                ("Arn", format!("arn:aws:s3:::{name}")),
                ("DomainName", format!("{name}.s3.amazonaws.com")),
                (
                    "RegionalDomainName",
                    format!("{name}.s3.{REGION}.amazonaws.com"),
                ),
                (
                    "DualStackDomainName",
                    format!("{name}.s3.dualstack.{REGION}.amazonaws.com"),
                ),
                (
                    "WebsiteURL",
                    format!("http://{name}.s3-website-{REGION}.amazonaws.com"),
                ),
            ];
            references.insert(id.to_owned(), reference(name, attributes));
        }
        Kind::Topic => {
            let arn = format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}");
            let attributes = [("TopicArn", arn.clone()), ("TopicName", name.to_owned())];
            references.insert(id.to_owned(), reference(&arn, attributes));
        }
        Kind::Table | Kind::SimpleTable => {
            let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}");
            let stream = format!("{arn}/stream/{STREAM_LABEL}");
            let attributes = [("Arn", arn), ("StreamArn", stream)];
            references.insert(id.to_owned(), reference(name, attributes));
        }
        Kind::LogGroup => {
            let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*");
            references.insert(id.to_owned(), reference(name, [("Arn", arn)]));
        }
        Kind::WebSocketApi | Kind::HttpApi | Kind::Api => {
            let api_id = api_id(id);
            let host = format!("{api_id}.execute-api.{REGION}.amazonaws.com");
            let scheme = match protocol(resource, scope) {
                Some(Protocol::Http) => "https",
                Some(Protocol::WebSocket) | None => "wss",
            };
            let attributes = [
                ("ApiId", api_id.clone()),
                ("ApiEndpoint", format!("{scheme}://{host}")),
            ];
            references.insert(id.to_owned(), reference(&api_id, attributes));
        }
        Kind::Route => identified(&mut references, id, "RouteId"),
        Kind::Integration => identified(&mut references, id, "IntegrationId"),
        Kind::Authorizer => identified(&mut references, id, "AuthorizerId"),
        Kind::Deployment => identified(&mut references, id, "DeploymentId"),
        Kind::Stage => {
            references.insert(id.to_owned(), reference(name, []));
        }
        Kind::RouteResponse
        | Kind::IntegrationResponse
        | Kind::Permission
        | Kind::BucketPolicy
        | Kind::RolePolicy
        | Kind::EventSourceMapping
        | Kind::WithoutEffect => {
            references.insert(id.to_owned(), reference(id, []));
        }
    }
    if resource.kind == Kind::WebSocketApi {
        for entry in resource
            .properties
            .get("Routes")
            .and_then(|routes| routes.entries().ok())
            .unwrap_or_default()
        {
            let route = route_logical_id(id, &entry.key);
            identified(&mut references, &route, "RouteId");
        }
    }
    references
}

/// Returns the physical name. Fails if it refers to a resource whose own name is not known yet.
fn name(resource: &Resource, scope: &Scope) -> Result<String, Problem> {
    let property = match resource.kind {
        Kind::Function | Kind::PlainFunction => "FunctionName",
        Kind::Table | Kind::SimpleTable => "TableName",
        Kind::Role => "RoleName",
        Kind::ManagedPolicy => "ManagedPolicyName",
        Kind::Queue => "QueueName",
        Kind::Bucket => "BucketName",
        Kind::Topic => "TopicName",
        Kind::LogGroup => "LogGroupName",
        Kind::Stage => "StageName",
        _ => return Ok(resource.logical_id.clone()),
    };
    let resolved = match resource.properties.get(property) {
        Some(node) => scope.resolve(node)?,
        None => None,
    };
    match resolved {
        Some(node) => Ok(node.text()?.to_owned()),
        None => Ok(generated_name(resource)),
    }
}

/// Returns the name of a resource for which the template has none. On AWS it consists of the
/// stack's name, the logical id and random letters. Here it is the logical id, made valid where
/// needed.
fn generated_name(resource: &Resource) -> String {
    let id = &resource.logical_id;
    match resource.kind {
        Kind::Table | Kind::SimpleTable if id.len() < SHORTEST_TABLE_NAME => {
            format!("{STACK}-{id}")
        }
        // Bucket names have no capital letters.
        Kind::Bucket => format!("{STACK}-{}", id.to_lowercase()),
        _ => id.clone(),
    }
}

fn reference<const N: usize>(id: &str, attributes: [(&'static str, String); N]) -> Reference {
    Reference {
        id: id.to_owned(),
        attributes: attributes.into(),
        is_broken: false,
    }
}

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

pub(super) fn managed_policy_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:policy/{name}")
}

pub(super) fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// Returns the alias that SAM publishes for a function.
pub(super) fn published_alias(function: &Resource, scope: &Scope) -> Option<String> {
    let node = function.properties.get("AutoPublishAlias")?;
    let alias = scope.resolve(node).ok()??;
    Some(alias.text().ok()?.to_owned())
}

/// Adds a part of an API. Both `Ref` and the attribute give its id.
fn identified(
    references: &mut BTreeMap<String, Reference>,
    logical_id: &str,
    attribute: &'static str,
) {
    let id = part_id(logical_id);
    references.insert(
        logical_id.to_owned(),
        reference(&id, [(attribute, id.clone())]),
    );
}

/// Returns the logical id that SAM gives to a WebSocket route: `ChatApiSendmessageRoute` for the
/// API `ChatApi` and the route key `sendMessage`.
pub(super) fn route_logical_id(api: &str, route_key: &str) -> String {
    let key = route_key.trim_start_matches('$').to_lowercase();
    let mut letters = key.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{api}{first}{}Route", letters.as_str())
}

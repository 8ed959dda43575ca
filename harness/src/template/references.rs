//! The values of `Ref` and `GetAtt` for resources.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{
    problem::{Problem, Problems},
    resource::{Kind, Resource},
    scope::{Reference, Scope},
};
use crate::stack::{ACCOUNT, REGION};

/// Adds the values of `Ref` and `GetAtt` for all resources, and for the resources that SAM creates
/// from them. A physical name may refer to resources anywhere in the template.
pub(super) fn add(resources: &[Resource], scope: &mut Scope, problems: &mut Problems) {
    let mut waiting: Vec<_> = resources.iter().collect();
    while !waiting.is_empty() {
        let mut unresolved = Vec::new();
        for resource in &waiting {
            match name(resource, scope) {
                Ok(name) => scope.references.extend(of_resource(resource, &name)),
                Err(problem) => unresolved.push((*resource, problem)),
            }
        }
        if unresolved.len() == waiting.len() {
            for (resource, problem) in unresolved {
                problems.add(problem);
                // References to this resource must not be reported, too.
                scope
                    .references
                    .extend(of_resource(resource, &resource.logical_id));
            }
            return;
        }
        waiting = unresolved
            .into_iter()
            .map(|(resource, _)| resource)
            .collect();
    }
}

/// Returns the references of a resource with this physical name.
fn of_resource(resource: &Resource, name: &str) -> BTreeMap<String, Reference> {
    let mut references = BTreeMap::new();
    let id = resource.logical_id.as_str();
    match resource.kind {
        Kind::Function => {
            let role = format!("{id}Role");
            references.insert(
                id.to_owned(),
                reference(name, [("Arn", function_arn(name))]),
            );
            let role_arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
            references.insert(role.clone(), reference(&role, [("Arn", role_arn)]));
        }
        Kind::Table => {
            let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}");
            references.insert(id.to_owned(), reference(name, [("Arn", arn)]));
        }
        Kind::LogGroup => {
            let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*");
            references.insert(id.to_owned(), reference(name, [("Arn", arn)]));
        }
        Kind::WebSocketApi | Kind::HttpApi | Kind::Api => {
            let api_id = api_id(id);
            let host = format!("{api_id}.execute-api.{REGION}.amazonaws.com");
            let scheme = if resource.kind == Kind::HttpApi {
                "https"
            } else {
                "wss"
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
        Kind::RouteResponse | Kind::Permission | Kind::WithoutEffect => {
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
        Kind::Function => "FunctionName",
        Kind::Table => "TableName",
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
        None => Ok(resource.logical_id.clone()),
    }
}

fn reference<const N: usize>(id: &str, attributes: [(&'static str, String); N]) -> Reference {
    Reference {
        id: id.to_owned(),
        attributes: attributes.into(),
    }
}

pub(super) fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// Returns the id of an API: ten lower-case letters and digits, the same at every start.
pub(super) fn api_id(logical_id: &str) -> String {
    digest(logical_id, 10)
}

/// Returns the id of a part of an API, such as a route: seven lower-case letters and digits.
pub(super) fn part_id(logical_id: &str) -> String {
    digest(logical_id, 7)
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

fn digest(text: &str, length: usize) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(length)
        .filter_map(|byte| char::from_digit(u32::from(*byte) % 36, 36))
        .collect()
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

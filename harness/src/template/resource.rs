//! The `Resources` section: which resources there are, with what SAM's `Globals` add to them, and what others may refer
//! to by their names.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{
    problem::{Place, Problem, Problems},
    properties::Properties,
    scope::{Reference, Scope},
    yaml::{Content, Entry, Node},
};
use crate::stack::{ACCOUNT, REGION};

/// One resource whose condition holds.
pub(super) struct Resource {
    pub(super) logical_id: String,
    pub(super) at: Place,
    pub(super) kind: Kind,
    /// Together with those of `Globals`, unresolved.
    pub(super) properties: Node,
    pub(super) metadata: Option<Node>,
    pub(super) depends_on: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    WebSocketApi,
    HttpApi,
    /// Without SAM, as are the six that follow.
    Api,
    Route,
    RouteResponse,
    Integration,
    Authorizer,
    Stage,
    Deployment,
    Permission,
    Table,
    LogGroup,
    /// Needed on AWS; changes nothing of what the others do on one machine.
    WithoutEffect,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "AWS::Serverless::Function" => Kind::Function,
            "AWS::Serverless::WebSocketApi" => Kind::WebSocketApi,
            "AWS::Serverless::HttpApi" => Kind::HttpApi,
            "AWS::ApiGatewayV2::Api" => Kind::Api,
            "AWS::ApiGatewayV2::Authorizer" => Kind::Authorizer,
            "AWS::ApiGatewayV2::Deployment" => Kind::Deployment,
            "AWS::ApiGatewayV2::Integration" => Kind::Integration,
            "AWS::ApiGatewayV2::Route" => Kind::Route,
            "AWS::ApiGatewayV2::RouteResponse" => Kind::RouteResponse,
            "AWS::ApiGatewayV2::Stage" => Kind::Stage,
            "AWS::Lambda::Permission" => Kind::Permission,
            "AWS::DynamoDB::Table" => Kind::Table,
            "AWS::Logs::LogGroup" => Kind::LogGroup,
            "AWS::ApiGateway::Account"
            | "AWS::Budgets::Budget"
            | "AWS::CloudWatch::Alarm"
            | "AWS::CloudWatch::CompositeAlarm"
            | "AWS::CloudWatch::Dashboard"
            | "AWS::Logs::MetricFilter"
            | "AWS::Logs::QueryDefinition"
            | "AWS::SNS::Subscription"
            | "AWS::SNS::Topic" => Kind::WithoutEffect,
            _ => return None,
        })
    }

    /// The key under `Globals`.
    fn globals(self) -> Option<&'static str> {
        match self {
            Kind::Function => Some("Function"),
            Kind::WebSocketApi => Some("WebSocketApi"),
            Kind::HttpApi => Some("HttpApi"),
            _ => None,
        }
    }
}

/// All resources whose conditions hold, in the template's order.
pub(super) fn read(root: &Node, scope: &Scope, problems: &mut Problems) -> Vec<Resource> {
    let Some(section) = root.get("Resources") else {
        problems.add(Problem::at(root.at, "the template has no Resources"));
        return Vec::new();
    };
    let Some(entries) = problems.keep(section.entries()) else {
        return Vec::new();
    };
    let mut resources = Vec::new();
    for entry in entries {
        let read = resource(entry, root.get("Globals"), scope, problems);
        resources.extend(problems.keep(read).flatten());
    }
    resources
}

fn resource(
    entry: &Entry,
    globals: Option<&Node>,
    scope: &Scope,
    problems: &mut Problems,
) -> Result<Option<Resource>, Problem> {
    let mut attributes = Properties::plain(&entry.key, &entry.value)?;
    let kind_name = attributes.required("Type")?;
    let condition = attributes.optional("Condition")?;
    let own = attributes.optional("Properties")?;
    let metadata = attributes.optional("Metadata")?;
    let depends_on = attributes.optional("DependsOn")?;
    attributes.without_effect(&["DeletionPolicy", "UpdateReplacePolicy"]);
    attributes.finish(problems);

    if let Some(condition) = condition {
        match scope.conditions.get(condition.text()?) {
            Some(true) => {}
            Some(false) => return Ok(None),
            None => {
                return Err(Problem::at(
                    condition.at,
                    format!("no condition is called {}", condition.text()?),
                ));
            }
        }
    }
    let Some(kind) = Kind::of(kind_name.text()?) else {
        return Err(Problem::at(
            kind_name.at,
            format!(
                "{}: the harness has no {}: leave it out of local runs by a Condition, or teach the harness",
                entry.key,
                kind_name.text()?
            ),
        ));
    };
    let own = own.unwrap_or(Node {
        at: entry.at,
        content: Content::Map(Vec::new()),
    });
    let properties = match kind.globals().and_then(|section| globals?.get(section)) {
        Some(globals) => merged(globals, &own),
        None => own,
    };
    Ok(Some(Resource {
        logical_id: entry.key.clone(),
        at: entry.at,
        kind,
        properties,
        metadata,
        depends_on: depends_on.map_or(Ok(Vec::new()), |node| node.texts())?,
    }))
}

/// As SAM merges `Globals`: mappings key by key, lists one after the other, and else the resource's own value wins.
fn merged(global: &Node, own: &Node) -> Node {
    let content = match (&global.content, &own.content) {
        (Content::Map(global), Content::Map(own)) => {
            let mut entries = own.clone();
            for inherited in global {
                match entries.iter_mut().find(|entry| entry.key == inherited.key) {
                    Some(entry) => entry.value = merged(&inherited.value, &entry.value),
                    None => entries.push(inherited.clone()),
                }
            }
            Content::Map(entries)
        }
        (Content::List(global), Content::List(own)) => {
            Content::List([global.as_slice(), own.as_slice()].concat())
        }
        _ => own.content.clone(),
    };
    Node {
        at: own.at,
        content,
    }
}

/// What `Ref` and `GetAtt` give for the resources, and for those that SAM makes of them.
pub(super) fn references(
    resources: &[Resource],
    scope: &Scope,
    problems: &mut Problems,
) -> BTreeMap<String, Reference> {
    let mut references = BTreeMap::new();
    for resource in resources {
        let id = resource.logical_id.as_str();
        match resource.kind {
            Kind::Function => {
                let name = name(resource, "FunctionName", scope, problems);
                let role = format!("{id}Role");
                references.insert(
                    id.to_owned(),
                    reference(&name, [("Arn", function_arn(&name))]),
                );
                let role_arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
                references.insert(role.clone(), reference(&role, [("Arn", role_arn)]));
            }
            Kind::Table => {
                let name = name(resource, "TableName", scope, problems);
                let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}");
                references.insert(id.to_owned(), reference(&name, [("Arn", arn)]));
            }
            Kind::LogGroup => {
                let name = name(resource, "LogGroupName", scope, problems);
                let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*");
                references.insert(id.to_owned(), reference(&name, [("Arn", arn)]));
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
                let name = name(resource, "StageName", scope, problems);
                references.insert(id.to_owned(), reference(&name, []));
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
    }
    references
}

/// The physical name; it may be made of parameters, but not of other resources.
fn name(resource: &Resource, property: &str, scope: &Scope, problems: &mut Problems) -> String {
    resource
        .properties
        .get(property)
        .and_then(|node| problems.keep(scope.resolve(node)).flatten())
        .and_then(|node| problems.keep(node.text().map(str::to_owned)))
        .unwrap_or_else(|| resource.logical_id.clone())
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

/// Ten lower-case letters and digits, the same at every start.
pub(super) fn api_id(logical_id: &str) -> String {
    digest(logical_id, 10)
}

/// What the gateway would call a route, or another piece of an API: seven lower-case letters and digits.
pub(super) fn piece_id(logical_id: &str) -> String {
    digest(logical_id, 7)
}

/// A piece of an API, for which both `Ref` and an attribute give its id.
fn identified(
    references: &mut BTreeMap<String, Reference>,
    logical_id: &str,
    attribute: &'static str,
) {
    let id = piece_id(logical_id);
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

/// The logical id that SAM gives to a WebSocket route: `ChatApi` and `sendMessage` make `ChatApiSendmessageRoute`.
pub(super) fn route_logical_id(api: &str, route_key: &str) -> String {
    let key = route_key.trim_start_matches('$').to_lowercase();
    let mut letters = key.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{api}{first}{}Route", letters.as_str())
}

//! The `Resources` section, merged with SAM's `Globals`.

use std::collections::BTreeMap;

use super::{
    problem::{Place, Problem, Problems},
    properties::Properties,
    scope::{Reference, Scope},
    yaml::{Content, Entry, Node},
};

/// The transform of SAM.
pub(super) const SAM: &str = "AWS::Serverless-2016-10-31";

/// CloudFormation's limit of resources in a template.
const MOST_RESOURCES: usize = 500;

/// The logical id that SAM gives to the API of events without an `ApiId`.
pub(super) const IMPLICIT_HTTP_API: &str = "ServerlessHttpApi";

/// A resource whose condition is true.
pub(super) struct Resource {
    pub(super) logical_id: String,
    pub(super) at: Place,
    pub(super) kind: Kind,
    /// Merged with those of `Globals`; intrinsic functions are not evaluated yet.
    pub(super) properties: Node,
    pub(super) metadata: Option<Node>,
    pub(super) depends_on: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    /// `AWS::Lambda::Function`.
    PlainFunction,
    WebSocketApi,
    HttpApi,
    /// `AWS::ApiGatewayV2::Api`. This and the following seven are not SAM's.
    Api,
    Route,
    RouteResponse,
    Integration,
    IntegrationResponse,
    Authorizer,
    Stage,
    Deployment,
    Permission,
    Table,
    SimpleTable,
    LogGroup,
    Role,
    /// `AWS::IAM::Policy` and `AWS::IAM::RolePolicy`: statements that are added to roles.
    RolePolicy,
    ManagedPolicy,
    Queue,
    Bucket,
    BucketPolicy,
    EventSourceMapping,
    Topic,
    /// Needed on AWS, without effect on a local run.
    WithoutEffect,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "AWS::Serverless::Function" => Kind::Function,
            "AWS::Lambda::Function" => Kind::PlainFunction,
            "AWS::Serverless::WebSocketApi" => Kind::WebSocketApi,
            "AWS::Serverless::HttpApi" => Kind::HttpApi,
            "AWS::ApiGatewayV2::Api" => Kind::Api,
            "AWS::ApiGatewayV2::Authorizer" => Kind::Authorizer,
            "AWS::ApiGatewayV2::Deployment" => Kind::Deployment,
            "AWS::ApiGatewayV2::Integration" => Kind::Integration,
            "AWS::ApiGatewayV2::IntegrationResponse" => Kind::IntegrationResponse,
            "AWS::ApiGatewayV2::Route" => Kind::Route,
            "AWS::ApiGatewayV2::RouteResponse" => Kind::RouteResponse,
            "AWS::ApiGatewayV2::Stage" => Kind::Stage,
            "AWS::Lambda::Permission" => Kind::Permission,
            "AWS::DynamoDB::Table" => Kind::Table,
            "AWS::Serverless::SimpleTable" => Kind::SimpleTable,
            "AWS::Logs::LogGroup" => Kind::LogGroup,
            "AWS::IAM::Role" => Kind::Role,
            "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => Kind::RolePolicy,
            "AWS::IAM::ManagedPolicy" => Kind::ManagedPolicy,
            "AWS::SQS::Queue" => Kind::Queue,
            "AWS::S3::Bucket" => Kind::Bucket,
            "AWS::S3::BucketPolicy" => Kind::BucketPolicy,
            "AWS::Lambda::EventSourceMapping" => Kind::EventSourceMapping,
            "AWS::SNS::Topic" => Kind::Topic,
            "AWS::ApiGateway::Account"
            // The harness ignores custom domains. Functions with layers are an error of their own.
            | "AWS::ApiGatewayV2::ApiMapping"
            | "AWS::ApiGatewayV2::DomainName"
            | "AWS::Budgets::Budget"
            | "AWS::CloudWatch::Alarm"
            | "AWS::CloudWatch::CompositeAlarm"
            | "AWS::CloudWatch::Dashboard"
            | "AWS::Lambda::LayerVersion"
            | "AWS::Logs::MetricFilter"
            | "AWS::Logs::QueryDefinition"
            | "AWS::Logs::ResourcePolicy"
            | "AWS::SNS::Subscription"
            | "AWS::SNS::TopicPolicy"
            | "AWS::SQS::QueuePolicy"
            | "AWS::Serverless::LayerVersion" => Kind::WithoutEffect,
            _ => return None,
        })
    }

    /// Returns the key of this kind under `Globals`.
    fn globals(self) -> Option<&'static str> {
        match self {
            Kind::Function => Some("Function"),
            Kind::WebSocketApi => Some("WebSocketApi"),
            Kind::HttpApi => Some("HttpApi"),
            Kind::SimpleTable => Some("SimpleTable"),
            _ => None,
        }
    }
}

/// Reads all resources whose conditions are true, in the order of the template. `scope` learns the
/// logical ids of those with problems.
pub(super) fn read(root: &Node, scope: &mut Scope, problems: &mut Problems) -> Vec<Resource> {
    let Some(section) = root.get("Resources") else {
        problems.add(Problem::at(root.at, "the template has no Resources"));
        return Vec::new();
    };
    let Some(entries) = problems.keep(section.entries()) else {
        return Vec::new();
    };
    if let Some(first) = entries.get(MOST_RESOURCES) {
        problems.add(Problem::at(
            first.at,
            format!(
                "CloudFormation accepts at most {MOST_RESOURCES} resources in a template, and this is one more: split it"
            ),
        ));
        return Vec::new();
    }
    let mut resources = Vec::new();
    for entry in entries {
        let read = resource(entry, root, scope, problems);
        match problems.keep(read) {
            Some(resource) => resources.extend(resource),
            None => {
                let id = entry.key.clone();
                scope.references.insert(id, Reference::broken());
            }
        }
    }
    resources.extend(implicit_http_api(root, &resources));
    resources
}

/// Returns the API that SAM creates for `HttpApi` events without an `ApiId`, if there are such
/// events.
fn implicit_http_api(root: &Node, resources: &[Resource]) -> Option<Resource> {
    let is_implicit = |event: &&Entry| {
        let api_id = event.value.get("Properties").and_then(|it| it.get("ApiId"));
        event.value.get("Type").and_then(|kind| kind.text().ok()) == Some("HttpApi")
            && api_id.is_none_or(Node::is_null)
    };
    let event = resources
        .iter()
        .filter(|resource| resource.kind == Kind::Function)
        .filter_map(|function| function.properties.get("Events")?.entries().ok())
        .flatten()
        .find(is_implicit)?;
    let globals = root.get("Globals").and_then(|it| it.get("HttpApi"));
    Some(Resource {
        logical_id: IMPLICIT_HTTP_API.to_owned(),
        at: event.at,
        kind: Kind::HttpApi,
        properties: globals.cloned().unwrap_or(Node {
            at: event.at,
            content: Content::Map(Vec::new()),
        }),
        metadata: None,
        depends_on: Vec::new(),
    })
}

fn resource(
    entry: &Entry,
    root: &Node,
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

    if let Some(condition) = condition
        && !scope.holds(&condition)?
    {
        return Ok(None);
    }
    let Some(kind) = Kind::of(kind_name.text()?) else {
        return Err(Problem::at(
            kind_name.at,
            format!(
                "{}: the harness does not support {}: leave it out of local runs with a Condition",
                entry.key,
                kind_name.text()?,
            ),
        ));
    };
    if kind_name.text()?.starts_with("AWS::Serverless::") {
        require_sam(root, kind_name.at, kind_name.text()?)?;
    }
    let own = own.unwrap_or(Node {
        at: entry.at,
        content: Content::Map(Vec::new()),
    });
    let properties = match kind
        .globals()
        .and_then(|section| root.get("Globals")?.get(section))
    {
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

/// Fails if the template does not have SAM's transform, which `what` needs.
pub(super) fn require_sam(root: &Node, at: Place, what: &str) -> Result<(), Problem> {
    let transforms = root.get("Transform").map(Node::items).unwrap_or_default();
    if transforms.iter().any(|name| name.text() == Ok(SAM)) {
        return Ok(());
    }
    Err(Problem::at(
        at,
        format!(
            "CloudFormation knows {what} only with SAM: add `Transform: {SAM}` to the template"
        ),
    ))
}

/// Merges as SAM does: mappings key by key, lists one after the other. Otherwise the resource's own
/// value wins.
fn merged(global: &Node, own: &Node) -> Node {
    let content = match (&global.content, &own.content) {
        (Content::Map(global), Content::Map(own)) => {
            let mut entries = own.clone();
            let keys = own.iter().enumerate();
            let places: BTreeMap<_, _> = keys.map(|(at, entry)| (&entry.key, at)).collect();
            for inherited in global {
                let place = places.get(&inherited.key);
                match place.and_then(|place| entries.get_mut(*place)) {
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

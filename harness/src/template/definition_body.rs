//! `DefinitionBody` of SAM's `HttpApi`: an OpenAPI document. It may have routes with integrations
//! of their own, and it may repeat the routes of events, to which SAM adds their integrations.

use std::collections::BTreeMap;

use super::{
    api_gateway_v2::{Integration, Parts},
    functions::Functions,
    http_api,
    problem::{Place, Problem, Problems},
    properties::Properties,
    protocol::Protocol,
    yaml::{Content, Entry, Node},
};
use crate::stack::{HttpApi, HttpRoute};

/// Parts of a document and of an operation that describe the API.
const DESCRIPTIONS: [&str; 6] = [
    "info",
    "openapi",
    "servers",
    "swagger",
    "tags",
    "x-amazon-apigateway-importexport-version",
];
const DESCRIPTIONS_OF_OPERATIONS: [&str; 6] = [
    "description",
    "operationId",
    "parameters",
    "responses",
    "summary",
    "tags",
];
const INTEGRATION: &str = "x-amazon-apigateway-integration";

/// The names of an integration in OpenAPI that differ from those in CloudFormation by more than
/// their first letter.
const NAMES: [(&str, &str); 4] = [
    ("type", "IntegrationType"),
    ("uri", "IntegrationUri"),
    ("httpMethod", "IntegrationMethod"),
    ("credentials", "CredentialsArn"),
];

/// What the routes of a document need from the rest of the template.
pub(super) struct Surroundings<'a> {
    pub(super) functions: &'a Functions,
    pub(super) parts: &'a Parts,
    /// The name of the authorizer of routes that name none.
    pub(super) authorizer: Option<String>,
    /// The scopes of its routes.
    pub(super) scopes: Vec<String>,
}

/// Adds the routes of the document with integrations of their own to `api`, which has the routes of
/// events.
pub(super) fn read(
    document: &Node,
    surroundings: &Surroundings<'_>,
    api: &mut HttpApi,
    problems: &mut Problems,
) {
    let mut routes = Vec::new();
    for part in entries(document, problems) {
        match part.key.as_str() {
            "paths" => {
                for path in entries(&part.value, problems) {
                    for operation in entries(&path.value, problems) {
                        let operation = Operation::of(path, operation);
                        routes.extend(operation.route(surroundings, api, problems));
                    }
                }
            }
            "x-amazon-apigateway-cors" => {
                let cors = Properties::plain(&part.key, &capitalized(&part.value))
                    .and_then(|properties| http_api::cors(properties, problems));
                let cors = problems.keep(cors);
                // SAM replaces these by those of `CorsConfiguration`.
                api.cors = api.cors.take().or(cors);
            }
            known if DESCRIPTIONS.contains(&known) => {}
            _ => problems.add(unsupported(part)),
        }
    }
    api.routes.extend(routes);
}

struct Operation<'a> {
    method: String,
    /// `$default` for the document's `/$default`.
    path: &'a str,
    at: Place,
    parts: &'a [Entry],
}

impl<'a> Operation<'a> {
    fn of(path: &'a Entry, operation: &'a Entry) -> Self {
        let method = match operation.key.as_str() {
            "x-amazon-apigateway-any-method" => "ANY".to_owned(),
            method => method.to_uppercase(),
        };
        Self {
            method,
            path: match path.key.as_str() {
                "/$default" => "$default",
                path => path,
            },
            at: operation.at,
            parts: operation.value.entries().unwrap_or_default(),
        }
    }

    /// Returns the route if the operation has an integration. Without one, it must repeat the route
    /// of an event.
    fn route(
        &self,
        surroundings: &Surroundings<'_>,
        api: &HttpApi,
        problems: &mut Problems,
    ) -> Option<HttpRoute> {
        let mut integration = None;
        for part in self.parts {
            match part.key.as_str() {
                INTEGRATION => integration = Some(part),
                // The path says it.
                "isDefaultRoute" if self.path == "$default" => {}
                known if DESCRIPTIONS_OF_OPERATIONS.contains(&known) => {}
                _ => {
                    problems.add(unsupported(part));
                    return None;
                }
            }
        }
        let is_it = |route: &HttpRoute| route.method == self.method && route.path == self.path;
        let has_event = api.routes.iter().any(is_it);
        match integration {
            Some(entry) if has_event => {
                problems.add(Problem::at(
                    entry.at,
                    format!(
                        "an event of a function is for {} {}, too, so SAM refuses this integration: \
                         remove one",
                        self.method, self.path
                    ),
                ));
                None
            }
            Some(entry) => self.integrated(&entry.value, surroundings, api, problems),
            // An event with a problem of its own is missing from the routes.
            None if !has_event && problems.is_empty() => {
                problems.add(Problem::at(
                    self.at,
                    format!(
                        "no event of a function is for {} {}, so the route would have no \
                         integration: add an event",
                        self.method, self.path
                    ),
                ));
                None
            }
            None => None,
        }
    }

    fn integrated(
        &self,
        integration: &Node,
        surroundings: &Surroundings<'_>,
        api: &HttpApi,
        problems: &mut Problems,
    ) -> Option<HttpRoute> {
        let Surroundings {
            functions, parts, ..
        } = surroundings;
        let owner = format!("{} {}", self.method, self.path);
        let properties = Properties::plain(&owner, &as_in_cloudformation(integration));
        let mut properties = problems.keep(properties)?;
        let read = Integration::read(&mut properties, Protocol::Http, functions, problems);
        properties.finish(problems);
        let read = read?;
        let key = match self.path {
            "$default" => self.path,
            _ => &owner,
        };
        let granted = parts.require_http_permission(&read, api, key, self.at, &owner);
        problems.keep(granted)?;
        Some(HttpRoute {
            method: self.method.clone(),
            path: self.path.to_owned(),
            target: read.target.of_http(key, problems)?,
            authorizer: surroundings.authorizer.clone(),
            scopes: surroundings.scopes.clone(),
            timeout: read.timeout,
        })
    }
}

/// Returns the integration with the names and types of CloudFormation.
fn as_in_cloudformation(integration: &Node) -> Node {
    let names = BTreeMap::from(NAMES);
    let Ok(entries) = integration.entries() else {
        return integration.clone();
    };
    let renamed = entries.iter().map(|entry| {
        let mut entry = match names.get(entry.key.as_str()) {
            Some(name) => Entry {
                key: (*name).to_owned(),
                ..entry.clone()
            },
            None => capitalized_entry(entry),
        };
        if entry.key == "IntegrationType"
            && let Ok(kind) = entry.value.text()
        {
            entry.value = Node::text_at(entry.value.at, kind.to_uppercase());
        }
        entry
    });
    Node {
        at: integration.at,
        content: Content::Map(renamed.collect()),
    }
}

/// Returns a mapping whose names begin with a capital letter.
fn capitalized(node: &Node) -> Node {
    match node.entries() {
        Ok(entries) => Node {
            at: node.at,
            content: Content::Map(entries.iter().map(capitalized_entry).collect()),
        },
        Err(_) => node.clone(),
    }
}

fn capitalized_entry(entry: &Entry) -> Entry {
    let mut letters = entry.key.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    Entry {
        key: first.into_iter().chain(letters).collect(),
        ..entry.clone()
    }
}

fn unsupported(part: &Entry) -> Problem {
    Problem::at(
        part.at,
        format!(
            "the harness does not support {} in a DefinitionBody: declare routes as events of \
             functions, and everything else as properties of the API",
            part.key
        ),
    )
}

fn entries<'a>(node: &'a Node, problems: &mut Problems) -> &'a [Entry] {
    problems.keep(node.entries()).unwrap_or_default()
}

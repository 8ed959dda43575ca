//! `DefinitionBody` of SAM's `HttpApi`, if it only repeats the routes of events. SAM adds the
//! integrations of the events to it. Integrations in the document itself are not supported.

use super::{
    problem::{Problem, Problems},
    yaml::{Entry, Node},
};
use crate::stack::HttpRoute;

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

/// Reports everything in the document that does not describe one of `routes`, the routes of events.
pub(super) fn check(document: &Node, routes: &[HttpRoute], problems: &mut Problems) {
    for part in entries(document, problems) {
        if part.key == "paths" {
            for path in entries(&part.value, problems) {
                for operation in entries(&path.value, problems) {
                    check_operation(path, operation, routes, problems);
                }
            }
        } else if !DESCRIPTIONS.contains(&part.key.as_str()) {
            problems.add(unsupported(part));
        }
    }
}

fn check_operation(path: &Entry, operation: &Entry, routes: &[HttpRoute], problems: &mut Problems) {
    let described = operation.value.entries().unwrap_or_default();
    let other = described
        .iter()
        .find(|part| !DESCRIPTIONS_OF_OPERATIONS.contains(&part.key.as_str()));
    if let Some(part) = other {
        problems.add(unsupported(part));
        return;
    }
    let method = match operation.key.as_str() {
        "x-amazon-apigateway-any-method" => "ANY".to_owned(),
        method => method.to_uppercase(),
    };
    let is_it = |route: &HttpRoute| route.method == method && route.path == path.key;
    // An event with a problem of its own is missing from `routes`.
    if problems.is_empty() && !routes.iter().any(is_it) {
        problems.add(Problem::at(
            operation.at,
            format!(
                "no event of a function is for {method} {}, so the route would have no \
                 integration: add an event",
                path.key
            ),
        ));
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

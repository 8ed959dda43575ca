//! Reads a SAM template into a [`Stack`] as CloudFormation and SAM do, with the values of a local
//! run.
//!
//! Everything that would change behaviour and is not supported is an error with its line. Resources
//! and properties without an effect on a local run (alarms, log groups, tags, deployment settings)
//! are listed by name and ignored. `Outputs` are not evaluated.

mod api_gateway_v2;
mod code;
mod conditions;
mod event_source;
mod function;
mod functions;
mod http_api;
mod parameters;
mod policies;
mod problem;
mod properties;
mod references;
mod resource;
mod scope;
mod table;
mod throttling;
mod websocket_api;
mod yaml;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use self::{
    api_gateway_v2::Parts,
    event_source::EventSource,
    functions::Functions,
    problem::{Problem, Problems},
    resource::{Kind, Resource},
    scope::Scope,
    yaml::Node,
};
pub use self::{
    parameters::Local,
    problem::{InvalidTemplate, TemplateError},
};
use crate::stack::{HttpApi, Stack, Table, WebSocketApi};

/// Reads the template at `path`. `overrides` are parameter values from the command line.
///
/// # Errors
/// Fails if the file cannot be read, or if the template has problems. The error lists all of them.
pub fn load(
    path: &Path,
    local: &Local,
    overrides: &BTreeMap<String, String>,
) -> Result<Stack, TemplateError> {
    let unreadable = |source| TemplateError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let folder = std::path::absolute(path)
        .map_err(unreadable)?
        .parent()
        .map_or_else(PathBuf::new, Path::to_owned);
    let mut problems = Problems::default();
    let stack = problems
        .keep(yaml::parse(&text))
        .and_then(|root| stack(&root, &folder, local, overrides, &mut problems));
    problems.verdict(path, stack)
}

fn stack(
    root: &Node,
    folder: &Path,
    local: &Local,
    overrides: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> Option<Stack> {
    problems.keep(sections(root));
    let mut scope = Scope {
        parameters: parameters::read(root, local, overrides, problems),
        ..Scope::default()
    };
    conditions::read(root, &mut scope, problems);
    // Every reference to a broken parameter or condition would repeat the problem.
    if !problems.is_empty() {
        return None;
    }
    let resources = resource::read(root, &scope, problems);
    references::add(&resources, &mut scope, problems);
    let of = |kind| {
        resources
            .iter()
            .filter(move |resource| resource.kind == kind)
    };

    let mut functions = Functions::default();
    let mut http_events = Vec::new();
    for resource in of(Kind::Function) {
        functions.declare(resource, &scope);
        if let Some((function, sources)) = function::read(resource, &scope, folder, problems) {
            functions.read.insert(resource.logical_id.clone(), function);
            for source in sources {
                match source {
                    EventSource::HttpApi(event) => http_events.push(event),
                }
            }
        }
    }
    problems.keep(functions.leave_enough_unreserved());
    let parts = Parts::read(&resources, &scope, &functions, problems);
    let websocket_apis = of(Kind::WebSocketApi).chain(of(Kind::Api));
    let websocket_api: Option<WebSocketApi> = match problems.keep(at_most_one(websocket_apis))? {
        Some(resource) if resource.kind == Kind::Api => {
            api_gateway_v2::read(resource, &scope, &parts, problems)
        }
        Some(resource) => websocket_api::read(resource, &scope, &functions, &parts, problems),
        None => {
            parts.without_api(problems);
            None
        }
    };
    let http_api: Option<HttpApi> = match problems.keep(at_most_one(of(Kind::HttpApi)))? {
        Some(resource) => http_api::read(resource, &scope, &functions, http_events, problems),
        None => {
            http_events
                .iter()
                .for_each(|event| problems.add(event.without_api()));
            None
        }
    };
    let tables: Vec<Table> = of(Kind::Table)
        .filter_map(|resource| table::read(resource, &scope, problems))
        .collect();

    Some(Stack {
        functions: functions.read,
        websocket_api,
        http_api,
        tables,
    })
}

/// Fails at a section, or at a version or transform, that the harness does not support.
fn sections(root: &Node) -> Result<(), Problem> {
    for entry in root.entries()? {
        match entry.key.as_str() {
            "AWSTemplateFormatVersion" => entry.value.one_of(&["2010-09-09"])?,
            "Globals" => resource::require_sam(root, entry.at, "the section Globals")?,
            "Description" | "Metadata" | "Parameters" | "Mappings" | "Conditions" | "Resources"
            | "Outputs" => {}
            "Transform" => {
                for transform in entry.value.items() {
                    transform.one_of(&[resource::SAM])?;
                }
            }
            other => {
                return Err(Problem::at(
                    entry.at,
                    format!("the harness does not support the section {other}"),
                ));
            }
        }
    }
    Ok(())
}

/// Fails at a second API, since the harness has one port for each type.
fn at_most_one<'a>(
    mut resources: impl Iterator<Item = &'a Resource>,
) -> Result<Option<&'a Resource>, Problem> {
    match (resources.next(), resources.next()) {
        (first, None) => Ok(first),
        (_, Some(second)) => Err(Problem::at(
            second.at,
            format!(
                "{}: the harness supports one API of this type: remove the others",
                second.logical_id
            ),
        )),
    }
}

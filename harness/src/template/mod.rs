//! Reads a SAM template into a [`Stack`] as CloudFormation and SAM do, with the values of a local
//! run.
//!
//! Everything that would change behaviour and is not supported is an error with its line. Resources
//! and properties without an effect on a local run (alarms, log groups, tags, deployment settings)
//! are listed by name and ignored. `Outputs` are not evaluated.

mod api_gateway_v2;
mod api_ids;
mod bucket;
mod code;
mod conditions;
mod definition_body;
mod dynamic_references;
mod event_source;
mod function;
mod functions;
mod http_api;
mod include;
mod jwt;
mod known_policies;
mod parameters;
mod policies;
mod problem;
mod properties;
mod protocol;
mod queue;
mod references;
mod resource;
mod rules;
mod scope;
mod simple_table;
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
    event_source::{Declared, EventSource, Sources},
    functions::Functions,
    policies::Policies,
    problem::{Problem, Problems},
    protocol::Protocol,
    resource::{Kind, Resource},
    scope::Scope,
    yaml::Node,
};
pub use self::{
    dynamic_references::DynamicValues,
    parameters::Local,
    problem::{InvalidTemplate, TemplateError},
};
use crate::stack::{Bucket, HttpApi, Queue, Stack, Table, WebSocketApi};

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
    read(&text, path, &folder, local, overrides)
}

/// Reads the template `text`. `path` is its name in messages, and the paths in it are relative to
/// `folder`.
///
/// # Errors
/// Fails if the template has problems. The error lists all of them.
pub fn read(
    text: &str,
    path: &Path,
    folder: &Path,
    local: &Local,
    overrides: &BTreeMap<String, String>,
) -> Result<Stack, TemplateError> {
    let mut problems = Problems::default();
    let stack = problems.keep(yaml::parse(text)).and_then(|mut root| {
        include::files(&mut root, folder, &mut problems);
        stack(&root, folder, local, overrides, &mut problems)
    });
    let (mut stack, notices) = problems.verdict(path, stack)?;
    stack.notices = notices;
    Ok(stack)
}

fn stack(
    root: &Node,
    folder: &Path,
    local: &Local,
    overrides: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> Option<Stack> {
    sections(root, problems);
    let mut scope = Scope {
        parameters: parameters::read(root, local, overrides, problems),
        dynamic_values: local.dynamic_values.clone(),
        sqs_endpoint: local.sqs_endpoint.clone(),
        ..Scope::default()
    };
    rules::check(root, &scope, problems);
    conditions::read(root, &mut scope, problems);
    let resources = resource::read(root, &mut scope, problems);
    references::add(&resources, &mut scope, problems);
    let of = |kind| {
        resources
            .iter()
            .filter(move |resource| resource.kind == kind)
    };

    let mut functions = Functions::default();
    let mut http_events = Vec::new();
    let mut mappings = Vec::new();
    let policies = Policies {
        resources: &resources,
        scope: &scope,
    };
    for resource in of(Kind::Function).chain(of(Kind::PlainFunction)) {
        functions.declare(resource, &scope);
        let (mut function, sources) = function::read(resource, &policies, folder, problems);
        for source in sources {
            match source {
                EventSource::HttpApi(event) => http_events.push(*event),
                EventSource::Mapping(mapping) => {
                    // SAM adds no policies to a role that it does not create.
                    if let Some(function) = &mut function
                        && resource.properties.get("Role").is_none()
                    {
                        mapping.add_policies(function);
                    }
                    mappings.push(*mapping);
                }
            }
        }
        functions
            .read
            .extend(function.map(|function| (resource.logical_id.clone(), function)));
    }
    for resource in of(Kind::EventSourceMapping) {
        mappings.extend(Declared::resource(resource, &scope, &functions, problems));
    }
    problems.keep(functions.leave_enough_unreserved());
    let parts = Parts::read(&resources, &scope, &functions, problems);
    for api in of(Kind::Api) {
        problems.keep(protocol::require(api, &scope));
    }
    let apis = |wanted| {
        let scope = &scope;
        let is_wanted = move |it: &&Resource| protocol::protocol(it, scope) == Some(wanted);
        resources.iter().filter(is_wanted)
    };
    let websocket_api = at_most_one(apis(Protocol::WebSocket));
    let websocket_api: Option<WebSocketApi> = match problems.keep(websocket_api).flatten() {
        Some(resource) if resource.kind == Kind::Api => {
            api_gateway_v2::read(resource, &scope, &parts, problems)
        }
        Some(resource) => websocket_api::read(resource, &scope, &functions, &parts, problems),
        None => None,
    };
    let mut http_apis: Vec<HttpApi> = Vec::new();
    for resource in apis(Protocol::Http) {
        let api = if resource.kind == Kind::Api {
            api_gateway_v2::read_http(resource, &scope, &functions, &parts, problems)
        } else {
            let id = api_ids::api_id(&resource.logical_id);
            let own = http_events.extract_if(.., |event| event.api_id == id);
            let own = own.collect();
            http_api::read(resource, &scope, &functions, &parts, own, problems)
        };
        http_apis.extend(api);
    }
    for event in http_events {
        problems.add(event.without_api());
    }
    let simple_tables = of(Kind::SimpleTable)
        .filter_map(|resource| simple_table::read(resource, &scope, problems))
        .collect::<Vec<_>>();
    let tables: Vec<Table> = of(Kind::Table)
        .filter_map(|resource| table::read(resource, &scope, problems))
        .chain(simple_tables)
        .collect();
    let queues: Vec<Queue> = of(Kind::Queue)
        .filter_map(|resource| queue::read(resource, &scope, problems))
        .collect();
    let mut buckets: Vec<Bucket> = of(Kind::Bucket)
        .filter_map(|resource| bucket::read(resource, &scope, problems))
        .collect();
    bucket::add_policies(&mut buckets, &resources, &scope, problems);
    queue::require_dead_letter_queues(&queues, &resources, problems);
    let sources = Sources {
        tables: &tables,
        queues: &queues,
    };
    let event_sources = mappings
        .into_iter()
        .filter_map(|mapping| mapping.linked(&sources, &functions, problems))
        .collect();

    Some(Stack {
        functions: functions.read,
        websocket_api,
        http_apis,
        tables,
        queues,
        buckets,
        event_sources,
        notices: Vec::new(),
    })
}

/// Reports each section, version and transform that the harness does not support.
fn sections(root: &Node, problems: &mut Problems) {
    let Some(sections) = problems.keep(root.entries()) else {
        return;
    };
    for entry in sections {
        match entry.key.as_str() {
            "AWSTemplateFormatVersion" => {
                problems.keep(entry.value.one_of(&["2010-09-09"]));
            }
            "Globals" => {
                let sam = resource::require_sam(root, entry.at, "the section Globals");
                problems.keep(sam);
            }
            "Description" | "Metadata" | "Parameters" | "Mappings" | "Conditions" | "Resources"
            | "Outputs" | "Rules" => {}
            "Transform" => {
                for transform in entry.value.items() {
                    problems.keep(transform.one_of(&[resource::SAM]));
                }
            }
            other => problems.add(Problem::at(
                entry.at,
                format!("the harness does not support the section {other}"),
            )),
        }
    }
}

/// Fails at a second WebSocket API: the harness has one port for them, and functions have one
/// endpoint of `@connections`.
fn at_most_one<'a>(
    mut resources: impl Iterator<Item = &'a Resource>,
) -> Result<Option<&'a Resource>, Problem> {
    match (resources.next(), resources.next()) {
        (first, None) => Ok(first),
        (_, Some(second)) => Err(Problem::at(
            second.at,
            format!(
                "{}: the harness supports one WebSocket API: remove the others",
                second.logical_id
            ),
        )),
    }
}

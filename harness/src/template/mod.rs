//! Reads a SAM template as CloudFormation and SAM would, with the values of a local run, into a [`Stack`].
//!
//! What would change behaviour and cannot be honoured is an error with its line; what changes nothing on one machine
//! (alarms, log groups, tags, how something is deployed) is passed over by name, never by accident. `Outputs` are not
//! evaluated: nothing on this machine reads them.

mod api_gateway_v2;
mod conditions;
mod function;
mod http_api;
mod parameters;
mod problem;
mod properties;
mod resource;
mod scope;
mod table;
mod websocket_api;
mod yaml;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub use self::problem::{Refusal, TemplateError};
use self::{
    api_gateway_v2::Pieces,
    http_api::Event,
    problem::{Problem, Problems},
    resource::{Kind, Resource, function_arn},
    scope::Scope,
    yaml::Node,
};
use crate::stack::{Function, HttpApi, Stack, Table, WebSocketApi};

/// What only the start of a local run knows, for the texts under `Metadata.Harness.Parameters`.
#[derive(Clone, Debug)]
pub struct Local {
    /// `${Origins}`: the page's own origins, joined by commas.
    pub origins: String,
    /// `${Issuer}`: the URL of the local identity provider, without a trailing slash.
    pub issuer: String,
    /// `${Audience}`: what its tokens are for.
    pub audience: String,
}

/// Reads the template at `path`. `overrides` are parameter values from the command line.
///
/// # Errors
/// If the file cannot be read, or if anything in it cannot be honoured; then all problems are told, not only the first.
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
    // Whatever refers to a parameter or condition that could not be read would only repeat that problem.
    if !problems.is_empty() {
        return None;
    }
    let resources = resource::read(root, &scope, problems);
    scope.references = resource::references(&resources, &scope, problems);
    let of = |kind| {
        resources
            .iter()
            .filter(move |resource| resource.kind == kind)
    };

    let mut functions = Functions::default();
    let mut events: Vec<Event> = Vec::new();
    for resource in of(Kind::Function) {
        functions.note(resource, &scope);
        if let Some((function, routes)) = function::read(resource, &scope, folder, problems) {
            functions.read.insert(resource.logical_id.clone(), function);
            events.extend(routes);
        }
    }
    let pieces = Pieces::read(&resources, &scope, &functions, problems);
    let websocket_apis = of(Kind::WebSocketApi).chain(of(Kind::Api));
    let websocket_api: Option<WebSocketApi> = match problems.keep(at_most_one(websocket_apis))? {
        Some(resource) if resource.kind == Kind::Api => {
            api_gateway_v2::read(resource, &scope, &pieces, problems)
        }
        Some(resource) => websocket_api::read(resource, &scope, &functions, &pieces, problems),
        None => {
            pieces.without_api(problems);
            None
        }
    };
    let http_api: Option<HttpApi> = match problems.keep(at_most_one(of(Kind::HttpApi)))? {
        Some(resource) => http_api::read(resource, &scope, &functions, events, problems),
        None => {
            events
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

/// Refuses sections that would change what the others mean.
fn sections(root: &Node) -> Result<(), Problem> {
    for entry in root.entries()? {
        match entry.key.as_str() {
            "AWSTemplateFormatVersion"
            | "Description"
            | "Metadata"
            | "Parameters"
            | "Mappings"
            | "Conditions"
            | "Globals"
            | "Resources"
            | "Outputs" => {}
            "Transform" => {
                function::only(Some(entry.value.clone()), &["AWS::Serverless-2016-10-31"])?;
            }
            other => {
                return Err(Problem::at(
                    entry.at,
                    format!("the harness does not evaluate the section {other}"),
                ));
            }
        }
    }
    Ok(())
}

/// The stack has one door for each kind of API.
fn at_most_one<'a>(
    mut resources: impl Iterator<Item = &'a Resource>,
) -> Result<Option<&'a Resource>, Problem> {
    match (resources.next(), resources.next()) {
        (first, None) => Ok(first),
        (_, Some(second)) => Err(Problem::at(
            second.at,
            format!(
                "{}: the harness serves one API of this type: remove the others",
                second.logical_id
            ),
        )),
    }
}

/// The functions of the template, also as others name them.
#[derive(Default)]
struct Functions {
    /// By logical id.
    read: BTreeMap<String, Function>,
    /// Logical ids by ARN, of all that were declared.
    arns: BTreeMap<String, String>,
}

impl Functions {
    fn note(&mut self, resource: &Resource, scope: &Scope) {
        if let Some(reference) = scope.references.get(&resource.logical_id) {
            self.arns
                .insert(function_arn(&reference.id), resource.logical_id.clone());
        }
    }

    /// The logical id of the function whose ARN or name stands there.
    fn by_name(&self, node: &Node) -> Result<String, Problem> {
        let arn = function_arn(node.text()?);
        match self.arns.get(&arn) {
            Some(logical_id) => Ok(logical_id.clone()),
            None => self.by_arn(node),
        }
    }

    /// The logical id of the function whose ARN stands there.
    fn by_arn(&self, node: &Node) -> Result<String, Problem> {
        self.arns.get(node.text()?).cloned().ok_or_else(|| {
            node.expected(
                "the ARN of a function of this template, for example !GetAtt Function.Arn",
            )
        })
    }
}

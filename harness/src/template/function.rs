//! `AWS::Serverless::Function`: code, environment, limits, permissions, and the HTTP routes under its `Events`.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use super::{
    http_api::Event,
    problem::{Problem, Problems},
    properties::Properties,
    resource::Resource,
    scope::Scope,
    yaml::{Content, Node},
};
use crate::{
    iam::Statement,
    stack::{Code, Function},
};

/// Lambda's own bounds and defaults: seconds and megabytes.
const TIMEOUT: (u64, u64, u64) = (1, 3, 900);
const MEMORY: (u64, u64, u64) = (128, 128, 10_240);

/// What Lambda sets and does not let a template set.
const RESERVED_VARIABLES: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// Reads a function and the routes that it declares. `folder` holds the template, and `CodeUri` is relative to it.
pub(super) fn read(
    resource: &Resource,
    scope: &Scope,
    folder: &Path,
    problems: &mut Problems,
) -> Option<(Function, Vec<Event>)> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let name = problems.keep(properties.optional("FunctionName"))?;
    let package = properties
        .optional("PackageType")
        .and_then(|kind| only(kind, &["Zip"]));
    problems.keep(package);
    let runtime = properties
        .required("Runtime")
        .and_then(|runtime| only(Some(runtime), &["provided.al2023", "provided.al2"]));
    problems.keep(runtime);
    let handler = properties
        .required("Handler")
        .and_then(|handler| handler.text().map(str::to_owned));
    let handler = problems.keep(handler);
    let timeout = problems.keep(number(&mut properties, "Timeout", TIMEOUT));
    let memory = problems.keep(number(&mut properties, "MemorySize", MEMORY));
    let code = code(resource, &mut properties, folder, problems);
    let code = problems.keep(code);
    let environment = environment(&mut properties, problems);
    let environment = problems.keep(environment);
    let policy = problems.keep(policy(&mut properties));
    let reserved_concurrency = problems.keep(reserved_concurrency(&mut properties));
    let events = events(resource, &mut properties, problems);
    let events = problems.keep(events);
    properties.without_effect(&[
        // How it is deployed and watched.
        "Architectures",
        "AutoPublishAlias",
        "AutoPublishAliasAllProperties",
        "CodeSigningConfigArn",
        "DeploymentPreference",
        "Description",
        "PropagateTags",
        "ProvisionedConcurrencyConfig",
        "RuntimeManagementConfig",
        "SnapStart",
        "Tags",
        "Tracing",
        // The harness's own permissions are those of `Policies`.
        "AssumeRolePolicyDocument",
        "RolePath",
    ]);
    properties.finish(problems);

    let function = Function {
        logical_id: id.to_owned(),
        name: match name {
            Some(name) => problems.keep(name.text().map(str::to_owned))?,
            None => id.to_owned(),
        },
        code: code?,
        handler: handler?,
        environment: environment?,
        timeout: Duration::from_secs(timeout?),
        memory: u32::try_from(memory?).ok()?,
        reserved_concurrency: reserved_concurrency?,
        policy: policy?,
    };
    Some((function, events?))
}

/// Refuses every other text.
pub(super) fn only(node: Option<Node>, accepted: &[&str]) -> Result<(), Problem> {
    match node {
        Some(node) if !accepted.contains(&node.text()?) => {
            Err(node.expected(&accepted.join(" or ")))
        }
        _ => Ok(()),
    }
}

fn number(
    properties: &mut Properties<'_>,
    name: &str,
    (least, default, most): (u64, u64, u64),
) -> Result<u64, Problem> {
    match properties.optional(name)? {
        Some(node) => node.whole_number(least, most),
        None => Ok(default),
    }
}

fn reserved_concurrency(properties: &mut Properties<'_>) -> Result<Option<usize>, Problem> {
    match properties.optional("ReservedConcurrentExecutions")? {
        Some(node) => Ok(usize::try_from(node.whole_number(0, u64::from(u16::MAX))?).ok()),
        None => Ok(None),
    }
}

fn code(
    resource: &Resource,
    properties: &mut Properties<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> Result<Code, Problem> {
    let uri = properties.required("CodeUri")?;
    let directory = normalized(&folder.join(uri.text()?));
    let mut metadata = match &resource.metadata {
        Some(node) => Properties::plain(&format!("{}.Metadata", resource.logical_id), node)?,
        None => Properties::empty(&resource.logical_id, resource.at),
    };
    let method = metadata.optional("BuildMethod")?;
    let build = metadata.nested("BuildProperties")?;
    match method {
        Some(method) if method.text()? == "rust-cargolambda" => {
            if !directory.join("Cargo.toml").is_file() {
                return Err(Problem::at(
                    uri.at,
                    format!(
                        "{} has no Cargo.toml: CodeUri must be the folder of a package",
                        directory.display()
                    ),
                ));
            }
            // In a workspace all binaries are built into one folder, and SAM finds the right one by this name only.
            let mut build = build.ok_or_else(|| {
                Problem::at(
                    method.at,
                    "BuildProperties.Binary is missing: name the binary to build",
                )
            })?;
            let binary = build.required("Binary")?.text()?.to_owned();
            build.finish(problems);
            Ok(Code::Cargo { directory, binary })
        }
        Some(method) => Err(method.expected("rust-cargolambda")),
        None if directory.join("bootstrap").is_file() => Ok(Code::Bootstrap(directory)),
        None => Err(Problem::at(
            uri.at,
            format!(
                "{} has no file `bootstrap`: put one there, or have it built by Metadata.BuildMethod: rust-cargolambda",
                directory.display()
            ),
        )),
    }
}

/// The path without `.` and `..`, so that it reads well; no link is followed.
fn normalized(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}

fn environment(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<BTreeMap<String, String>, Problem> {
    let mut variables = BTreeMap::new();
    if let Some(mut environment) = properties.nested("Environment")? {
        variables = environment.texts("Variables")?;
        for name in RESERVED_VARIABLES {
            if variables.contains_key(name) {
                problems.add(Problem::at(
                    environment.at(),
                    format!(
                        "{}: Lambda reserves the variable {name}: choose another name",
                        environment.owner()
                    ),
                ));
            }
        }
        environment.finish(problems);
    }
    // Lambda tells a function of its logging configuration by these variables, and runtimes follow them.
    if let Some(mut logging) = properties.nested("LoggingConfig")? {
        if let Some(format) = logging.optional("LogFormat")? {
            let name = match format.text()? {
                "JSON" => "JSON",
                "Text" => "Text",
                _ => return Err(format.expected("JSON or Text")),
            };
            variables.insert("AWS_LAMBDA_LOG_FORMAT".to_owned(), name.to_owned());
        }
        if let Some(level) = logging.optional("ApplicationLogLevel")? {
            variables.insert("AWS_LAMBDA_LOG_LEVEL".to_owned(), level.text()?.to_owned());
        }
        logging.without_effect(&["LogGroup", "SystemLogLevel"]);
        logging.finish(problems);
    }
    Ok(variables)
}

/// The statements of `Policies`, which may be one or a list.
fn policy(properties: &mut Properties<'_>) -> Result<Vec<Statement>, Problem> {
    let Some(policies) = properties.optional("Policies")? else {
        return Ok(Vec::new());
    };
    let mut statements = Vec::new();
    for policy in one_or_many(&policies) {
        let Some(listed) = policy.get("Statement") else {
            return Err(policy.expected(
                "statements (Statement: …), because the harness knows neither managed policies nor SAM's policy templates",
            ));
        };
        for statement in one_or_many(listed) {
            for key in ["Effect", "Action", "Resource"] {
                if statement.get(key).is_none() {
                    return Err(statement.expected(&format!("a statement with {key}")));
                }
            }
            let known = ["Sid", "Effect", "Action", "Resource"];
            let unknown = statement
                .entries()?
                .iter()
                .find(|entry| !known.contains(&entry.key.as_str()));
            let at = unknown.map_or(statement.at, |entry| entry.at);
            let parsed = Statement::of_role(statement.json()?)
                .map_err(|unsupported| Problem::at(at, unsupported.to_string()))?;
            statements.push(parsed);
        }
    }
    Ok(statements)
}

fn one_or_many(node: &Node) -> &[Node] {
    match &node.content {
        Content::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

fn events(
    resource: &Resource,
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<Vec<Event>, Problem> {
    let Some(declared) = properties.nested("Events")? else {
        return Ok(Vec::new());
    };
    let mut events = Vec::new();
    for (_, at, mut event) in declared.each()? {
        let kind = event.required("Type")?;
        if kind.text()? != "HttpApi" {
            return Err(Problem::at(
                kind.at,
                format!(
                    "{}: the harness has no events of type {}",
                    event.owner(),
                    kind.text()?
                ),
            ));
        }
        let details = event.nested("Properties")?;
        event.finish(problems);
        if let Some(details) = details {
            events.push(Event::read(&resource.logical_id, at, details, problems)?);
        }
    }
    Ok(events)
}

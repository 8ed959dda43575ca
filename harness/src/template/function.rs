//! `AWS::Serverless::Function`: its code, environment, limits, permissions and event sources.

use std::{collections::BTreeMap, path::Path, time::Duration};

use super::{
    code,
    event_source::{self, EventSource},
    policies,
    problem::{Problem, Problems},
    properties::Properties,
    resource::Resource,
    scope::Scope,
};
use crate::stack::Function;

/// The lower bound, the default and the upper bound of `Timeout`, in seconds.
const TIMEOUT: (u64, u64, u64) = (1, 3, 900);
/// The lower bound, the default and the upper bound of `MemorySize`, in megabytes.
const MEMORY: (u64, u64, u64) = (128, 128, 10_240);

/// The variables that Lambda sets and a template must not set.
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

/// Reads a function and its event sources. `CodeUri` is relative to `folder`, the template's
/// folder.
pub(super) fn read(
    resource: &Resource,
    scope: &Scope,
    folder: &Path,
    problems: &mut Problems,
) -> Option<(Function, Vec<EventSource>)> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let name = problems.keep(properties.optional("FunctionName"))?;
    problems.keep(properties.optional_one_of("PackageType", &["Zip"]));
    problems.keep(properties.required_one_of("Runtime", &["provided.al2023", "provided.al2"]));
    let handler = properties
        .required("Handler")
        .and_then(|handler| handler.text().map(str::to_owned));
    let handler = problems.keep(handler);
    let timeout = problems.keep(number(&mut properties, "Timeout", TIMEOUT));
    let memory = problems.keep(number(&mut properties, "MemorySize", MEMORY));
    let code = code::read(resource, &mut properties, folder, problems);
    let code = problems.keep(code);
    let environment = environment(&mut properties, problems);
    let environment = problems.keep(environment);
    let policy = problems.keep(policies::read(&mut properties));
    let reserved_concurrency = problems.keep(reserved_concurrency(&mut properties));
    let events = event_source::read(id, &mut properties, problems);
    let events = problems.keep(events);
    properties.without_effect(&[
        // Deployment and monitoring.
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
        // The permissions of a function are those of `Policies`.
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
    // Lambda passes the logging configuration to the runtime in these variables.
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

//! `AWS::Serverless::Function` and `AWS::Lambda::Function`: code, environment, limits, permissions
//! and event sources.

use std::{collections::BTreeMap, path::Path, time::Duration};

use super::{
    code,
    event_source::{self, EventSource},
    policies::Policies,
    problem::{Problem, Problems},
    properties::Properties,
    resource::{Kind, Resource},
};
use crate::stack::{Asynchronous, Function};

/// The lower bound, the default and the upper bound of `Timeout`, in seconds.
const TIMEOUT: (u64, u64, u64) = (1, 3, 900);
/// The lower bound, the default and the upper bound of `MemorySize`, in megabytes.
const MEMORY: (u64, u64, u64) = (128, 128, 10_240);

/// The lower bound, the default and the upper bound of `MaximumRetryAttempts`.
const RETRIES: (u64, u64, u64) = (0, 2, 2);
/// The lower bound, the default and the upper bound of `MaximumEventAgeInSeconds`.
const EVENT_AGE: (u64, u64, u64) = (60, 21_600, 21_600);

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

/// Reads a function and its event sources, and leaves out those with problems. `CodeUri` is
/// relative to `folder`, the template's folder.
pub(super) fn read(
    resource: &Resource,
    policies: &Policies<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> (Option<Function>, Vec<EventSource>) {
    let id = resource.logical_id.as_str();
    let properties = Properties::resolving(id, &resource.properties, policies.scope);
    let Some(mut properties) = problems.keep(properties) else {
        return (None, Vec::new());
    };
    let events = if resource.kind == Kind::Function {
        event_source::read(id, &mut properties, problems)
    } else {
        // Without a role, CloudFormation refuses the function.
        problems.keep(properties.required("Role"));
        None
    };
    let function = function(resource, policies, properties, folder, problems);
    (function, events.unwrap_or_default())
}

fn function(
    resource: &Resource,
    policies: &Policies<'_>,
    mut properties: Properties<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Function> {
    let id = resource.logical_id.as_str();
    let name = problems.keep(properties.text("FunctionName"));
    problems.keep(properties.optional_one_of("PackageType", &["Zip"]));
    problems.keep(runtime(&mut properties));
    let handler = properties
        .required("Handler")
        .and_then(|handler| handler.text().map(str::to_owned));
    let handler = problems.keep(handler);
    let timeout = problems.keep(number(&mut properties, "Timeout", TIMEOUT));
    let memory = problems.keep(number(&mut properties, "MemorySize", MEMORY));
    let code = code::read(resource, &mut properties, folder, problems);
    let code = problems.keep(code);
    let environment = environment(&mut properties, problems);
    let policy = policies.of_function(&mut properties, problems);
    let reserved_concurrency = problems.keep(reserved_concurrency(&mut properties));
    let asynchronous = asynchronous(&mut properties, problems);
    let recursive = properties.optional_one_of("RecursiveLoop", &["Allow", "Terminate"]);
    problems.keep(recursive);
    properties.without_effect(&[
        // Deployment and monitoring.
        "Architectures",
        "AutoPublishAlias",
        "AutoPublishAliasAllProperties",
        "AutoPublishCodeSha256",
        "CodeSigningConfigArn",
        "DeploymentPreference",
        "Description",
        "PropagateTags",
        "ProvisionedConcurrencyConfig",
        "RuntimeManagementConfig",
        "SnapStart",
        "Tags",
        "Tracing",
        "TracingConfig",
        "UseAlias",
        "VersionDescription",
        // The permissions of a function are those of its policies.
        "AssumeRolePolicyDocument",
        "RolePath",
        // Storage for `/tmp`, and encryption.
        "EphemeralStorage",
        "KmsKeyArn",
    ]);
    properties.finish(problems);

    Some(Function {
        logical_id: id.to_owned(),
        name: name?.unwrap_or_else(|| id.to_owned()),
        code: code?,
        handler: handler?,
        environment: environment?,
        timeout: Duration::from_secs(timeout?),
        memory: u32::try_from(memory?).ok()?,
        reserved_concurrency: reserved_concurrency?,
        asynchronous: asynchronous?,
        policy: policy?,
    })
}

/// Fails unless the function brings its own runtime.
fn runtime(properties: &mut Properties<'_>) -> Result<(), Problem> {
    let runtime = properties.required("Runtime")?;
    match runtime.text()? {
        "provided.al2023" | "provided.al2" => Ok(()),
        _ => Err(runtime.expected(
            "provided.al2023 or provided.al2 (a `bootstrap` can start every other runtime: see \
             \"Other languages\" in the README of the harness)",
        )),
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

fn asynchronous(properties: &mut Properties<'_>, problems: &mut Problems) -> Option<Asynchronous> {
    let limits = properties.nested("EventInvokeConfig");
    let Some(mut limits) = problems.keep(limits)? else {
        return Some(Asynchronous::default());
    };
    let retries = problems.keep(number(&mut limits, "MaximumRetryAttempts", RETRIES));
    let age = problems.keep(number(&mut limits, "MaximumEventAgeInSeconds", EVENT_AGE));
    limits.finish(problems);
    Some(Asynchronous {
        retries: usize::try_from(retries?).ok()?,
        age: Duration::from_secs(age?),
    })
}

fn environment(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Option<BTreeMap<String, String>> {
    let mut variables = Some(BTreeMap::new());
    let environment = properties.nested("Environment");
    if let Some(mut environment) = problems.keep(environment).flatten() {
        variables = environment.texts("Variables", problems);
        for name in RESERVED_VARIABLES {
            if variables.as_ref().is_some_and(|all| all.contains_key(name)) {
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
    let logging = logging(properties, problems);
    let logging = problems.keep(logging);
    let mut variables = variables?;
    variables.extend(logging?);
    Some(variables)
}

/// Returns the variables in which Lambda passes the logging configuration to the runtime.
fn logging(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<BTreeMap<String, String>, Problem> {
    let mut variables = BTreeMap::new();
    if let Some(mut logging) = properties.nested("LoggingConfig")? {
        if let Some(format) = logging.optional("LogFormat")? {
            let name = match format.text()? {
                "JSON" => "JSON",
                "Text" => "Text",
                _ => return Err(format.expected("JSON or Text")),
            };
            variables.insert("AWS_LAMBDA_LOG_FORMAT".to_owned(), name.to_owned());
        }
        if let Some(level) = logging.text("ApplicationLogLevel")? {
            variables.insert("AWS_LAMBDA_LOG_LEVEL".to_owned(), level);
        }
        logging.without_effect(&["LogGroup", "SystemLogLevel"]);
        logging.finish(problems);
    }
    Ok(variables)
}

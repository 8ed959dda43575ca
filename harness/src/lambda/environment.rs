//! The environment of a function's process: the variables of a real execution environment, and none
//! of the developer's own (no credentials, no home folder).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use time::{OffsetDateTime, macros::format_description};
use uuid::Uuid;

use super::function_arn;
use crate::{
    iam::Credentials,
    stack::{Asynchronous, Code, Function, REGION},
};

const LIBRARIES: &str = "LD_LIBRARY_PATH";
const RUNTIME: &str = "/var/runtime";

/// One function, as its processes need it.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub logical_id: String,
    /// The name in logs.
    pub name: String,
    pub arn: String,
    pub timeout: Duration,
    pub asynchronous: Asynchronous,
    /// In MB.
    pub memory: u32,
    pub handler: String,
    /// An absolute path.
    pub executable: PathBuf,
    /// The folder of a `bootstrap` with everything deployed beside it. A link to the executable may
    /// be elsewhere.
    folder: Option<PathBuf>,
    /// All variables but those that depend on the executable or on the process.
    variables: BTreeMap<String, String>,
}

impl Deployment {
    /// Builds the deployment of a function.
    ///
    /// If a variable has several values, the first of these wins: `overrides`, Lambda's reserved
    /// variables, the template, Lambda's other variables. On AWS a template cannot set reserved
    /// variables at all.
    pub fn new(
        function: &Function,
        executable: PathBuf,
        credentials: &Credentials,
        overrides: &BTreeMap<String, String>,
    ) -> Self {
        let mut variables = unreserved();
        variables.extend(function.environment.clone());
        variables.extend(reserved(function, credentials));
        variables.extend(overrides.clone());
        Self {
            logical_id: function.logical_id.clone(),
            name: function.name.clone(),
            arn: function_arn(&function.name),
            timeout: function.timeout,
            asynchronous: function.asynchronous,
            memory: function.memory,
            handler: function.handler.clone(),
            executable,
            folder: match &function.code {
                Code::Bootstrap(folder) => Some(folder.clone()),
                Code::Cargo { .. } => None,
            },
            variables,
        }
    }

    /// Returns the same function with new code.
    pub fn with_executable(&self, executable: PathBuf) -> Self {
        Self {
            executable,
            ..self.clone()
        }
    }

    /// Returns the names by which a fault plan selects the function.
    pub fn names(&self) -> [&str; 2] {
        [&self.logical_id, &self.name]
    }

    /// Returns the folder of the code, in which processes start.
    pub fn directory(&self) -> &Path {
        self.folder
            .as_deref()
            .or(self.executable.parent())
            .unwrap_or(Path::new("/"))
    }

    /// Returns the whole environment of a process whose Runtime API is at `runtime_api`
    /// (`host:port`).
    pub fn variables(&self, runtime_api: &str) -> impl Iterator<Item = (&str, String)> {
        let root = self.directory().display();
        // The loader's search path includes libraries that are deployed with the function. A
        // template may replace it.
        let libraries = (!self.variables.contains_key(LIBRARIES)).then(|| {
            let places =
                format!("/lib64:/usr/lib64:{RUNTIME}:{RUNTIME}/lib:{root}:{root}/lib:/opt/lib");
            (LIBRARIES, places)
        });
        let own = [
            ("LAMBDA_TASK_ROOT", root.to_string()),
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream()),
        ];
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .chain(libraries)
            .chain(own)
    }
}

fn reserved(function: &Function, credentials: &Credentials) -> BTreeMap<String, String> {
    [
        ("_HANDLER", function.handler.clone()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()),
        (
            "AWS_SECRET_ACCESS_KEY",
            credentials.secret_access_key.clone(),
        ),
        (
            "AWS_SESSION_TOKEN",
            credentials.session_token.clone().unwrap_or_default(),
        ),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            function.memory.to_string(),
        ),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", function.name),
        ),
        // The only format that `logs` parses. On AWS the template chooses it.
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("LAMBDA_RUNTIME_DIR", RUNTIME.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Variables that a template may change.
fn unreserved() -> BTreeMap<String, String> {
    [
        ("TZ", ":UTC".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Returns for example `2026/01/31/[$LATEST]8f2d…`.
fn log_stream() -> String {
    let day = OffsetDateTime::now_utc()
        .format(format_description!("[year]/[month]/[day]"))
        .unwrap_or_default();
    format!("{day}/[$LATEST]{}", Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_win_over_lambda_and_lambda_wins_over_the_template() {
        let function = Function {
            logical_id: "Send".to_owned(),
            name: "chat-send".to_owned(),
            code: Code::Bootstrap(PathBuf::from("/code")),
            handler: "bootstrap".to_owned(),
            environment: [
                ("AWS_REGION", "template"),
                ("TABLE", "template"),
                ("STAGE", "template"),
                ("TZ", "template"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            timeout: Duration::from_secs(3),
            memory: 128,
            reserved_concurrency: None,
            asynchronous: Asynchronous::default(),
            policy: Vec::new(),
        };
        let overrides = [("TABLE".to_owned(), "override".to_owned())].into();
        let credentials = Credentials {
            session_token: Some("token".to_owned()),
            ..Credentials::administrator()
        };
        let executable = PathBuf::from("/code/bootstrap");
        let deployment = Deployment::new(&function, executable, &credentials, &overrides);
        let seen: BTreeMap<_, _> = deployment.variables("127.0.0.1:9001").collect();
        assert_eq!(seen["STAGE"], "template");
        assert_eq!(seen["TZ"], "template");
        assert_eq!(seen["LANG"], "en_US.UTF-8");
        assert_eq!(seen["TABLE"], "override");
        assert_eq!(seen["AWS_REGION"], REGION);
        assert_eq!(seen["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:9001");
        assert_eq!(seen["AWS_ACCESS_KEY_ID"], credentials.access_key_id);
        assert_eq!(seen["AWS_SECRET_ACCESS_KEY"], credentials.secret_access_key);
        assert_eq!(seen["AWS_SESSION_TOKEN"], "token");
        assert!(seen["LD_LIBRARY_PATH"].ends_with(":/code:/code/lib:/opt/lib"));
        // A link that runs in place of the bootstrap does not change its folder.
        let linked = deployment.with_executable(PathBuf::from("/links/bootstrap"));
        let seen: BTreeMap<_, _> = linked.variables("127.0.0.1:9001").collect();
        assert_eq!(seen["LAMBDA_TASK_ROOT"], "/code");
        assert!(!seen.contains_key("HOME"));
    }
}

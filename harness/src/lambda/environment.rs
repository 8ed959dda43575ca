//! What a function's process finds around it: the variables of a real execution environment and nothing of the
//! developer's own (no credentials, no home folder).

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
    stack::{Function, REGION},
};

/// The code's folder.
const TASK_ROOT: &str = "LAMBDA_TASK_ROOT";

/// One function as its processes need it.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub logical_id: String,
    /// What people read in logs.
    pub name: String,
    pub arn: String,
    pub timeout: Duration,
    /// MB.
    pub memory: u32,
    /// Absolute.
    pub executable: PathBuf,
    /// Everything but the address of the Runtime API and the log stream, which are each process's own.
    variables: BTreeMap<String, String>,
}

impl Deployment {
    /// `overrides` win over what the template says; Lambda's own variables win over the template, as on AWS, where a
    /// template cannot set them.
    pub fn new(
        function: &Function,
        executable: PathBuf,
        credentials: &Credentials,
        overrides: &BTreeMap<String, String>,
    ) -> Self {
        let mut variables = function.environment.clone();
        variables.extend(reserved(function, &executable, credentials));
        variables.extend(overrides.clone());
        Self {
            logical_id: function.logical_id.clone(),
            name: function.name.clone(),
            arn: function_arn(&function.name),
            timeout: function.timeout,
            memory: function.memory,
            executable,
            variables,
        }
    }

    /// The same function with new code.
    pub fn with_executable(&self, executable: PathBuf) -> Self {
        let mut deployment = Self {
            executable,
            ..self.clone()
        };
        let root = deployment.directory().display().to_string();
        deployment.variables.insert(TASK_ROOT.to_owned(), root);
        deployment
    }

    /// Under which faults know it.
    pub fn names(&self) -> [&str; 2] {
        [&self.logical_id, &self.name]
    }

    /// The code's folder, as on AWS.
    pub fn directory(&self) -> &Path {
        self.executable.parent().unwrap_or(Path::new("/"))
    }

    /// The whole environment of a process whose Runtime API is at `runtime_api` (`host:port`).
    pub fn variables(&self, runtime_api: &str) -> impl Iterator<Item = (&str, String)> {
        let own = [
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream()),
        ];
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .chain(own)
    }
}

fn reserved(
    function: &Function,
    executable: &Path,
    credentials: &Credentials,
) -> BTreeMap<String, String> {
    let directory = executable.parent().unwrap_or(Path::new("/")).display();
    [
        ("_HANDLER", "bootstrap".to_owned()),
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
        // The one format that `logs` can take apart; on AWS it is the template's choice.
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        (TASK_ROOT, directory.to_string()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// For example `2026/01/31/[$LATEST]8f2d…`.
fn log_stream() -> String {
    let day = OffsetDateTime::now_utc()
        .format(format_description!("[year]/[month]/[day]"))
        .unwrap_or_default();
    format!("{day}/[$LATEST]{}", Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Code;

    #[test]
    fn overrides_win_over_lambda_and_lambda_over_the_template() {
        let function = Function {
            logical_id: "Send".to_owned(),
            name: "chat-send".to_owned(),
            code: Code::Bootstrap(PathBuf::from("/code")),
            environment: [
                ("AWS_REGION", "template"),
                ("TABLE", "template"),
                ("STAGE", "template"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            timeout: Duration::from_secs(3),
            memory: 128,
            reserved_concurrency: None,
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
        assert_eq!(seen["TABLE"], "override");
        assert_eq!(seen["AWS_REGION"], REGION);
        assert_eq!(seen["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:9001");
        assert_eq!(seen["AWS_ACCESS_KEY_ID"], credentials.access_key_id);
        assert_eq!(seen["AWS_SECRET_ACCESS_KEY"], credentials.secret_access_key);
        assert_eq!(seen["AWS_SESSION_TOKEN"], "token");
        assert!(!seen.contains_key("HOME"));
    }
}

//! Where everything is: for the person at the terminal, for programs that wait for it, and for the functions.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::listeners::Listeners;
use crate::{
    iam::{ADMIN_ACCESS_KEY_ID, ADMIN_SECRET_ACCESS_KEY},
    stack::Stack,
};

/// The content of the ready file. No URL ends with a slash.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// The page; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The HTTP API; with a named stage this is its last part.
    pub http: String,
    /// The WebSocket API with its stage; absent if the template has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ws: Option<String>,
    /// The base of `/@connections`; absent if the template has no WebSocket API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management: Option<String>,
    /// Lambda's Invoke API.
    pub lambda: String,
    /// DynamoDB.
    pub dynamodb: String,
    /// `POST {"user"}` answers a token.
    pub login: String,
    /// Of a local administrator, for AWS clients.
    pub access_key_id: String,
    /// Nothing secret: it opens nothing but this stack.
    pub secret_access_key: String,
}

impl Addresses {
    /// Of an open stack.
    pub fn of(listeners: &Listeners, stack: &Stack, has_page: bool) -> Self {
        let stage = stack.websocket_api.as_ref().map(|api| api.stage.as_str());
        Self {
            // By the name that people type.
            page: has_page.then(|| format!("http://localhost:{}", listeners.http.port)),
            http: match &stack.http_api {
                Some(api) if api.stage != "$default" => {
                    format!("{}/{}", listeners.http.http_url(), api.stage)
                }
                _ => listeners.http.http_url(),
            },
            ws: stage.map(|stage| format!("ws://127.0.0.1:{}/{stage}", listeners.ws.port)),
            management: stage.map(|stage| format!("{}/{stage}", listeners.ws.http_url())),
            lambda: listeners.lambda.http_url(),
            dynamodb: listeners.dynamodb.http_url(),
            login: format!("{}/login", listeners.issuer()),
            access_key_id: ADMIN_ACCESS_KEY_ID.to_owned(),
            secret_access_key: ADMIN_SECRET_ACCESS_KEY.to_owned(),
        }
    }

    /// The variables that keep every function on this machine, whatever the template says.
    pub fn environment(&self) -> BTreeMap<String, String> {
        [
            // Every service that is not named below ends at a door that does not know it, and not in the internet.
            ("AWS_ENDPOINT_URL", &self.lambda),
            ("AWS_ENDPOINT_URL_LAMBDA", &self.lambda),
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.dynamodb),
            ("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", &self.dynamodb),
            (
                "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI",
                self.management.as_ref().unwrap_or(&self.lambda),
            ),
        ]
        .map(|(name, url)| (name.to_owned(), url.clone()))
        .into()
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, url: &str| writeln!(f, "  {name:<13} {url}");
        if let Some(page) = &self.page {
            line("Page", page)?;
        }
        line("HTTP API", &self.http)?;
        if let Some(ws) = &self.ws {
            line("WebSocket API", ws)?;
        }
        if let Some(management) = &self.management {
            line("@connections", &format!("{management}/@connections"))?;
        }
        line("Lambda", &self.lambda)?;
        line("DynamoDB", &self.dynamodb)?;
        line("Log in", &self.login)
    }
}

/// The file that says that everything listens; removed when this is dropped.
#[derive(Debug)]
pub struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Writes the file at `path` in one step: who sees it sees all of it.
    ///
    /// # Errors
    /// If its folder cannot be written to.
    pub fn write(path: &Path, addresses: &Addresses) -> io::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let unfinished = PathBuf::from(name);
        let json = serde_json::to_vec(addresses)?;
        let written = fs::write(&unfinished, json).and_then(|()| fs::rename(&unfinished, path));
        if written.is_err() {
            // It says nothing that anyone could use.
            let _ = fs::remove_file(&unfinished);
        }
        written.map(|()| Self(path.to_owned()))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Somebody else may have tidied up already, which is as good.
        let _ = fs::remove_file(&self.0);
    }
}

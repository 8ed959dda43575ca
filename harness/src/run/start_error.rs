//! Why the stack does not start, in words for the person who started it.

use std::{error::Error, io, path::PathBuf};

use super::listeners::ListenError;
use crate::{
    dynamodb::{EngineError, TableError},
    executables::BuildError,
    gateway::{http::RouteError, websocket::SelectionError},
    identity::IdentityError,
    lambda::LambdaError,
    template::TemplateError,
    watch::WatchError,
};

/// The first thing that did not start. [`ErrorChain`](crate::error_chain::ErrorChain) shows it with its causes.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another log or no signals in this process: it is not run as a program of its own.
    #[error("this process cannot be set up")]
    Process(#[source] Box<dyn Error + Send + Sync>),
    /// Neither named nor found.
    #[error("there is no infra/template.yaml here or in a folder above: name one by --template")]
    NoTemplate,
    /// A port.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The functions' executables.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file or folder from the command line.
    #[error("{option} {}", path.display())]
    Path {
        /// `--data` or `--ready-file`.
        option: &'static str,
        /// Its value.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The identity provider.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// DynamoDB.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The proxy in front of DynamoDB.
    #[error("the proxy in front of DynamoDB cannot be started")]
    Proxy(#[source] Box<dyn Error + Send + Sync>),
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The functions.
    #[error(transparent)]
    Lambda(#[from] LambdaError),
    /// The sources of the functions.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The WebSocket API.
    #[error(transparent)]
    WebSocketApi(#[from] SelectionError),
    /// The HTTP API.
    #[error(transparent)]
    HttpApi(#[from] RouteError),
}

//! Why the stack does not start.

use std::{error::Error, io, path::PathBuf};

use super::port::ListenError;
use crate::{
    dynamodb::{EngineError, StreamError, TableError},
    executables::BuildError,
    gateway::{http::RouteError, websocket::SelectionError},
    identity::IdentityError,
    lambda::LambdaError,
    template::TemplateError,
    watch::WatchError,
};

/// The first error of the start. [`ErrorChain`](crate::error_chain::ErrorChain) shows it with its
/// causes.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The process has a logger already, or its signals or current folder are not available.
    #[error("cannot set up this process")]
    Process(#[source] Box<dyn Error + Send + Sync>),
    /// No template is named, and none is found.
    #[error(
        "there is no infra/template.yaml here or in a folder above: name a template with --template"
    )]
    NoTemplate,
    /// A port.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A name in `--api-port`.
    #[error(
        "--api-port {name}: the template has no such HTTP API beside the first one, which has \
         --http-port; the others are: {apis}"
    )]
    ApiPort {
        /// The given name.
        name: String,
        /// The logical ids of all HTTP APIs but the first one.
        apis: String,
    },
    /// The template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The executables of the functions.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A path from the command line.
    #[error("cannot use {} for {option}", path.display())]
    Path {
        /// `--data`, `--ready-file` or `--secrets`.
        option: &'static str,
        /// The given path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The identity provider.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// DynamoDB.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
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

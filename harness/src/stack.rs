//! What a template declares, as the rest of the harness uses it: parameters and intrinsics are resolved, defaults are
//! filled in, and everything in here is honoured. Reading templates is [`crate::template`]'s business.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde_json::Value;

use crate::iam::Statement;

/// The twelve digits that stand in every local ARN.
pub const ACCOUNT: &str = "123456789012";
/// The only local region.
pub const REGION: &str = "us-east-1";

/// One deployed template.
#[derive(Clone, Debug)]
pub struct Stack {
    /// By logical id.
    pub functions: BTreeMap<String, Function>,
    /// The WebSocket API, if the template has one. A second one stops the start.
    pub websocket_api: Option<WebSocketApi>,
    /// The HTTP API, if the template has one. A second one stops the start.
    pub http_api: Option<HttpApi>,
    /// The tables that are created at the start unless they exist.
    pub tables: Vec<Table>,
}

/// A Lambda function with a `provided.*` runtime.
#[derive(Clone, Debug)]
pub struct Function {
    /// The key under `Resources`.
    pub logical_id: String,
    /// `FunctionName`, or the logical id.
    pub name: String,
    /// Where its executable comes from.
    pub code: Code,
    /// `Handler`, which custom runtimes may take their orders from.
    pub handler: String,
    /// `Environment.Variables` together with those of `Globals`, resolved.
    pub environment: BTreeMap<String, String>,
    /// 1 s to 900 s.
    pub timeout: Duration,
    /// MB.
    pub memory: u32,
    /// `ReservedConcurrentExecutions`.
    pub reserved_concurrency: Option<usize>,
    /// What it may do to other services, resolved.
    pub policy: Vec<Statement>,
}

/// Where a function's executable comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// Built by `cargo build --bin BINARY` in the workspace that holds `directory` (`BuildMethod: rust-cargolambda`).
    Cargo {
        /// `CodeUri`, absolute.
        directory: PathBuf,
        /// `Metadata.BuildProperties.Binary`.
        binary: String,
    },
    /// An executable file named `bootstrap` in this folder, run as it is.
    Bootstrap(PathBuf),
}

/// An API with a route selection expression.
#[derive(Clone, Debug)]
pub struct WebSocketApi {
    /// Ten lower-case letters and digits.
    pub api_id: String,
    /// The stage's name; the first segment of every URL.
    pub stage: String,
    /// For example `$request.body.action`.
    pub route_selection_expression: String,
    /// By route key: `$connect`, `$disconnect`, `$default` and the API's own.
    pub routes: BTreeMap<String, WebSocketRoute>,
    /// Asked at `$connect`.
    pub authorizer: Option<WebSocketAuthorizer>,
    /// Empty when the stage has none.
    pub stage_variables: BTreeMap<String, String>,
}

/// One route of a WebSocket API.
#[derive(Clone, Debug)]
pub struct WebSocketRoute {
    /// Logical id of the function.
    pub function: String,
    /// At most 29 s.
    pub timeout: Duration,
    /// Whether an `AWS::ApiGatewayV2::RouteResponse` `$default` exists for it and it has a
    /// `RouteResponseSelectionExpression`: without both nothing that the function returns reaches the client.
    pub replies: bool,
}

/// A REQUEST authorizer of a WebSocket API.
#[derive(Clone, Debug)]
pub struct WebSocketAuthorizer {
    /// Logical id of the function.
    pub function: String,
    /// For example `route.request.header.Authorization`; each must be present, else 401 without a call.
    pub identity_sources: Vec<String>,
}

/// An HTTP API with payload format 2.0.
#[derive(Clone, Debug)]
pub struct HttpApi {
    /// Ten lower-case letters and digits.
    pub api_id: String,
    /// `$default` or a name; a named stage is the first segment of every path.
    pub stage: String,
    /// In the template's order; selection is by specificity as API Gateway does it.
    pub routes: Vec<HttpRoute>,
    /// By name.
    pub authorizers: BTreeMap<String, HttpAuthorizer>,
    /// Without it the gateway neither answers preflights nor adds headers.
    pub cors: Option<Cors>,
    /// Empty when the stage has none.
    pub stage_variables: BTreeMap<String, String>,
}

/// One route of an HTTP API.
#[derive(Clone, Debug)]
pub struct HttpRoute {
    /// `GET`, …, or `ANY`.
    pub method: String,
    /// `/conversations/{id}/events`, `/{proxy+}` or `$default`.
    pub path: String,
    /// Logical id of the function.
    pub function: String,
    /// A key of [`HttpApi::authorizers`].
    pub authorizer: Option<String>,
    /// At most 30 s.
    pub timeout: Duration,
}

/// A Lambda authorizer with payload 2.0 and simple responses.
#[derive(Clone, Debug)]
pub struct HttpAuthorizer {
    /// Logical id of the function.
    pub function: String,
    /// For example `$request.header.Authorization`; each must be present, else 401 without a call. They are the cache's key.
    pub identity_sources: Vec<String>,
    /// How long an answer is kept; zero means not at all.
    pub cached_for: Duration,
}

/// `CorsConfiguration` of an HTTP API.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// Origins, or `*`.
    pub allow_origins: Vec<String>,
    /// Methods, or `*`.
    pub allow_methods: Vec<String>,
    /// Header names, or `*`.
    pub allow_headers: Vec<String>,
    /// Header names.
    pub expose_headers: Vec<String>,
    /// Whether credentials are allowed; cannot go with origin `*`.
    pub allow_credentials: bool,
    /// `Access-Control-Max-Age`.
    pub max_age: Option<Duration>,
}

/// A DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    /// `TableName`, or the logical id.
    pub name: String,
    /// The body of the `CreateTable` call.
    pub create: Value,
    /// `TimeToLiveSpecification.AttributeName`, if enabled.
    pub expires_by: Option<String>,
}

//! The content of a template as the rest of the harness uses it. Parameters and intrinsic functions
//! are resolved, defaults are filled in, and every field has an effect. [`crate::template`] reads
//! templates.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

pub use self::bucket::{Bucket, CorsRule};
pub use self::event_source::{
    EventSource, EventSourceMapping, Queue, QueueSource, Redrive, StartingPosition, StreamSource,
};
pub use self::target::{
    Change, ChangedPart, Endpoint, How, HttpTarget, Mock, MockPiece, Piece, WebSocketTarget,
};
use crate::iam::Statement;

mod bucket;
mod event_source;
mod target;

/// The account id in every local ARN.
pub const ACCOUNT: &str = "123456789012";
/// The only region.
pub const REGION: &str = "us-east-1";
/// The end of the ARN of every stream. On AWS it is the time of the stream's creation.
pub(crate) const STREAM_LABEL: &str = "2026-01-01T00:00:00.000";

/// A deployed template.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    /// By logical id.
    pub functions: BTreeMap<String, Function>,
    /// The WebSocket API, if the template has one. A second one is an error.
    pub websocket_api: Option<WebSocketApi>,
    /// The HTTP APIs in the order of the template. The first one shares its port with the page.
    pub http_apis: Vec<HttpApi>,
    /// The tables. The start creates those that do not exist.
    pub tables: Vec<Table>,
    /// The standard queues.
    pub queues: Vec<Queue>,
    /// The buckets of S3.
    pub buckets: Vec<Bucket>,
    /// The enabled event source mappings.
    pub event_sources: Vec<EventSourceMapping>,
    /// Notices about parts of the template that the harness does not support, with their places.
    pub notices: Vec<String>,
}

impl Stack {
    /// Returns the folders of the Rust packages that cargo builds.
    pub fn packages(&self) -> BTreeSet<&Path> {
        let codes = self.functions.values().map(|function| &function.code);
        codes
            .filter_map(|code| match code {
                Code::Cargo { directory, .. } => Some(directory.as_path()),
                Code::Bootstrap(_) => None,
            })
            .collect()
    }
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
    /// `Handler`; a custom runtime may evaluate it.
    pub handler: String,
    /// `Environment.Variables`, merged with those of `Globals`.
    pub environment: BTreeMap<String, String>,
    /// 1 s to 900 s.
    pub timeout: Duration,
    /// In megabytes.
    pub memory: u32,
    /// `ReservedConcurrentExecutions`.
    pub reserved_concurrency: Option<usize>,
    /// The limits of its asynchronous invocations.
    pub asynchronous: Asynchronous,
    /// The statements of `Policies`.
    pub policy: Vec<Statement>,
}

/// The limits of asynchronous invocations (`EventInvokeConfig`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asynchronous {
    /// `MaximumRetryAttempts`: how often an event is repeated after errors.
    pub retries: usize,
    /// `MaximumEventAgeInSeconds`: an older event is dropped.
    pub age: Duration,
}

impl Default for Asynchronous {
    fn default() -> Self {
        Self {
            retries: 2,
            age: Duration::from_secs(6 * 60 * 60),
        }
    }
}

/// Where a function's executable comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// `cargo build --bin BINARY` in the workspace that holds `directory` (`BuildMethod:
    /// rust-cargolambda`).
    Cargo {
        /// `CodeUri`, absolute.
        directory: PathBuf,
        /// `Metadata.BuildProperties.Binary`.
        binary: String,
    },
    /// An executable file named `bootstrap` in this folder.
    Bootstrap(PathBuf),
}

/// A WebSocket API.
#[derive(Clone, Debug)]
pub struct WebSocketApi {
    /// Ten lower-case letters and digits.
    pub api_id: String,
    /// The name of the stage, the first segment of every URL.
    pub stage: String,
    /// For example `$request.body.action`.
    pub route_selection_expression: String,
    /// By route key: `$connect`, `$disconnect`, `$default` and custom keys.
    pub routes: BTreeMap<String, WebSocketRoute>,
    /// The authorizer of `$connect`.
    pub authorizer: Option<WebSocketAuthorizer>,
    /// `StageVariables`.
    pub stage_variables: BTreeMap<String, String>,
    /// How many requests the stage accepts.
    pub throttling: Throttling,
}

/// One route of a WebSocket API.
#[derive(Clone, Debug)]
pub struct WebSocketRoute {
    /// What it calls.
    pub target: WebSocketTarget,
    /// At most 29 s.
    pub timeout: Duration,
    /// Whether the function's result is sent to the client. This needs both a
    /// `RouteResponseSelectionExpression` and an `AWS::ApiGatewayV2::RouteResponse` `$default`.
    pub replies: bool,
}

/// A REQUEST authorizer of a WebSocket API.
#[derive(Clone, Debug)]
pub struct WebSocketAuthorizer {
    /// The logical id of the function.
    pub function: String,
    /// For example `route.request.header.Authorization`. If a handshake lacks one, the client gets
    /// a 401 and the authorizer is not called.
    pub identity_sources: Vec<String>,
}

/// An HTTP API with payload format 2.0.
#[derive(Clone, Debug)]
pub struct HttpApi {
    /// The key under `Resources`.
    pub logical_id: String,
    /// Ten lower-case letters and digits.
    pub api_id: String,
    /// `$default` or a name. A named stage is the first segment of every path.
    pub stage: String,
    /// In the order of the template. The gateway selects the most specific one.
    pub routes: Vec<HttpRoute>,
    /// The Lambda authorizers by name.
    pub authorizers: BTreeMap<String, HttpAuthorizer>,
    /// The JWT authorizers by name. No Lambda authorizer has the same name.
    pub jwt_authorizers: BTreeMap<String, JwtAuthorizer>,
    /// Without it the gateway neither answers preflight requests nor adds headers.
    pub cors: Option<Cors>,
    /// `StageVariables`.
    pub stage_variables: BTreeMap<String, String>,
    /// How many requests the stage accepts.
    pub throttling: Throttling,
}

/// The throttles of a stage. Each route has a token bucket of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Throttling {
    /// `DefaultRouteSettings`; without them there is no limit.
    pub default: Option<Throttle>,
    /// `RouteSettings` by route key, which replace the default.
    pub routes: BTreeMap<String, Throttle>,
}

impl Throttling {
    /// Returns the throttle of a route, if it has one.
    pub fn of(&self, route_key: &str) -> Option<Throttle> {
        self.routes.get(route_key).copied().or(self.default)
    }
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    /// `ThrottlingRateLimit`: the tokens that it gains each second.
    pub rate: f64,
    /// `ThrottlingBurstLimit`: the tokens that it holds.
    pub burst: u32,
}

/// One route of an HTTP API.
#[derive(Clone, Debug)]
pub struct HttpRoute {
    /// `GET`, …, or `ANY`.
    pub method: String,
    /// `/conversations/{id}/events`, `/{proxy+}` or `$default`.
    pub path: String,
    /// What it calls.
    pub target: HttpTarget,
    /// A key of [`HttpApi::authorizers`] or [`HttpApi::jwt_authorizers`].
    pub authorizer: Option<String>,
    /// With a JWT authorizer, a token needs one of these scopes. Empty if it needs none.
    pub scopes: Vec<String>,
    /// At most 30 s.
    pub timeout: Duration,
}

impl HttpRoute {
    /// Returns the route key: `GET /conversations/{id}`, or `$default`.
    pub fn key(&self) -> String {
        if self.path == "$default" {
            return self.path.clone();
        }
        format!("{} {}", self.method, self.path)
    }
}

/// A Lambda authorizer with payload 2.0 and simple responses.
#[derive(Clone, Debug)]
pub struct HttpAuthorizer {
    /// The logical id of the function.
    pub function: String,
    /// For example `$request.header.Authorization`. If a request lacks one, the client gets a 401
    /// and the authorizer is not called. Their values are the key of the cache.
    pub identity_sources: Vec<String>,
    /// How long a result is cached; zero disables the cache.
    pub cached_for: Duration,
}

/// A JWT authorizer of an HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtAuthorizer {
    /// Where the token is, for example `$request.header.Authorization`.
    pub identity_source: String,
    /// The issuer of the tokens, a URL.
    pub issuer: String,
    /// A token needs one of these as its `aud` or `client_id`.
    pub audience: Vec<String>,
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
    /// Whether credentials are allowed. Not possible with the origin `*`.
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

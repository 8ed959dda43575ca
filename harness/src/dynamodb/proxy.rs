//! The address that every DynamoDB client is given: passes calls to the engine, byte for byte, and sees each of them.
//! It is the one place for what no engine does by itself: signatures, permissions, counting.

use std::collections::BTreeSet;

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header, request::Parts},
    response::Response,
    serve::ListenerExt,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::AbortHandle};
use tracing::warn;

use super::ledger::{Ledger, Operation};
use crate::{
    faults::{Dynamodb, Faults},
    iam::{Access, Caller, Demand, IamError, Service},
    service::{AwsService, Effect, Injection, Pipeline, Reply},
};

/// The largest request that DynamoDB takes, in bytes.
const MAX_REQUEST: usize = 16 * 1024 * 1024;

/// Headers about one connection, which say nothing about the next.
const OF_THE_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Why a proxy cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The engine's endpoint is no URL.
    #[error("{0} is no URL of a DynamoDB engine")]
    Endpoint(String),
    /// This machine has no HTTP client to offer, for example no certificates.
    #[error("cannot call DynamoDB: {0}")]
    Client(#[from] reqwest::Error),
}

/// A served proxy; it closes when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    ledger: Ledger,
    servers: Vec<AbortHandle>,
}

/// An engine as the proxy reaches it.
#[derive(Clone, Debug)]
struct Engine {
    client: reqwest::Client,
    endpoint: reqwest::Url,
}

/// DynamoDB's front end: what happens around a call of the engine.
#[derive(Clone, Debug)]
struct FrontEnd {
    ledger: Ledger,
    engine: Engine,
    faults: Faults,
}

impl Proxy {
    /// Serves `listeners` in front of the engine at `endpoint` (`http://host:port`) for those whom `access` knows. What
    /// functions call suffers `faults`; the administrator sees the table as it is. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// See [`ProxyError`].
    pub fn open(
        listeners: Vec<TcpListener>,
        endpoint: &str,
        access: Access,
        faults: Faults,
    ) -> Result<Self, ProxyError> {
        let engine = Engine {
            // Whatever proxy the developer's environment names, the engine is not behind it.
            client: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            endpoint: reqwest::Url::parse(endpoint)
                .map_err(|_| ProxyError::Endpoint(endpoint.to_owned()))?,
        };
        let ledger = Ledger::default();
        let front_end = FrontEnd {
            ledger: ledger.clone(),
            engine,
            faults: faults.clone(),
        };
        let router = Router::new()
            .fallback(answer)
            .with_state(Pipeline::new(front_end, access, faults));
        let servers = listeners
            .into_iter()
            .map(|listener| {
                let router = router.clone();
                let listener = listener.tap_io(|stream| {
                    let _ = stream.set_nodelay(true);
                });
                tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle()
            })
            .collect();
        Ok(Self { ledger, servers })
    }

    /// What has passed since the start.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

async fn answer(State(pipeline): State<Pipeline<FrontEnd>>, request: Request) -> Response {
    pipeline.answer(request).await
}

impl AwsService for FrontEnd {
    const NAME: Service = Service::DynamoDb;
    const LONGEST_BODY: usize = MAX_REQUEST;
    type Call = Operation;

    fn read(&self, claimed: Caller, request: &Parts, body: &Bytes) -> Operation {
        Operation::of(claimed, &request.headers, body)
    }

    /// `GET /` asks for the service's health, which is public. The engine refuses every other
    /// request that names no operation.
    fn requires_signature(&self, operation: &Operation, _: &HeaderMap) -> bool {
        !operation.name.is_empty()
    }

    fn demands(&self, operation: &Operation, body: &Bytes) -> impl IntoIterator<Item = Demand> {
        if operation.name.is_empty() {
            BTreeSet::new()
        } else {
            Demand::of_dynamodb(&operation.name, body)
        }
    }

    fn fault(&self, operation: &Operation) -> Injection {
        // Only functions meet faults: a look at the table from outside shows what is there.
        if !matches!(operation.caller, Caller::Function(_)) || operation.name.is_empty() {
            return Injection::default();
        }
        let injected = self.faults.dynamodb(&operation.name);
        Injection {
            latency: injected.latency,
            effect: injected.fault.and_then(effect),
        }
    }

    async fn perform(&self, operation: &Operation, request: Parts, body: Bytes) -> Reply {
        self.engine
            .pass(request, body)
            .await
            .unwrap_or_else(|error| {
                warn!(operation = operation.name, %error, "the DynamoDB engine does not answer");
                failure(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "ServiceUnavailable",
                    "The local engine does not answer",
                )
            })
    }

    fn count(&self, operation: Operation, reply: &Reply) {
        self.ledger.record(operation, reply.status(), reply.body());
    }

    fn too_large(&self) -> Reply {
        failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            "",
        )
    }

    /// DynamoDB's front end refuses these calls, in another namespace than DynamoDB itself.
    fn not_admitted(&self, _: &Operation, cause: IamError) -> Reply {
        let message = match &cause {
            IamError::Missing => "Request is missing Authentication Token".to_owned(),
            other => other.to_string(),
        };
        let body = json!({
            "__type": format!("com.amazon.coral.service#{}", cause.kind()),
            cause.member(): message,
        });
        error(StatusCode::BAD_REQUEST, &body)
    }
}

/// What the fault does to a call. Latency has no effect of its own.
fn effect(fault: Dynamodb) -> Option<Effect> {
    let (status, kind, message) = match fault {
        Dynamodb::Throttle => (
            StatusCode::BAD_REQUEST,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
             provisioning level with the UpdateTable API.",
        ),
        Dynamodb::ThrottleOnDemand => (
            StatusCode::BAD_REQUEST,
            "ThrottlingException",
            "Throughput exceeds the current capacity of your table or index.",
        ),
        Dynamodb::InternalError => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "Internal server error",
        ),
        Dynamodb::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "Service is unavailable",
        ),
        Dynamodb::Timeout => return Some(Effect::NoReply),
        Dynamodb::LostAnswer => return Some(Effect::LosesReply),
        Dynamodb::Latency => return None,
    };
    Some(Effect::Fails(failure(status, kind, message)))
}

impl Engine {
    async fn pass(&self, request: Parts, body: Bytes) -> Result<Reply, reqwest::Error> {
        let mut url = self.endpoint.clone();
        url.set_path(request.uri.path());
        url.set_query(request.uri.query());
        let mut headers = request.headers;
        remove_headers_of_the_connection(&mut headers);
        let response = self
            .client
            .request(request.method, url)
            .headers(headers)
            .body(body)
            .send()
            .await?;
        let status = response.status();
        let mut headers = response.headers().clone();
        remove_headers_of_the_connection(&mut headers);
        let body = response.bytes().await?;
        let mut reply = Reply::new(body);
        *reply.status_mut() = status;
        *reply.headers_mut() = headers;
        Ok(reply)
    }
}

fn remove_headers_of_the_connection(headers: &mut HeaderMap) {
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
}

/// An error in DynamoDB's shape, which the SDKs understand and, as it is the server's, repeat.
fn failure(status: StatusCode, kind: &str, message: &str) -> Reply {
    let body =
        json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message });
    error(status, &body)
}

fn error(status: StatusCode, body: &Value) -> Reply {
    let mut reply = Reply::new(body.to_string().into());
    *reply.status_mut() = status;
    let content_type = header::HeaderValue::from_static("application/x-amz-json-1.0");
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    reply
}

//! The address that every DynamoDB client is given: passes calls to the engine, byte for byte, and sees each of them.
//! It is the one place for what no engine does by itself: signatures, permissions, counting.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header, request},
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{net::TcpListener, task::AbortHandle};
use tracing::warn;

use super::ledger::{Ledger, Operation};
use crate::{
    faults::{self, Dynamodb, Faults},
    iam::{Access, Caller, Demand, IamError, Request as Signed, Service},
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

#[derive(Clone, Debug)]
struct Pipeline {
    access: Access,
    ledger: Ledger,
    engine: Engine,
    faults: Faults,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
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
        let router = Router::new().fallback(handle).with_state(Pipeline {
            access,
            ledger: ledger.clone(),
            engine,
            faults,
        });
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

/// Read, understand, check, pass on, count.
async fn handle(State(pipeline): State<Pipeline>, request: Request) -> Response {
    let Pipeline {
        access,
        ledger,
        engine,
        faults,
    } = pipeline;
    let (request, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST).await else {
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            "",
        )
        .into_response();
    };
    let caller = access.claimed(&request.headers);
    let operation = Operation::of(caller, &request.headers, &body);
    let mut lost = false;
    let answer = match admit(&access, &operation, &request, &body) {
        Ok(()) => {
            let fault = injected(&faults, &operation).await;
            lost = fault == Some(Dynamodb::LostAnswer);
            match fault.and_then(failure) {
                Some(failure) => failure,
                None => engine.pass(request, body).await.unwrap_or_else(|error| {
                    warn!(operation = operation.name, %error, "the DynamoDB engine does not answer");
                    refusal(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "ServiceUnavailable",
                        "The local engine does not answer",
                    )
                }),
            }
        }
        Err(refusal) => not_admitted(&refusal),
    };
    ledger.record(operation, answer.status, &answer.body);
    if lost {
        faults::broken_answer()
    } else {
        answer.into_response()
    }
}

/// Takes as long as the faults want, which may be for ever. What it answers is still to come.
async fn injected(faults: &Faults, operation: &Operation) -> Option<Dynamodb> {
    // Whoever looks into the table from outside wants to see what is there.
    if !matches!(operation.caller, Caller::Function(_)) || operation.name.is_empty() {
        return None;
    }
    let injected = faults.dynamodb(&operation.name);
    faults.delay(injected.latency).await;
    if injected.fault == Some(Dynamodb::Timeout) {
        faults::no_answer().await;
    }
    injected.fault
}

/// What DynamoDB answers instead of doing it.
fn failure(fault: Dynamodb) -> Option<Answer> {
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
        Dynamodb::Timeout | Dynamodb::LostAnswer | Dynamodb::Latency => return None,
    };
    Some(refusal(status, kind, message))
}

/// Whether the call is signed, and its caller may do all that it asks for.
fn admit(
    access: &Access,
    operation: &Operation,
    request: &request::Parts,
    body: &[u8],
) -> Result<(), IamError> {
    // `GET /` asks for the service's health, which is no secret; whatever else names no operation, the engine refuses.
    if operation.name.is_empty() {
        return Ok(());
    }
    let signed = Signed::received(request, body);
    let caller = access.authenticate(Service::DynamoDb, &signed, OffsetDateTime::now_utc())?;
    for demand in Demand::of_dynamodb(&operation.name, body) {
        access.authorize(&caller, &demand)?;
    }
    Ok(())
}

/// As DynamoDB's front end says it, before DynamoDB itself has seen the call.
fn not_admitted(refusal: &IamError) -> Answer {
    let message = match refusal {
        IamError::Missing => "Request is missing Authentication Token".to_owned(),
        other => other.to_string(),
    };
    let body = json!({
        "__type": format!("com.amazon.coral.service#{}", refusal.kind()),
        refusal.member(): message,
    });
    error(StatusCode::BAD_REQUEST, &body)
}

impl Engine {
    async fn pass(&self, request: request::Parts, body: Bytes) -> Result<Answer, reqwest::Error> {
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
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

fn remove_headers_of_the_connection(headers: &mut HeaderMap) {
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
}

/// An error in DynamoDB's shape, which the SDKs understand and, as it is the server's, repeat.
fn refusal(status: StatusCode, kind: &str, message: &str) -> Answer {
    let body =
        json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message });
    error(status, &body)
}

fn error(status: StatusCode, body: &Value) -> Answer {
    let content_type = header::HeaderValue::from_static("application/x-amz-json-1.0");
    Answer {
        status,
        headers: [(header::CONTENT_TYPE, content_type)].into_iter().collect(),
        body: body.to_string().into(),
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, self.headers, Body::from(self.body)).into_response()
    }
}

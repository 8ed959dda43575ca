//! Lambda's Invoke API, at the paths of AWS and `cargo lambda watch`, so that `aws lambda invoke`
//! and `cargo lambda invoke` work.
//!
//! `cargo lambda invoke` does not sign its calls, so unsigned calls count as the local developer's.
//! Signed calls are verified.
//!
//! Deliberately left out: response streaming, aliases, and versions other than `$LATEST`.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION, request::Parts},
    response::Response,
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};
use tracing::warn;

use super::{
    Functions, Lambda, MAX_PAYLOAD, function_arn,
    invocation::Request as InvocationRequest,
    invoke_api_error::{InvokeApiError, json_reply},
    parted, unqualified,
};
use crate::{
    faults::Faults,
    iam::{Access, Caller, Demand, IamError, Service},
    invoke::{InvokeError, Outcome},
    server::{self, Pages},
    service::{AwsService, Pipeline, Reply},
};

/// The path of an invocation, and its parts around the function's name.
const PATH: &str = "/2015-03-31/functions/{function}/invocations";
const PATH_START: &str = "/2015-03-31/functions/";
const PATH_END: &str = "/invocations";
/// The longest client context, in characters of base64.
const MAX_CLIENT_CONTEXT: usize = 3583;
/// The largest payload of an asynchronous invocation, in bytes.
const MAX_ASYNCHRONOUS_PAYLOAD: usize = 1024 * 1024;
/// The pauses before Lambda repeats a failed asynchronous invocation.
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// The pause before Lambda repeats a throttled asynchronous invocation.
const THROTTLED: Duration = Duration::from_secs(1);

/// Serves until `stopped` becomes true or its sender is dropped.
pub(super) fn serve(
    listener: TcpListener,
    functions: Weak<Functions>,
    access: Access,
    faults: Faults,
    stopped: watch::Receiver<bool>,
) {
    // It draws none: the pool draws those of functions, also for events of the gateway.
    let pipeline = Pipeline::new(InvokeApi { functions }, access, faults);
    let router = Router::new()
        .route(PATH, post(answer))
        .fallback(|| async {
            InvokeApiError::UNKNOWN_OPERATION
                .into_reply()
                .map(Body::from)
        })
        .with_state(pipeline);
    tokio::spawn(server::serve(vec![listener], router, Pages::None, stopped));
}

async fn answer(State(pipeline): State<Pipeline<InvokeApi>>, request: Request) -> Response {
    pipeline.answer(request).await
}

/// The only version: the code that runs.
const LATEST: &str = "$LATEST";

/// The query of an invocation.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters {
    qualifier: Option<String>,
}

/// The Invoke API of the functions.
#[derive(Clone, Debug)]
struct InvokeApi {
    /// Weak: an open listener does not keep the processes of a dropped [`Lambda`].
    functions: Weak<Functions>,
}

/// An invocation of a function, as the path and the query name it.
#[derive(Debug)]
struct Call {
    function: String,
    qualifier: Option<String>,
}

impl AwsService for InvokeApi {
    const NAME: Service = Service::Lambda;
    // One byte more than Lambda accepts: the longest payload is refused by `perform`.
    const LONGEST_BODY: usize = MAX_PAYLOAD + 1;
    type Call = Call;

    fn read(&self, _: Caller, request: &Parts, _: &Bytes) -> Call {
        let path = request.uri.path().strip_prefix(PATH_START);
        let function = path.and_then(|path| path.strip_suffix(PATH_END));
        let function = percent_decode_str(function.unwrap_or_default()).decode_utf8_lossy();
        let Query(parameters) = Query::<Parameters>::try_from_uri(&request.uri).unwrap_or_default();
        Call {
            qualifier: parameters
                .qualifier
                .or(parted(&function).1.map(str::to_owned)),
            function: function.into_owned(),
        }
    }

    /// Unsigned calls are the local developer's: `cargo lambda invoke` does not sign.
    fn requires_signature(&self, _: &Call, headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION)
    }

    fn demands(&self, call: &Call, _: &Bytes) -> impl IntoIterator<Item = Demand> {
        [Demand {
            action: "lambda:InvokeFunction".to_owned(),
            resource: function_arn(unqualified(&call.function)),
        }]
    }

    async fn perform(&self, call: &Call, request: Parts, payload: Bytes) -> Reply {
        let performed = async {
            let unknown = call.qualifier.as_ref().filter(|name| *name != LATEST);
            if let Some(unknown) = unknown {
                let arn = format!("{}:{unknown}", function_arn(unqualified(&call.function)));
                return Err(InvokeApiError::no_function(&arn));
            }
            let lambda = self.functions.upgrade().map(Lambda);
            let lambda = lambda.ok_or(InvokeApiError::UNKNOWN_OPERATION)?;
            invoke(&lambda, &call.function, &request.headers, payload).await
        };
        performed.await.unwrap_or_else(InvokeApiError::into_reply)
    }

    fn too_large(&self) -> Reply {
        InvokeApiError::from(InvokeError::TooLarge).into_reply()
    }

    fn not_admitted(&self, _: &Call, cause: IamError) -> Reply {
        let body = json!({ cause.member(): cause.to_string() });
        json_reply(StatusCode::FORBIDDEN, cause.kind(), &body)
    }
}

async fn invoke(
    lambda: &Lambda,
    function: &str,
    headers: &HeaderMap,
    payload: Bytes,
) -> Result<Reply, InvokeApiError> {
    let pool = lambda.find(function)?;
    if payload.len() > MAX_PAYLOAD {
        return Err(InvokeError::TooLarge.into());
    }
    // An empty payload is the empty object.
    let payload = if payload.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        payload
    };
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(&payload) {
        return Err(InvokeApiError::invalid_content(format!(
            "Could not parse request body into json: {error}"
        )));
    }
    let request = InvocationRequest {
        payload,
        client_context: client_context(headers)?,
        log_tail: log_tail(headers)?,
    };
    let invocation_type = match headers.get("x-amz-invocation-type") {
        Some(value) => value.to_str().unwrap_or_default(),
        None => "RequestResponse",
    };
    match invocation_type {
        "RequestResponse" => {
            let accepted = pool.submit(request, None)?;
            let request_id = accepted.request_id.clone();
            let reply = accepted.reply().await;
            let (error, body) = match reply.outcome {
                Outcome::Answer(body) => (None, body),
                Outcome::FunctionError(body) => (Some(("x-amz-function-error", "Unhandled")), body),
            };
            let mut response = Reply::new(body);
            let log = reply.log.map(|log| BASE64_STANDARD.encode(log));
            let log = log.as_deref().map(|log| ("x-amz-log-result", log));
            let headers = [
                ("content-type", "application/json"),
                ("x-amz-executed-version", LATEST),
                ("x-amzn-requestid", &request_id),
            ];
            for (name, value) in headers.into_iter().chain(error).chain(log) {
                if let Ok(value) = HeaderValue::from_str(value) {
                    response
                        .headers_mut()
                        .insert(HeaderName::from_static(name), value);
                }
            }
            Ok(response)
        }
        "Event" if request.payload.len() > MAX_ASYNCHRONOUS_PAYLOAD => Err(
            InvokeApiError::asynchronous_too_large(MAX_ASYNCHRONOUS_PAYLOAD),
        ),
        "Event" => {
            // Weak: an event that waits for its repetition does not keep Lambda alive.
            let functions = Arc::downgrade(&lambda.0);
            tokio::spawn(deliver(functions, function.to_owned(), request));
            Ok(empty(StatusCode::ACCEPTED))
        }
        "DryRun" => Ok(empty(StatusCode::NO_CONTENT)),
        other => Err(InvokeApiError::new(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            format!("InvocationType {other} is none of RequestResponse, Event, DryRun"),
        )),
    }
}

/// Delivers an asynchronous event at least once: it is repeated after errors as often as the function
/// is configured, and any number of times while the function is throttled, until it is too old.
async fn deliver(functions: Weak<Functions>, function: String, request: InvocationRequest) {
    let mut failed = 0;
    let mut age = Duration::ZERO;
    while let Some(lambda) = functions.upgrade().map(Lambda) {
        let Ok(pool) = lambda.find(&function) else {
            return;
        };
        let faults = pool.faults().clone();
        let limits = pool.deployment().asynchronous;
        let accepted = pool.submit(request.clone(), None);
        drop(lambda);
        let pause = match accepted {
            Ok(accepted) => match accepted.reply().await.outcome {
                Outcome::Answer(_) => return,
                Outcome::FunctionError(_) => {
                    failed += 1;
                    let pause = RETRIES.get(failed - 1).copied();
                    pause.filter(|_| failed <= limits.retries)
                }
            },
            Err(InvokeError::Throttled) => Some(THROTTLED),
            Err(_) => return,
        };
        let Some(pause) = pause else {
            warn!(
                function,
                failed, "asynchronous event dropped after failures"
            );
            return;
        };
        age += pause;
        if age > limits.age {
            warn!(
                function,
                failed, "asynchronous event dropped because it is too old"
            );
            return;
        }
        // By the clock that tests can set ahead.
        faults.delay(pause).await;
    }
}

/// Returns the client context as JSON. The Runtime API passes it on as text in a header.
fn client_context(headers: &HeaderMap) -> Result<Option<String>, InvokeApiError> {
    let Some(encoded) = headers.get("x-amz-client-context") else {
        return Ok(None);
    };
    if encoded.len() > MAX_CLIENT_CONTEXT {
        return Err(InvokeApiError::invalid_content(format!(
            "Client context must be no longer than {MAX_CLIENT_CONTEXT} characters."
        )));
    }
    BASE64_STANDARD
        .decode(encoded)
        .ok()
        .and_then(|json| serde_json::from_slice::<Value>(&json).ok())
        .map(|context| context.to_string())
        .filter(|context| HeaderValue::from_str(context).is_ok())
        .map(Some)
        .ok_or_else(|| {
            InvokeApiError::invalid_content(
                "Client context must be a valid Base64-encoded JSON object.",
            )
        })
}

/// Whether the caller wants the end of the log with the reply.
fn log_tail(headers: &HeaderMap) -> Result<bool, InvokeApiError> {
    match headers.get("x-amz-log-type").map(HeaderValue::as_bytes) {
        None | Some(b"None") => Ok(false),
        Some(b"Tail") => Ok(true),
        Some(other) => Err(InvokeApiError::new(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            format!(
                "LogType {} is none of None, Tail",
                String::from_utf8_lossy(other)
            ),
        )),
    }
}

fn empty(status: StatusCode) -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = status;
    reply
}

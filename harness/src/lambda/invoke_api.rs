//! Lambda's Invoke API, at the paths that AWS and `cargo lambda watch` have, so that `aws lambda invoke` and
//! `cargo lambda invoke` work. The latter does not sign its calls, so unsigned ones are let in, as a developer's; what is signed is
//! verified. Deliberately left out: response streaming, and aliases and versions, of which there is none but `$LATEST`.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION, request},
    response::{IntoResponse, Response},
    routing::post,
    serve::ListenerExt,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::watch};
use tracing::warn;

use super::{Functions, Lambda, MAX_PAYLOAD, function_arn, parted, pool::Request, unqualified};
use crate::{
    iam::{self, Access, Demand, Request as Signed, Service},
    invoke::{InvokeError, Outcome},
};

/// The longest client context, in characters of base64.
const MAX_CLIENT_CONTEXT: usize = 3583;
/// The largest payload of an asynchronous invocation, in bytes.
const MAX_ASYNCHRONOUS_PAYLOAD: usize = 1024 * 1024;
/// How long Lambda waits before it repeats an asynchronous invocation that failed.
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// How long it waits while a function is throttled.
const THROTTLED: Duration = Duration::from_secs(1);

/// Serves until `stopped` becomes true or its sender goes.
pub(super) fn serve(
    listener: TcpListener,
    functions: Weak<Functions>,
    access: Access,
    mut stopped: watch::Receiver<bool>,
) {
    let router = Router::new()
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .fallback(|| async { InvokeApiError::UNKNOWN_OPERATION.into_response() })
        // One more byte than is taken, so that the answer is Lambda's own.
        .layer(DefaultBodyLimit::max(MAX_PAYLOAD + 1))
        .with_state(Api { functions, access });
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(async move {
        tokio::select! {
            result = async { axum::serve(listener, router).await } => {
                if let Err(error) = result {
                    warn!(%error, "the Invoke API has ended");
                }
            }
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    });
}

/// The version of the code that is run, and the only one that there is.
const LATEST: &str = "$LATEST";

/// What may stand behind the path.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    qualifier: Option<String>,
}

/// What the door knows.
#[derive(Clone, Debug)]
struct Api {
    functions: Weak<Functions>,
    access: Access,
}

impl Api {
    /// Whether the caller may invoke `function`; who does not say who he is, is a developer at this machine.
    fn admit(
        &self,
        function: &str,
        request: &request::Parts,
        payload: &[u8],
    ) -> Result<(), iam::IamError> {
        if !request.headers.contains_key(AUTHORIZATION) {
            return Ok(());
        }
        let signed = Signed::received(request, payload);
        let now = OffsetDateTime::now_utc();
        let caller = self.access.authenticate(Service::Lambda, &signed, now)?;
        let demand = Demand {
            action: "lambda:InvokeFunction".to_owned(),
            resource: function_arn(unqualified(function)),
        };
        Ok(self.access.authorize(&caller, &demand)?)
    }
}

async fn invoke(
    State(api): State<Api>,
    Path(function): Path<String>,
    Query(asked): Query<Asked>,
    request: request::Parts,
    payload: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    // What is too long to be read cannot be verified, and is refused anyway.
    if let Ok(payload) = &payload
        && let Err(refusal) = api.admit(&function, &request, payload)
    {
        return not_admitted(&refusal);
    }
    let qualifier = asked.qualifier.as_deref().or(parted(&function).1);
    if let Some(unknown) = qualifier.filter(|qualifier| *qualifier != LATEST) {
        let arn = format!("{}:{unknown}", function_arn(unqualified(&function)));
        return InvokeApiError::no_function(&arn).into_response();
    }
    let headers = request.headers;
    let Some(lambda) = api.functions.upgrade().map(Lambda) else {
        return InvokeApiError::UNKNOWN_OPERATION.into_response();
    };
    match answer(&lambda, &function, &headers, payload.ok()).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(
    lambda: &Lambda,
    function: &str,
    headers: &HeaderMap,
    payload: Option<Bytes>,
) -> Result<Response, InvokeApiError> {
    let pool = lambda.find(function)?;
    let payload = payload
        .filter(|payload| payload.len() <= MAX_PAYLOAD)
        .ok_or(InvokeError::TooLarge)?;
    // Nothing at all is the empty object.
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
    let request = Request {
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
            let mut response = body.into_response();
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
        "Event" if request.payload.len() > MAX_ASYNCHRONOUS_PAYLOAD => {
            Err(InvokeApiError::asynchronous_too_large())
        }
        "Event" => {
            // Weak again: an event that is to be repeated in two minutes does not keep Lambda alive.
            let functions = Arc::downgrade(&lambda.0);
            tokio::spawn(deliver(functions, function.to_owned(), request));
            Ok(StatusCode::ACCEPTED.into_response())
        }
        "DryRun" => Ok(StatusCode::NO_CONTENT.into_response()),
        other => Err(InvokeApiError::new(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            format!("InvocationType {other} is none of RequestResponse, Event, DryRun"),
        )),
    }
}

/// At least once, as asynchronous invocations are: two repetitions after failures, any number while throttled.
async fn deliver(functions: Weak<Functions>, function: String, request: Request) {
    let mut retries = RETRIES.into_iter();
    while let Some(lambda) = functions.upgrade().map(Lambda) {
        let Ok(pool) = lambda.find(&function) else {
            return;
        };
        let faults = pool.faults().clone();
        let accepted = pool.submit(request.clone(), None);
        drop(lambda);
        let pause = match accepted {
            Ok(accepted) => match accepted.reply().await.outcome {
                Outcome::Answer(_) => return,
                Outcome::FunctionError(_) => retries.next(),
            },
            Err(InvokeError::Throttled) => Some(THROTTLED),
            Err(_) => return,
        };
        let Some(pause) = pause else {
            warn!(
                function,
                "an asynchronous event failed three times and is dropped"
            );
            return;
        };
        // By the clock that can be set ahead, like all that nobody wants to wait for.
        faults.delay(pause).await;
    }
}

/// JSON in base64; the Runtime API passes it on as text in a header.
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

/// Whether the caller wants the end of the log with the answer.
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

/// An error of the service itself, in its shape.
struct InvokeApiError {
    status: StatusCode,
    error_type: &'static str,
    message: String,
}

impl InvokeApiError {
    const UNKNOWN_OPERATION: Self = Self {
        status: StatusCode::NOT_FOUND,
        error_type: "UnknownOperationException",
        message: String::new(),
    };

    fn new(status: StatusCode, error_type: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error_type,
            message: message.into(),
        }
    }

    fn invalid_content(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            message,
        )
    }

    fn no_function(arn: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            format!("Function not found: {arn}"),
        )
    }

    fn asynchronous_too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            format!(
                "Request must be smaller than {MAX_ASYNCHRONOUS_PAYLOAD} bytes for the InvokeFunction operation"
            ),
        )
    }
}

impl From<InvokeError> for InvokeApiError {
    fn from(error: InvokeError) -> Self {
        match &error {
            InvokeError::UnknownFunction(function) => {
                Self::no_function(&function_arn(unqualified(function)))
            }
            InvokeError::Throttled => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                error.to_string(),
            ),
            InvokeError::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestTooLargeException",
                error.to_string(),
            ),
        }
    }
}

fn not_admitted(refusal: &iam::IamError) -> Response {
    let body = json!({ refusal.member(): refusal.to_string() });
    let error_type = [("x-amzn-errortype", refusal.kind())];
    (StatusCode::FORBIDDEN, error_type, Json(body)).into_response()
}

impl IntoResponse for InvokeApiError {
    fn into_response(self) -> Response {
        // The service's model spells the member with either case, so clients look for both.
        let body = json!({ "Type": "User", "Message": self.message, "message": self.message });
        let error_type = [("x-amzn-errortype", self.error_type)];
        (self.status, error_type, Json(body)).into_response()
    }
}

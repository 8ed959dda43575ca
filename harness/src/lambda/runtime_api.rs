//! The HTTP interface between a process and Lambda: the Runtime API, version 2018-06-01, and the
//! part of the Extensions API that a graceful shutdown needs.
//!
//! Every process has its own listener, and `AWS_LAMBDA_RUNTIME_API` is plain `host:port`, as
//! runtimes expect. Only the process itself and its children may call: other connections get a 403,
//! by their [`origin`]. Handlers only pass calls on and wait: the sandbox decides what a call
//! means.

mod callers;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::StreamExt;
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc, oneshot, watch},
    task::AbortHandle,
    time::timeout,
};
use uuid::Uuid;

use self::callers::Callers;
use super::{MAX_PAYLOAD, environment::Deployment, invocation_error::InvocationError};
use crate::stack::ACCOUNT;

/// How long a process with an extension has to end after `SIGTERM`.
pub(super) const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// How long a poll waits for the end of the poll before it. A process that has hung up may poll
/// again before the harness has noticed.
const HANGING_UP: Duration = Duration::from_millis(100);

/// A call of the process.
#[derive(Debug)]
pub(super) enum Call {
    /// `invocation/next`. Dropping the sender rejects the call.
    Next(oneshot::Sender<Invocation>),
    /// `invocation/ID/response` or `/error`.
    Result {
        request_id: String,
        result: InvocationResult,
        verdict: oneshot::Sender<Verdict>,
    },
    /// `init/error` with the error's JSON.
    InitError(Bytes, oneshot::Sender<Verdict>),
}

/// The result that a process reports for its event.
#[derive(Debug)]
pub(super) enum InvocationResult {
    Answer(Bytes),
    Error(Bytes),
    /// Larger than Lambda's limit.
    TooLarge,
}

/// What the sandbox decided about a result.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    Accepted,
    TooLarge,
    /// The result belongs to another event than the current one.
    WrongRequestId,
    /// There is no current event.
    NotNow,
}

/// One event, as a process gets it.
#[derive(Debug)]
pub(super) struct Invocation {
    pub request_id: String,
    pub payload: Bytes,
    /// JSON.
    pub client_context: Option<String>,
    /// Its trace id in X-Ray's format, if it has one.
    pub trace: Option<String>,
    /// When the process is killed.
    pub deadline: SystemTime,
}

/// A served Runtime API. Dropping it closes the listener.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    pub calls: mpsc::Receiver<Call>,
    extension_registered: Arc<AtomicBool>,
    shutting_down: watch::Sender<bool>,
    server: AbortHandle,
}

#[derive(Clone)]
struct Shared {
    deployment: Arc<Deployment>,
    calls: mpsc::Sender<Call>,
    /// One permit: a process has one poll at a time.
    polls: Arc<Semaphore>,
    extension_registered: Arc<AtomicBool>,
    shutting_down: watch::Receiver<bool>,
}

impl RuntimeApi {
    /// Serves the process group `callers`. `None` is a group that has ended. Fails if the listener
    /// has no address.
    pub fn serve(
        listener: TcpListener,
        deployment: Arc<Deployment>,
        callers: Option<Pid>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::channel(1);
        let (shutting_down, shutdown) = watch::channel(false);
        let extension_registered = Arc::new(AtomicBool::new(false));
        let name = deployment.name.clone();
        let router = router(Shared {
            deployment,
            calls: sender,
            polls: Arc::new(Semaphore::new(1)),
            extension_registered: Arc::clone(&extension_registered),
            shutting_down: shutdown,
        });
        let callers = Callers {
            function: name,
            group: callers,
            address,
        };
        let server = tokio::spawn(callers::accept(listener, router, callers)).abort_handle();
        Ok(Self {
            calls,
            extension_registered,
            shutting_down,
            server,
        })
    }

    /// Whether the process has registered an extension, which gets a `SHUTDOWN` event.
    pub fn wants_shutdown(&self) -> bool {
        self.extension_registered.load(Ordering::Acquire)
    }

    /// Answers the extension's poll with the `SHUTDOWN` event.
    pub fn shut_down(&self) {
        self.shutting_down.send_replace(true);
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{request_id}/response",
            post(response),
        )
        .route(
            "/2018-06-01/runtime/invocation/{request_id}/error",
            post(error),
        )
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .route("/2020-01-01/extension/register", post(register_extension))
        .route(
            "/2020-01-01/extension/event/next",
            get(next_extension_event),
        )
        .with_state(shared)
}

/// Holds the poll open until there is an event. Release builds of `lambda_runtime` take any 2xx for
/// an event, so no status means "nothing yet".
///
/// A second poll is rejected while one is open. hyper drops this future when the process hangs up,
/// and the sandbox keeps the event for the next poll.
async fn next(State(shared): State<Shared>) -> Response {
    let Ok(Ok(_poll)) = timeout(HANGING_UP, shared.polls.acquire()).await else {
        return not_now();
    };
    let (sender, invocation) = oneshot::channel();
    if shared.calls.send(Call::Next(sender)).await.is_err() {
        return not_now();
    }
    let Ok(invocation) = invocation.await else {
        return not_now();
    };
    let deadline = epoch_milliseconds(invocation.deadline);
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", invocation.request_id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            shared.deployment.arn.clone(),
        ),
        (
            "lambda-runtime-trace-id",
            invocation.trace.unwrap_or_else(trace_id),
        ),
    ];
    headers.extend(
        invocation
            .client_context
            .map(|context| ("lambda-runtime-client-context", context)),
    );
    let mut response = Response::builder();
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response
        .body(Body::from(invocation.payload))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn response(
    State(shared): State<Shared>,
    Path(request_id): Path<String>,
    body: Body,
) -> Response {
    let result = match read(body).await {
        Ok(Some(answer)) => InvocationResult::Answer(answer),
        Ok(None) => InvocationResult::TooLarge,
        Err(broken) => return broken,
    };
    finish(&shared, request_id, result).await
}

async fn error(
    State(shared): State<Shared>,
    Path(request_id): Path<String>,
    body: Body,
) -> Response {
    let result = match read(body).await {
        Ok(Some(error)) => InvocationResult::Error(error),
        Ok(None) => InvocationResult::TooLarge,
        Err(broken) => return broken,
    };
    finish(&shared, request_id, result).await
}

async fn finish(shared: &Shared, request_id: String, result: InvocationResult) -> Response {
    let (verdict, answer) = oneshot::channel();
    let call = Call::Result {
        request_id,
        result,
        verdict,
    };
    pass(shared, call, answer).await
}

async fn init_error(State(shared): State<Shared>, body: Body) -> Response {
    let error = match read(body).await {
        Ok(error) => error.unwrap_or_default(),
        Err(broken) => return broken,
    };
    let (verdict, answer) = oneshot::channel();
    pass(&shared, Call::InitError(error, verdict), answer).await
}

async fn pass(shared: &Shared, call: Call, verdict: oneshot::Receiver<Verdict>) -> Response {
    if shared.calls.send(call).await.is_err() {
        return not_now();
    }
    match verdict.await {
        Ok(Verdict::Accepted) => {
            (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
        }
        Ok(Verdict::TooLarge) => error_response(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            &InvocationError::AnswerTooLarge.reason(),
        ),
        Ok(Verdict::WrongRequestId) => error_response(
            StatusCode::BAD_REQUEST,
            "InvalidRequestID",
            "Invalid request ID",
        ),
        Ok(Verdict::NotNow) | Err(_) => not_now(),
    }
}

/// Returns the body, or `None` if it exceeds Lambda's limit.
///
/// A body that is too large is read to its end as well: a process that is rejected while it sends
/// would see a broken connection instead of the response.
async fn read(body: Body) -> Result<Option<Bytes>, Response> {
    let mut stream = body.into_data_stream();
    let mut whole = Vec::new();
    let mut too_large = false;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            error_response(
                StatusCode::BAD_REQUEST,
                "InvalidRequest",
                &error.to_string(),
            )
        })?;
        too_large |= whole.len() + chunk.len() > MAX_PAYLOAD;
        if too_large {
            whole = Vec::new();
        } else {
            whole.extend_from_slice(&chunk);
        }
    }
    Ok((!too_large).then(|| whole.into()))
}

#[derive(Deserialize)]
struct Registration {
    #[serde(default)]
    events: Vec<String>,
}

/// Registers extensions that subscribe to nothing or to `SHUTDOWN`.
///
/// `INVOKE` is rejected: an extension that waits for events that never come is worse than one that
/// does not start.
async fn register_extension(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Json(registration): Json<Registration>,
) -> Response {
    let named = headers.contains_key("lambda-extension-name");
    if !named || registration.events.iter().any(|event| event != "SHUTDOWN") {
        let reason =
            "the harness supports only named extensions that subscribe to SHUTDOWN or to nothing";
        return error_response(StatusCode::FORBIDDEN, "Extension.InvalidEventType", reason);
    }
    shared.extension_registered.store(true, Ordering::Release);
    let body = json!({
        "functionName": shared.deployment.name,
        "functionVersion": "$LATEST",
        "handler": shared.deployment.handler,
        "accountId": ACCOUNT,
    });
    let identifier = [("lambda-extension-identifier", Uuid::new_v4().to_string())];
    (identifier, Json(body)).into_response()
}

async fn next_extension_event(State(mut shared): State<Shared>) -> Response {
    // An error means that the process is gone, so the response is not read.
    let _ = shared
        .shutting_down
        .wait_for(|shutting_down| *shutting_down)
        .await;
    let deadline = epoch_milliseconds(SystemTime::now() + SHUTDOWN_GRACE);
    let body =
        json!({ "eventType": "SHUTDOWN", "shutdownReason": "spindown", "deadlineMs": deadline });
    let identifier = [(
        "lambda-extension-event-identifier",
        Uuid::new_v4().to_string(),
    )];
    (identifier, Json(body)).into_response()
}

fn not_now() -> Response {
    error_response(
        StatusCode::FORBIDDEN,
        "InvalidStateTransition",
        "State transition is not allowed",
    )
}

fn error_response(status: StatusCode, error_type: &str, message: &str) -> Response {
    let body: Value = json!({ "errorType": error_type, "errorMessage": message });
    (status, Json(body)).into_response()
}

fn epoch_milliseconds(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis()
}

/// Returns a trace id in X-Ray's format. Nothing is sampled.
fn trace_id() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (high, low) = Uuid::new_v4().as_u64_pair();
    let root = high & 0xffff_ffff;
    format!("Root=1-{seconds:08x}-{root:08x}{low:016x};Parent={high:016x};Sampled=0")
}

#[cfg(test)]
mod tests;

//! The port between the gateway and Lambda. The gateway's tests implement it with scripted
//! outcomes.

use std::future::Future;

use axum::body::Bytes;
use tokio::sync::oneshot;

/// The result of an invocation that reached a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function's answer, unchanged. Usually JSON.
    Answer(Bytes),
    /// The function failed, timed out or exited: `{"errorType", "errorMessage", …}` as Lambda
    /// reports it.
    FunctionError(Bytes),
}

/// Why an invocation did not reach a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// No function has this logical id, name or binary name.
    #[error("Function not found: {0}")]
    UnknownFunction(String),
    /// The function's reserved concurrency is used up, or the account's.
    #[error("Rate Exceeded.")]
    Throttled,
    /// The payload exceeds Lambda's limit of 6 MB.
    #[error("Request must be smaller than 6291456 bytes for the InvokeFunction operation")]
    TooLarge,
}

/// Held while an event waits for a process and the process limit is reached.
pub type Queued = oneshot::Sender<()>;

/// Calls functions and waits for their answers (invocation type `RequestResponse`).
pub trait Invoke: Clone + Send + Sync + 'static {
    /// Invokes `function`, which is a logical id, a function name or a binary name.
    ///
    /// Waits for a free process without limit. The function's timeout starts when a process takes
    /// the event. `queued` is dropped when the event stops waiting for a process, so that callers
    /// can exclude this wait from their timeouts: AWS has no such wait.
    fn invoke(
        &self,
        function: &str,
        payload: Bytes,
        queued: Queued,
    ) -> impl Future<Output = Result<Outcome, InvokeError>> + Send;
}

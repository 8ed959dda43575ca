//! The one call between the gateway and Lambda, as a port: the gateway's tests script it.

use std::future::Future;

use axum::body::Bytes;
use tokio::sync::oneshot;

/// What came of an invocation that reached a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function's answer: usually JSON, unchanged.
    Answer(Bytes),
    /// The function failed, timed out or died: `{"errorType", "errorMessage", …}` as Lambda reports it.
    FunctionError(Bytes),
}

/// Why an invocation never reached a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// No function has this logical id, name or binary.
    #[error("Function not found: {0}")]
    UnknownFunction(String),
    /// Its reserved concurrency is used up, or the account's.
    #[error("Rate Exceeded.")]
    Throttled,
    /// The payload is larger than Lambda takes (6 MB).
    #[error("Request must be smaller than 6291456 bytes for the InvokeFunction operation")]
    TooLarge,
}

/// Held while an event waits for a process and no more of them may be started.
pub type Queued = oneshot::Sender<()>;

/// Calls functions and waits for their answers (invocation type `RequestResponse`).
pub trait Invoke: Clone + Send + Sync + 'static {
    /// `function` is a logical id, a function name or a binary's name. Waits for a free process as long as it takes;
    /// the function's own timeout starts when a process has taken the event. `queued` is dropped as soon as the event waits
    /// no more for lack of room on this machine, which no limit of AWS's knows.
    fn invoke(
        &self,
        function: &str,
        payload: Bytes,
        queued: Queued,
    ) -> impl Future<Output = Result<Outcome, InvokeError>> + Send;
}

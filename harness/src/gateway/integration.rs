//! Calls functions for the gateway, within the gateway's own time limit.

use std::time::Duration;

use axum::body::Bytes;
use serde_json::Value;
use tokio::{sync::oneshot, time::sleep};

use crate::{
    invoke::{Invoke, InvokeError, Outcome},
    trace,
};

/// Why the gateway has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IntegrationError {
    /// The function failed: the error object that Lambda reports.
    Function(Bytes),
    /// Lambda refused the call.
    Refused(InvokeError),
    /// The integration's time limit passed. The function keeps running.
    TimedOut,
}

impl IntegrationError {
    /// Whether the function failed with exactly the message `Unauthorized`, which asks for a 401.
    pub(crate) fn is_unauthorized(&self) -> bool {
        let Self::Function(error) = self else {
            return false;
        };
        serde_json::from_slice::<Value>(error).is_ok_and(|error| {
            error
                .get("errorMessage")
                .is_some_and(|message| message == "Unauthorized")
        })
    }

    /// Returns the text for the log. It never contains the function's own error text, which is in
    /// the function's log.
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::Function(_) => "the function failed".to_owned(),
            Self::Refused(error) => error.to_string(),
            Self::TimedOut => "the integration timed out".to_owned(),
        }
    }
}

/// Calls `function` with `event` and waits at most `limit` for its answer. The wait for a free
/// process does not count.
///
/// Callers give the event away, so that only its text is in memory while the function runs.
///
/// The call runs in its own task: as on AWS, neither the limit nor a client that leaves stops a
/// function.
pub(crate) async fn call<I: Invoke>(
    invoke: &I,
    function: &str,
    event: Value,
    limit: Duration,
) -> Result<Bytes, IntegrationError> {
    let payload = Bytes::from(event.to_string());
    drop(event);
    let (invoke, name) = (invoke.clone(), function.to_owned());
    let (queued, begins) = oneshot::channel();
    let running = trace::within(trace::current(), async move {
        invoke.invoke(&name, payload, queued).await
    });
    let running = tokio::spawn(running);
    let limit = async {
        // AWS would have started another process, so waiting for one does not count.
        let _ = begins.await;
        sleep(limit).await;
    };
    let outcome = tokio::select! {
        biased;
        ended = running => match ended {
            Ok(Ok(Outcome::Answer(answer))) => Ok(answer),
            Ok(Ok(Outcome::FunctionError(error))) => Err(IntegrationError::Function(error)),
            Ok(Err(refused)) => Err(IntegrationError::Refused(refused)),
            // The task panicked. For the client that is a failed function.
            Err(_) => Err(IntegrationError::Function(Bytes::new())),
        },
        () = limit => Err(IntegrationError::TimedOut),
    };
    if let Err(error) = &outcome {
        tracing::warn!(function, "call failed: {}", error.summary());
    }
    outcome
}

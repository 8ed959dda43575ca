//! One call of a function by the gateway, with the gateway's own limit on how long it waits for it.

use std::time::Duration;

use axum::body::Bytes;
use serde_json::Value;
use tokio::{sync::oneshot, time::sleep};

use crate::invoke::{Invoke, InvokeError, Outcome};

/// Why the gateway has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IntegrationError {
    /// The function failed: the error object that Lambda reports.
    Function(Bytes),
    /// Lambda did not take the call.
    Refused(InvokeError),
    /// The integration's limit passed. The function keeps running.
    TimedOut,
}

impl IntegrationError {
    /// Whether the function failed with exactly the message `Unauthorized`, which an authorizer uses to ask for a 401.
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

    /// What the log says: never the error's text, which is the function's own and stands in its own log.
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::Function(_) => "the function failed".to_owned(),
            Self::Refused(error) => error.to_string(),
            Self::TimedOut => "the integration timed out".to_owned(),
        }
    }
}

/// Calls `function` with `event` and waits at most `limit` for its answer, not counting the time that it waits for a process.
///
/// The call runs in a task of its own: like on AWS, neither the limit nor a client that leaves ends a function.
pub(crate) async fn call<I: Invoke>(
    invoke: &I,
    function: &str,
    event: &Value,
    limit: Duration,
) -> Result<Bytes, IntegrationError> {
    let (invoke, name, payload) = (
        invoke.clone(),
        function.to_owned(),
        Bytes::from(event.to_string()),
    );
    let (queued, begins) = oneshot::channel();
    let running = tokio::spawn(async move { invoke.invoke(&name, payload, queued).await });
    let limit = async {
        // AWS would have started another process: what is waited for the lack of one does not count.
        let _ = begins.await;
        sleep(limit).await;
    };
    let outcome = tokio::select! {
        biased;
        ended = running => match ended {
            Ok(Ok(Outcome::Answer(answer))) => Ok(answer),
            Ok(Ok(Outcome::FunctionError(error))) => Err(IntegrationError::Function(error)),
            Ok(Err(refused)) => Err(IntegrationError::Refused(refused)),
            // The task itself broke, which is for the client as if the function had.
            Err(_) => Err(IntegrationError::Function(Bytes::new())),
        },
        () = limit => Err(IntegrationError::TimedOut),
    };
    if let Err(failure) = &outcome {
        tracing::warn!(function, "{}", failure.summary());
    }
    outcome
}

//! What the trace shows of invocations and processes.

use std::time::Duration;

use serde_json::Value;

use super::{
    environment::Deployment, invocation::Event, invocation_error::InvocationError,
    process::Process, report::Status,
};
use crate::{
    bill::Usage,
    trace::{Fact, Kind, Level, Trace},
};

/// Members of events that may have tokens. A recorded event lacks them.
const HEADERS: [&str; 8] = [
    "authorizationToken",
    "cookies",
    "headers",
    "identitySource",
    "multiValueHeaders",
    "multiValueQueryStringParameters",
    "queryStringParameters",
    "rawQueryString",
];

/// The end of an invocation.
pub(super) struct Ended {
    pub took: Duration,
    /// Only for the first invocation of its process.
    pub init: Option<Duration>,
    pub status: Status,
    pub error: Option<String>,
}

impl Ended {
    /// Returns what the trace shows of the invocation of `event` in `process`.
    pub fn fact(self, trace: &Trace, event: &Event, process: &Process) -> Fact {
        let deployment = process.deployment();
        let billed = billed_ms(self.took + self.init.unwrap_or_default());
        let (outcome, level) = match self.status {
            Status::Success => ("success", Level::Ok),
            Status::Error => ("error", Level::Error),
            Status::Failure => ("processEnded", Level::Error),
            Status::Timeout => ("timeout", Level::Error),
        };
        // Reading it takes longer than the rest, so not for every invocation.
        let memory = self.init.and_then(|_| process.memory_used());
        let body = trace
            .records_bodies()
            .then(|| without_headers(event.payload()));
        Fact::new(Kind::Invocation, &deployment.name)
            .with("faas.name", deployment.logical_id.as_str())
            .with("faas.invocation_id", event.request_id())
            .with("faas.coldstart", self.init.is_some())
            .with("faas.max_memory", deployment.memory)
            .with("outcome", outcome)
            .with("aws.lambda.queued_us", micros(event.queued_for()))
            .with("aws.lambda.duration_us", micros(self.took))
            .with("aws.lambda.billed_ms", billed)
            .maybe("aws.lambda.init_us", self.init.map(micros))
            .maybe("aws.lambda.memory_used", memory)
            .maybe("process.pid", process.id())
            .maybe("error.message", self.error)
            .level(level)
            .body(body.flatten())
            .usage(Usage::invocation(billed, deployment.memory))
    }
}

/// Returns what the trace shows of an event for which no process started.
pub(super) fn no_process(
    deployment: &Deployment,
    request_id: &str,
    error: &InvocationError,
) -> Fact {
    Fact::new(Kind::Invocation, &deployment.name)
        .with("faas.name", deployment.logical_id.as_str())
        .with("faas.invocation_id", request_id)
        .with("outcome", "initFailed")
        .with("error.message", error.reason())
        .level(Level::Error)
        .usage(Usage::invocation(0, 0))
}

/// Returns what the trace shows of an init that failed, which is billed like any other.
pub(super) fn init_failed(
    deployment: &Deployment,
    took: Duration,
    error: &InvocationError,
) -> Fact {
    Fact::new(Kind::Process, &deployment.name)
        .with("faas.name", deployment.logical_id.as_str())
        .with("process.state", "init failed")
        .with("error.message", error.reason())
        .level(Level::Error)
        .usage(Usage {
            invocations: 0,
            ..Usage::invocation(billed_ms(took), deployment.memory)
        })
}

/// Returns what the trace shows of a process that has started or is about to end.
pub(super) fn process(process: &Process, state: &'static str) -> Fact {
    let deployment = process.deployment();
    Fact::new(Kind::Process, &deployment.name)
        .with("faas.name", deployment.logical_id.as_str())
        .with("process.state", state)
        .maybe("process.pid", process.id())
}

/// Returns what Lambda bills for a duration: whole milliseconds.
fn billed_ms(duration: Duration) -> u64 {
    micros(duration).div_ceil(1000)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Returns an event without the members that may have tokens.
fn without_headers(payload: &[u8]) -> Option<String> {
    let mut event: Value = serde_json::from_slice(payload).ok()?;
    if let Value::Object(event) = &mut event {
        for name in HEADERS {
            event.remove(name);
        }
    }
    Some(event.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_event_has_no_tokens() {
        let event =
            br#"{"headers":{"Authorization":"Bearer t"},"cookies":["t"],"identitySource":["t"],
            "queryStringParameters":{"token":"t"},"rawQueryString":"token=t","body":"hi"}"#;
        assert_eq!(without_headers(event).as_deref(), Some(r#"{"body":"hi"}"#));
        assert_eq!(without_headers(b"no JSON"), None);
    }
}

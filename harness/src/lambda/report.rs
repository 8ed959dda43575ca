//! The lines that Lambda writes around an invocation, as they appear in a log tail. The format is
//! that of JSON logs, which every function here uses.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use time::{UtcDateTime, macros::format_description};

/// The measurements of an invocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    pub duration: Duration,
    /// From the start of the process to its first poll. Only for the first invocation.
    pub init: Option<Duration>,
    /// In MB, from the template.
    pub memory_size: u32,
    /// The peak memory of the process in bytes, where the system reports it.
    pub memory_used: Option<u64>,
    pub status: Status,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    duration_ms: f64,
    billed_duration_ms: f64,
    #[serde(rename = "memorySizeMB")]
    memory_size: u32,
    #[serde(rename = "maxMemoryUsedMB", skip_serializing_if = "Option::is_none")]
    memory_used: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    init_duration_ms: Option<f64>,
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Status {
    Success,
    /// The function reported an error.
    Error,
    /// The process ended without a result.
    Failure,
    Timeout,
}

/// Returns the first line of an invocation.
pub(super) fn start(request_id: &str) -> String {
    line(
        "platform.start",
        json!({ "requestId": request_id, "version": "$LATEST" }),
    )
}

impl Report {
    /// Returns the last line of an invocation.
    pub fn line(&self, request_id: &str) -> String {
        let duration = milliseconds(self.duration);
        let metrics = Metrics {
            duration_ms: duration,
            // AWS bills the init, too.
            billed_duration_ms: milliseconds(self.duration + self.init.unwrap_or_default()).ceil(),
            memory_size: self.memory_size,
            memory_used: self.memory_used.map(|bytes| bytes.div_ceil(1024 * 1024)),
            init_duration_ms: self.init.map(milliseconds),
        };
        let status = match self.status {
            Status::Success => "success",
            Status::Error => "error",
            Status::Failure => "failure",
            Status::Timeout => "timeout",
        };
        let record = json!({ "requestId": request_id, "metrics": metrics, "status": status });
        line("platform.report", record)
    }
}

fn line(kind: &str, record: Value) -> String {
    // Formatting cannot fail: the format is a constant.
    let time = UtcDateTime::now()
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        ))
        .unwrap_or_default();
    json!({ "time": time, "type": kind, "record": record }).to_string()
}

/// Rounded to microseconds.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

//! How a function fails without reporting an error itself, in Lambda's words.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use axum::body::Bytes;
use nix::sys::signal::Signal;
use serde::Deserialize;
use serde_json::json;

use super::MAX_PAYLOAD;
use crate::invoke::Outcome;

/// The longest message of a function's error in the log, in characters.
const LONGEST_MESSAGE: usize = 1_000;

/// Why an invocation, or the init of a process, failed.
#[derive(Debug)]
pub(super) enum InvocationError {
    /// The executable could not be started.
    NotStarted(String),
    /// The process posted `init/error` with this body.
    Reported(Bytes),
    /// The process ended on its own.
    Exited(ExitStatus),
    /// The process exceeded this time and was killed.
    TimedOut(Duration),
    /// The function's answer is larger than Lambda's limit.
    AnswerTooLarge,
    /// The harness is stopping.
    Stopped,
}

impl InvocationError {
    /// Returns what the caller gets.
    pub fn outcome(&self, request_id: &str) -> Outcome {
        let error_type = match self {
            Self::Reported(body) => return Outcome::FunctionError(body.clone()),
            Self::NotStarted(_) => "Runtime.InvalidEntrypoint",
            Self::Exited(_) => "Runtime.ExitError",
            Self::TimedOut(_) => "Sandbox.Timedout",
            Self::AnswerTooLarge => "Function.ResponseSizeTooLarge",
            Self::Stopped => "Sandbox.Stopped",
        };
        let message = match self {
            Self::AnswerTooLarge => self.reason(),
            _ => format!("RequestId: {request_id} Error: {}", self.reason()),
        };
        let body = json!({ "errorType": error_type, "errorMessage": message });
        Outcome::FunctionError(body.to_string().into())
    }

    /// Returns one line for the log.
    pub fn reason(&self) -> String {
        match self {
            Self::NotStarted(reason) => reason.clone(),
            Self::Reported(body) => String::from_utf8_lossy(body).into_owned(),
            Self::Exited(status) => match (status.code(), status.signal()) {
                (Some(0), _) | (None, None) => {
                    "Runtime exited without providing a reason".to_owned()
                }
                (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
                (None, Some(signal)) => {
                    format!("Runtime exited with error: signal: {}", signal_name(signal))
                }
            },
            Self::TimedOut(limit) => {
                format!("Task timed out after {:.2} seconds", limit.as_secs_f64())
            }
            Self::AnswerTooLarge => {
                format!(
                    "Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD} bytes)."
                )
            }
            Self::Stopped => "The harness is stopping".to_owned(),
        }
    }
}

/// The error that a function reported. It is logged, since the function may not have logged it.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct ReportedError {
    #[serde(rename = "errorType", default)]
    pub kind: String,
    #[serde(rename = "errorMessage", default)]
    pub message: String,
}

impl ReportedError {
    /// Reads `{"errorType", "errorMessage", …}`. Of a long message only the beginning is kept, and
    /// any other body counts as the message.
    pub fn read(body: &[u8]) -> Self {
        let mut error = serde_json::from_slice(body).unwrap_or_else(|_| Self {
            kind: String::new(),
            message: String::from_utf8_lossy(body).into_owned(),
        });
        if let Some((end, _)) = error.message.char_indices().nth(LONGEST_MESSAGE) {
            error.message.truncate(end);
            error.message.push('…');
        }
        error
    }
}

/// Returns the name that Lambda's own log uses.
fn signal_name(number: i32) -> String {
    match Signal::try_from(number) {
        Ok(Signal::SIGABRT) => "aborted".to_owned(),
        Ok(Signal::SIGKILL) => "killed".to_owned(),
        Ok(Signal::SIGSEGV) => "segmentation fault".to_owned(),
        Ok(Signal::SIGTERM) => "terminated".to_owned(),
        Ok(other) => other.as_str().to_owned(),
        Err(_) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reported_error_is_read_in_every_form() {
        let error = |kind: &str, message: &str| ReportedError {
            kind: kind.to_owned(),
            message: message.to_owned(),
        };
        let read = |body: &str| ReportedError::read(body.as_bytes());
        let body = r#"{"errorType":"KeyError","errorMessage":"'a'","stackTrace":[]}"#;
        assert_eq!(read(body), error("KeyError", "'a'"));
        assert_eq!(read(r#"{"errorType":"E"}"#), error("E", ""));
        assert_eq!(read("oh"), error("", "oh"));
        let long = "é".repeat(LONGEST_MESSAGE + 1);
        let cut = format!("{}…", "é".repeat(LONGEST_MESSAGE));
        assert_eq!(read(&long), error("", &cut));
    }

    #[test]
    fn errors_have_the_texts_of_aws() {
        let table = [
            (
                InvocationError::TimedOut(Duration::from_millis(3000)),
                r#"{"errorMessage":"RequestId: r1 Error: Task timed out after 3.00 seconds","errorType":"Sandbox.Timedout"}"#,
            ),
            (
                InvocationError::Exited(ExitStatus::from_raw(101 << 8)),
                r#"{"errorMessage":"RequestId: r1 Error: Runtime exited with error: exit status 101","errorType":"Runtime.ExitError"}"#,
            ),
            (
                InvocationError::Exited(ExitStatus::from_raw(0)),
                r#"{"errorMessage":"RequestId: r1 Error: Runtime exited without providing a reason","errorType":"Runtime.ExitError"}"#,
            ),
            (
                InvocationError::Exited(ExitStatus::from_raw(Signal::SIGABRT as i32)),
                r#"{"errorMessage":"RequestId: r1 Error: Runtime exited with error: signal: aborted","errorType":"Runtime.ExitError"}"#,
            ),
            (
                InvocationError::Reported(Bytes::from_static(b"{\"errorType\":\"mine\"}")),
                r#"{"errorType":"mine"}"#,
            ),
        ];
        for (error, expected) in table {
            assert_eq!(error.outcome("r1"), Outcome::FunctionError(expected.into()));
        }
    }
}

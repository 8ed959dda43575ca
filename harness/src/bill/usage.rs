//! The quantities that AWS bills.

use std::ops::AddAssign;

use serde::Serialize;

/// The step of a WebSocket message, in bytes.
const SOCKET_STEP: usize = 32 * 1024;
/// The step of a request to an HTTP API, in bytes.
const HTTP_STEP: usize = 512 * 1024;
/// The step of a request to SQS, in bytes.
const QUEUE_STEP: usize = 64 * 1024;
/// What CloudWatch Logs adds to each line, in bytes.
const LOG_OVERHEAD: usize = 26;

/// Quantities that AWS bills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Messages of WebSocket APIs in both directions, in steps of 32 KB.
    pub socket_messages: u64,
    /// How many of them were posted by the management API.
    pub pushes: u64,
    /// The time of WebSocket connections, in milliseconds.
    pub connection_ms: u64,
    /// Requests to HTTP APIs, in steps of 512 KB.
    pub http_requests: u64,
    /// Invocations of functions.
    pub invocations: u64,
    /// Billed milliseconds, times the memory of the function in MB.
    pub mb_ms: u64,
    /// Read units of DynamoDB.
    pub read_units: f64,
    /// Write units of DynamoDB.
    pub write_units: f64,
    /// Reads of streams by others than Lambda.
    pub stream_reads: u64,
    /// Requests to SQS, in steps of 64 KB.
    pub queue_requests: u64,
    /// Requests to S3 that write or list.
    pub object_writes: u64,
    /// Other requests to S3.
    pub object_reads: u64,
    /// Lines of logs, in bytes.
    pub log_bytes: u64,
    /// What goes to the internet, in bytes.
    pub egress_bytes: u64,
}

/// Returns how many steps a size takes, at least one.
#[must_use]
pub fn steps(bytes: usize, step: usize) -> u64 {
    u64::try_from(bytes.div_ceil(step).max(1)).unwrap_or(u64::MAX)
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl Usage {
    /// A message from a client of a WebSocket API.
    #[must_use]
    pub fn message_in(bytes: usize) -> Self {
        Self {
            socket_messages: steps(bytes, SOCKET_STEP),
            ..Self::default()
        }
    }

    /// A message to a client of a WebSocket API.
    #[must_use]
    pub fn message_out(bytes: usize) -> Self {
        Self {
            egress_bytes: count(bytes),
            ..Self::message_in(bytes)
        }
    }

    /// A message that the management API has posted.
    #[must_use]
    pub fn push(bytes: usize) -> Self {
        Self {
            pushes: 1,
            ..Self::message_out(bytes)
        }
    }

    /// A request to an HTTP API with its response.
    #[must_use]
    pub fn http(request: usize, response: usize) -> Self {
        Self {
            http_requests: steps(request.max(response), HTTP_STEP),
            egress_bytes: count(response),
            ..Self::default()
        }
    }

    /// An invocation of a function of `memory` MB. `billed_ms` includes the init of its process.
    #[must_use]
    pub fn invocation(billed_ms: u64, memory: u32) -> Self {
        Self {
            invocations: 1,
            mb_ms: billed_ms.saturating_mul(memory.into()),
            ..Self::default()
        }
    }

    /// A request to SQS.
    #[must_use]
    pub fn queue(bytes: usize) -> Self {
        Self {
            queue_requests: steps(bytes, QUEUE_STEP),
            ..Self::default()
        }
    }

    /// A line of a log.
    #[must_use]
    pub fn log(bytes: usize) -> Self {
        Self {
            log_bytes: count(bytes + LOG_OVERHEAD),
            ..Self::default()
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.socket_messages += other.socket_messages;
        self.pushes += other.pushes;
        self.connection_ms += other.connection_ms;
        self.http_requests += other.http_requests;
        self.invocations += other.invocations;
        self.mb_ms += other.mb_ms;
        self.read_units += other.read_units;
        self.write_units += other.write_units;
        self.stream_reads += other.stream_reads;
        self.queue_requests += other.queue_requests;
        self.object_writes += other.object_writes;
        self.object_reads += other.object_reads;
        self.log_bytes += other.log_bytes;
        self.egress_bytes += other.egress_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_billed_in_steps() {
        const KB: usize = 1024;
        for (bytes, expected) in [
            (0, 1),
            (1, 1),
            (32 * KB, 1),
            (32 * KB + 1, 2),
            (128 * KB, 4),
        ] {
            assert_eq!(
                Usage::message_in(bytes).socket_messages,
                expected,
                "{bytes}"
            );
        }
        for (request, response, expected) in [
            (0, 0, 1),
            (512 * KB, 512 * KB, 1),
            (0, 512 * KB + 1, 2),
            (1024 * KB + 1, 0, 3),
        ] {
            assert_eq!(Usage::http(request, response).http_requests, expected);
        }
        assert_eq!(Usage::queue(64 * KB + 1).queue_requests, 2);
        assert_eq!(Usage::log(100).log_bytes, 126);
        assert_eq!(Usage::invocation(3, 256).mb_ms, 768);
    }
}

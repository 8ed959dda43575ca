//! The duration of a request, for the log.

use std::time::Instant;

/// Returns the milliseconds since an instant.
pub fn milliseconds_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

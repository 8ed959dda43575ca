//! Time as a port: expiry and the pace of key fetches are tested by moving a clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time. Clones MUST tell the same time.
pub trait Clock: Clone + Send + Sync {
    /// Seconds since 1970-01-01 UTC, as tokens count.
    fn now(&self) -> u64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        // A clock before 1970 reads as 1970: every `nbf` then lies ahead, so a broken clock refuses.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}

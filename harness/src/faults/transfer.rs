//! The transfer of a body: how long it takes, and whether it ends in its middle.

use std::time::Duration;

use tokio::time::Instant;

use crate::gateway::clock::Clock;

/// The transfer of one body.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    clock: Clock,
    began: Instant,
    /// The least time of the whole transfer.
    lasts: Duration,
    is_cut: bool,
}

impl Transfer {
    pub(super) fn new(clock: Clock, lasts: Duration, is_cut: bool) -> Self {
        Self {
            began: clock.now(),
            clock,
            lasts,
            is_cut,
        }
    }

    /// Returns a transfer without faults.
    pub fn unhindered() -> Self {
        Self::new(Clock::default(), Duration::ZERO, false)
    }

    /// Waits until so many `bytes` of all may have been transferred.
    pub async fn wait(&self, bytes: u64, all: u64) {
        if self.lasts.is_zero() || all == 0 {
            return;
        }
        // The loss of precision is below a millisecond.
        #[expect(clippy::cast_precision_loss, reason = "a duration need not be exact")]
        let share = (bytes as f64 / all as f64).min(1.0);
        let time = self.began + self.lasts.mul_f64(share);
        if time > self.clock.now() {
            self.clock.reaches(time).await;
        }
    }

    /// Whether the connection breaks after so many `bytes` of all.
    pub const fn cuts(&self, bytes: u64, all: u64) -> bool {
        self.is_cut && bytes >= all / 2
    }
}

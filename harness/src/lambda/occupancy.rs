//! How long an event counts against the limit of its account, or of its function's reservation.
//!
//! On AWS an event is in progress from its acceptance to its answer, since it never waits for a
//! process. Here it may wait because `--concurrency` processes are busy. Such an event counts only
//! for the least time that its function has taken so far. The processes share this machine's
//! processors, so an average would count the machine's load as the function's work.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, task::AbortHandle, time::sleep};

/// The least time between a function's event and its answer. `None` before its first answer.
#[derive(Debug, Default)]
pub(super) struct LeastDuration(Mutex<Option<Duration>>);

/// An event's permit. It is released when this is dropped, or earlier.
#[derive(Debug)]
pub(super) struct Occupancy {
    permit: Option<OwnedSemaphorePermit>,
    /// Holds the permit of an event that waits.
    timer: Option<AbortHandle>,
}

impl LeastDuration {
    pub fn record(&self, duration: Duration) {
        let mut least = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *least = Some(least.map_or(duration, |least| least.min(duration)));
    }

    pub fn get(&self) -> Option<Duration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Occupancy {
    pub fn new(permit: OwnedSemaphorePermit) -> Self {
        Self {
            permit: Some(permit),
            timer: None,
        }
    }

    /// Releases the permit after `least`, or at once if the function has not answered yet: nothing
    /// is known then, and an event that AWS would accept must not be throttled.
    pub fn end_after(&mut self, least: Option<Duration>) {
        let permit = self.permit.take();
        if let Some(least) = least
            && permit.is_some()
        {
            let timer = tokio::spawn(async move {
                sleep(least).await;
                drop(permit);
            });
            self.timer = Some(timer.abort_handle());
        }
    }
}

impl Drop for Occupancy {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
    }
}

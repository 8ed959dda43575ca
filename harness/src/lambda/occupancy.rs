//! How long an event counts against the limit of its account, or of its function's reservation.
//!
//! On AWS an event is in progress from its acceptance to its answer, since it never waits for a
//! process. Here it may wait because `--concurrency` processes are busy. Such an event counts only
//! for its function's usual duration: by then AWS would have answered it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, task::AbortHandle, time::sleep};

/// The weight of the newest call in the average.
const WEIGHT: f64 = 0.125;

/// The moving average of a function's durations. `None` before its first answer.
#[derive(Debug, Default)]
pub(super) struct UsualDuration(Mutex<Option<Duration>>);

/// An event's permit. It is released when this is dropped, or earlier.
#[derive(Debug)]
pub(super) struct Occupancy {
    permit: Option<OwnedSemaphorePermit>,
    /// Holds the permit of an event that waits.
    timer: Option<AbortHandle>,
}

impl UsualDuration {
    pub fn record(&self, duration: Duration) {
        let mut usual = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *usual = Some(usual.map_or(duration, |usual| {
            usual.mul_f64(1.0 - WEIGHT) + duration.mul_f64(WEIGHT)
        }));
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

    /// Releases the permit after `usual`. Without a usual duration, the event counts until its
    /// answer.
    pub fn end_after(&mut self, usual: Option<Duration>) {
        if let Some(usual) = usual
            && let Some(permit) = self.permit.take()
        {
            let timer = tokio::spawn(async move {
                sleep(usual).await;
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

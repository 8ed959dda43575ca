//! The clock by which connections age and throttles fill. It follows the system clock until a test
//! sets it ahead, to avoid waiting ten minutes or two hours. Functions and tokens do not see it.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// A clock that only goes forward. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(watch::Sender<Duration>);

/// Far beyond the life of any connection, and small enough to add to any time.
const FURTHEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Why the clock cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// It is further ahead already.
    #[error("the clock only goes forward, and it is {} ms ahead already", .0.as_millis())]
    Back(Duration),
    /// Nothing waits that long.
    #[error("the clock can be set ahead by at most {} ms", FURTHEST.as_millis())]
    TooFar,
}

impl Clock {
    /// Returns the current time.
    pub(crate) fn now(&self) -> Instant {
        Instant::now() + self.ahead()
    }

    /// Returns how far it is ahead of the system clock.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        *self.0.borrow()
    }

    /// Sets how far it is ahead of the system clock, and wakes everything that waits for a time
    /// that has passed by then.
    ///
    /// # Errors
    /// Fails if the clock would go back, or more than a year ahead.
    pub fn set_ahead(&self, ahead: Duration) -> Result<(), ClockError> {
        if ahead > FURTHEST {
            return Err(ClockError::TooFar);
        }
        let forward = self.0.send_if_modified(|present| {
            let forward = *present <= ahead;
            if forward {
                *present = ahead;
            }
            forward
        });
        if forward {
            Ok(())
        } else {
            Err(ClockError::Back(self.ahead()))
        }
    }

    /// Resolves at `time`.
    pub(crate) async fn reaches(&self, time: Instant) {
        let mut changes = self.0.subscribe();
        loop {
            let ahead = *changes.borrow_and_update();
            tokio::select! {
                () = sleep_until(time.checked_sub(ahead).unwrap_or_else(Instant::now)) => return,
                // The sender is `self`, so there is no error.
                _ = changes.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_only_goes_forward_and_wakes_waiters() {
        let clock = Clock::default();
        let hour = Duration::from_secs(60 * 60);
        let (began, time) = (Instant::now(), clock.now() + 2 * hour);
        let waits = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reaches(time).await }
        });
        clock.set_ahead(hour).unwrap();
        assert_eq!(clock.set_ahead(hour / 2), Err(ClockError::Back(hour)));
        assert_eq!(clock.set_ahead(FURTHEST * 2), Err(ClockError::TooFar));
        waits.await.unwrap();
        assert_eq!(began.elapsed(), hour);
        assert_eq!(clock.now(), time);
    }
}

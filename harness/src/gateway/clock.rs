//! The clock by which connections grow old. It is the machine's, until somebody sets it ahead so as not to wait for ten
//! minutes or two hours. Functions and tokens do not see it.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// A clock that only goes forward. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(watch::Sender<Duration>);

/// Far beyond the life of any connection, and short enough to be added to any time.
const FURTHEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Why a clock cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// It was further ahead already.
    #[error("the clock only goes forward, and it is {} ms ahead already", .0.as_millis())]
    Back(Duration),
    /// That is no time that anything waits for.
    #[error("the clock can be set ahead by at most {} ms", FURTHEST.as_millis())]
    TooFar,
}

impl Clock {
    /// The time now.
    pub(crate) fn now(&self) -> Instant {
        Instant::now() + self.ahead()
    }

    /// How far it is ahead of the machine's.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        *self.0.borrow()
    }

    /// Sets it ahead of the machine's by so much. Whoever waits for a time that this passes goes on.
    ///
    /// # Errors
    /// It would go back, or beyond a year.
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

    /// Resolves once it is `time` by this clock.
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
    async fn it_goes_forward_only_and_wakes_whoever_waits() {
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

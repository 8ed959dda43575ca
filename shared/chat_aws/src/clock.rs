//! The system clock.

use std::{
    future::Future,
    time::{Duration, SystemTime},
};

use chat::{domain::Timestamp, ports::Clock};

/// The system's clock and the runtime's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 counts as the end of time: every token has then expired.
        let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::MAX);
        Timestamp::from_millis(0).plus(since_epoch)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
}

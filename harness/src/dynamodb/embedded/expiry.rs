//! Deletes expired items by a clock that is ahead of the system's. The engine has a clock for that,
//! but only a connection that it does not serve from takes one.

use std::{sync::Arc, time::Duration};

use dynoxide::{
    DynoxideError,
    storage::Storage,
    storage_backend::{Clock, SystemClock},
    ttl,
};
use futures_util::FutureExt;

/// The system's time and this much more.
struct Ahead(Duration);

impl Clock for Ahead {
    fn now_unix_secs(&self) -> u64 {
        SystemClock.now_unix_secs() + self.0.as_secs()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        SystemClock.now_unix_secs_f64() + self.0.as_secs_f64()
    }
}

/// Deletes the items that have expired by then, with their records in the streams. Returns how many.
/// No call of the engine may run meanwhile.
pub(super) fn delete_expired(location: &str, ahead: Duration) -> Result<usize, DynoxideError> {
    let storage = Storage::new(location)?.with_clock(Arc::new(Ahead(ahead)));
    // SQLite is called by function, so nothing is ever pending.
    ttl::sweep_expired_items(&storage)
        .now_or_never()
        .unwrap_or(Ok(0))
}

//! The throttles of a stage: one token bucket per route. Buckets fill by the gateway's clock.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use super::clock::Clock;
use crate::stack::{Throttle, Throttling};

/// The buckets of one stage.
#[derive(Debug)]
pub(super) struct Throttles {
    settings: Throttling,
    clock: Clock,
    /// By route key. A route without a bucket has had no request.
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Throttles {
    pub(super) fn new(settings: Throttling, clock: Clock) -> Self {
        Self {
            settings,
            clock,
            buckets: Mutex::default(),
        }
    }

    /// Takes a token for a request of the route. Returns false if there is none; then the gateway
    /// answers 429 and calls no function.
    pub(super) fn admits(&self, route_key: &str) -> bool {
        let Some(throttle) = self.settings.of(route_key) else {
            return true;
        };
        let now = self.clock.now();
        let mut buckets = self.buckets();
        if let Some(bucket) = buckets.get_mut(route_key) {
            return bucket.take(throttle, now);
        }
        let mut bucket = Bucket::full(throttle, now);
        let admitted = bucket.take(throttle, now);
        buckets.insert(route_key.to_owned(), bucket);
        admitted
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<String, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn full(throttle: Throttle, now: Instant) -> Self {
        Self {
            tokens: f64::from(throttle.burst),
            filled_at: now,
        }
    }

    fn take(&mut self, throttle: Throttle, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.filled_at).as_secs_f64() * throttle.rate;
        self.tokens = (self.tokens + gained).min(f64::from(throttle.burst));
        self.filled_at = now;
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_route_has_its_burst_and_then_its_rate_by_the_gateways_clock() {
        let slow = Throttle {
            rate: 0.5,
            burst: 2,
        };
        let settings = Throttling {
            default: Some(slow),
            routes: BTreeMap::from([(
                "ping".to_owned(),
                Throttle {
                    rate: 1.0,
                    burst: 1,
                },
            )]),
        };
        let clock = Clock::default();
        let throttles = Throttles::new(settings, clock.clone());
        let asked = |route: &str, times: usize| -> Vec<bool> {
            (0..times).map(|_| throttles.admits(route)).collect()
        };
        assert_eq!(asked("say", 3), [true, true, false]);
        assert_eq!(
            asked("shout", 3),
            [true, true, false],
            "each route has a bucket"
        );
        assert_eq!(
            asked("ping", 2),
            [true, false],
            "a route's own settings count"
        );
        clock.set_ahead(Duration::from_secs(1)).unwrap();
        assert_eq!(asked("ping", 2), [true, false]);
        assert_eq!(asked("say", 1), [false], "half a token");
        clock.set_ahead(Duration::from_secs(2)).unwrap();
        assert_eq!(asked("say", 2), [true, false]);
        clock.set_ahead(Duration::from_secs(3_600)).unwrap();
        assert_eq!(
            asked("say", 3),
            [true, true, false],
            "a bucket holds its burst"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_settings_nothing_is_throttled() {
        let throttles = Throttles::new(Throttling::default(), Clock::default());
        assert!((0..100_000).all(|_| throttles.admits("ping")));
    }
}

//! How many requests a user may make: one token bucket for each user.
//!
//! A function's process keeps the buckets in its memory, so checking a request costs no call and no
//! round. Processes share nothing: a user gets the rate from each process that serves them. A
//! process handles one request at a time, so a user who keeps `n` of them busy has at most `n`
//! times the rate. The gateway's throttles bound `n`.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    domain::{Timestamp, UserId},
    error::Rejection,
};

/// The cost of most requests in tokens, also that of a message.
pub const ORDINARY_COST: u32 = 1;

/// Full buckets are removed when there are this many buckets, and again whenever the number of the
/// remaining ones has doubled.
const FIRST_SWEEP: usize = 1_024;
const MICROS_PER_SECOND: u64 = 1_000_000;

/// The token buckets of all users of one process.
#[derive(Debug)]
pub struct RateLimits {
    /// The time in which a bucket gains a token, in microseconds; 0 means no limit.
    interval: u64,
    /// The tokens of a full bucket.
    burst: u32,
    buckets: Mutex<Buckets>,
}

/// When each user's bucket will be full, in microseconds since the Unix epoch. A user without a row
/// has a full bucket.
#[derive(Debug)]
struct Buckets {
    full_at: HashMap<UserId, u64>,
    sweep_at: usize,
}

impl RateLimits {
    /// Gives each user a bucket of `burst` tokens, which gains `per_second` tokens a second.
    #[must_use]
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        Self::with_interval(MICROS_PER_SECOND / u64::from(per_second.get()), burst.get())
    }

    /// Returns limits that reject no request. For tests.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::with_interval(0, u32::MAX)
    }

    fn with_interval(interval: u64, burst: u32) -> Self {
        let buckets = Buckets {
            full_at: HashMap::new(),
            sweep_at: FIRST_SWEEP,
        };
        Self {
            interval,
            burst,
            buckets: Mutex::new(buckets),
        }
    }

    /// Takes `cost` tokens from the user's bucket. A cost above the burst counts as the burst, so
    /// that a full bucket is enough for every request.
    ///
    /// # Errors
    /// `rate_limited` with the time until the bucket has enough tokens, if no other request takes
    /// them. A rejected request costs nothing.
    pub fn spend(&self, user: &UserId, cost: u32, now: Timestamp) -> Result<(), Rejection> {
        if self.interval == 0 {
            return Ok(());
        }
        let now = now.millis().saturating_mul(1_000);
        // An empty bucket is full after this time.
        let empty = now.saturating_add(self.tokens(self.burst));
        let mut buckets = self.buckets();
        let full_at = buckets.full_at.get(user).copied().unwrap_or(now);
        let full_at = full_at.clamp(now, self.deepest(now));
        let after = full_at.saturating_add(self.tokens(cost.min(self.burst)));
        if after > empty {
            buckets.full_at.insert(user.clone(), full_at);
            let wait = Duration::from_millis((after - empty).div_ceil(1_000));
            return Err(Rejection::RateLimited(wait));
        }
        buckets.full_at.insert(user.clone(), after);
        buckets.sweep(now);
        Ok(())
    }

    /// Adds `further` tokens to the cost of a request that has spent `spent`.
    ///
    /// # Errors
    /// `rate_limited` as [`Self::spend`] returns it for the whole cost, and the request gets back
    /// what it has spent.
    pub fn raise(
        &self,
        user: &UserId,
        (spent, further): (u32, u32),
        now: Timestamp,
    ) -> Result<(), Rejection> {
        if let Some(full_at) = self.buckets().full_at.get_mut(user) {
            let tokens = u64::from(spent.min(self.burst));
            *full_at = full_at.saturating_sub(self.interval.saturating_mul(tokens));
        }
        self.spend(user, spent.saturating_add(further), now)
    }

    /// Takes `cost` tokens from the user's bucket for work that is done: what a request reads is
    /// known only afterwards. What the bucket does not have is a debt, of at most a full bucket.
    pub fn charge(&self, user: &UserId, cost: u32, now: Timestamp) {
        if self.interval == 0 || cost == 0 {
            return;
        }
        let now = now.millis().saturating_mul(1_000);
        let mut buckets = self.buckets();
        let full_at = buckets.full_at.get(user).copied().unwrap_or(now);
        let after = full_at.max(now).saturating_add(self.tokens(cost));
        buckets
            .full_at
            .insert(user.clone(), after.min(self.deepest(now)));
        buckets.sweep(now);
    }

    /// Returns the time in which a bucket gains so many tokens, in microseconds.
    fn tokens(&self, number: u32) -> u64 {
        self.interval.saturating_mul(u64::from(number))
    }

    /// Returns when the bucket with the largest debt is full. If the clock was set back, a stored
    /// time may be later. It counts as this one, so the user is not locked out.
    fn deepest(&self, now: u64) -> u64 {
        now.saturating_add(self.tokens(self.burst).saturating_mul(2))
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    /// Removes full buckets. Each sweep waits until the number of buckets has doubled, so the work
    /// per request is constant on average, and the memory is bounded by twice the number of users
    /// who send requests while a bucket fills.
    fn sweep(&mut self, now: u64) {
        if self.full_at.len() < self.sweep_at {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        self.sweep_at = FIRST_SWEEP.max(2 * self.full_at.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_second: u32, burst: u32) -> RateLimits {
        let number = |number| NonZeroU32::new(number).unwrap();
        RateLimits::new(number(per_second), number(burst))
    }

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_780_000_000_000 + millis)
    }

    fn wait(millis: u64) -> Result<(), Rejection> {
        Err(Rejection::RateLimited(Duration::from_millis(millis)))
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let limits = limits(10, 3);
        let ada = user("ada");
        for _ in 0..3 {
            assert_eq!(limits.spend(&ada, 1, at(0)), Ok(()));
        }
        assert_eq!(limits.spend(&ada, 1, at(0)), wait(100));
        assert_eq!(limits.spend(&ada, 1, at(99)), wait(1));
        assert_eq!(limits.spend(&ada, 1, at(100)), Ok(()));
        assert_eq!(limits.spend(&ada, 2, at(100)), wait(200));
        // After a pause the bucket is full, and no fuller.
        for _ in 0..3 {
            assert_eq!(limits.spend(&ada, 1, at(60_000)), Ok(()));
        }
        assert_eq!(limits.spend(&ada, 1, at(60_000)), wait(100));
    }

    #[test]
    fn users_do_not_share_a_bucket() {
        let limits = limits(1, 1);
        for name in ["ada", "grace"] {
            assert_eq!(limits.spend(&user(name), 1, at(0)), Ok(()));
            assert_eq!(limits.spend(&user(name), 1, at(0)), wait(1_000));
        }
    }

    #[test]
    fn a_cost_above_the_burst_needs_a_full_bucket() {
        let limits = limits(1, 2);
        let ada = user("ada");
        assert_eq!(limits.spend(&ada, 100, at(0)), Ok(()));
        assert_eq!(limits.spend(&ada, 100, at(0)), wait(2_000));
        assert_eq!(limits.spend(&ada, 100, at(2_000)), Ok(()));
    }

    #[test]
    fn a_raised_cost_is_spent_whole_or_not_at_all() {
        let limits = limits(1, 10);
        let ada = user("ada");
        let ask = |further| {
            limits.spend(&ada, 2, at(0))?;
            limits.raise(&ada, (2, further), at(0))
        };
        assert_eq!(ask(3), Ok(()));
        assert_eq!(ask(4), wait(1_000));
        assert_eq!(ask(3), Ok(()));
        assert_eq!(limits.spend(&ada, 1, at(0)), wait(1_000));
        // More than the burst needs a full bucket.
        let later = at(10_000);
        assert_eq!(limits.spend(&ada, 2, later), Ok(()));
        assert_eq!(limits.raise(&ada, (2, 100), later), Ok(()));
        assert_eq!(limits.spend(&ada, 1, later), wait(1_000));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let limits = limits(1, 2);
        let ada = user("ada");
        assert_eq!(limits.spend(&ada, 2, at(3_600_000)), Ok(()));
        // As with the largest debt.
        assert_eq!(limits.spend(&ada, 1, at(0)), wait(3_000));
        assert_eq!(limits.spend(&ada, 1, at(3_000)), Ok(()));
    }

    #[test]
    fn work_that_is_done_is_charged_also_to_a_bucket_that_does_not_have_the_tokens() {
        let limits = limits(1, 10);
        let ada = user("ada");
        assert_eq!(limits.spend(&ada, 1, at(0)), Ok(()));
        limits.charge(&ada, 4, at(0));
        assert_eq!(limits.spend(&ada, 5, at(0)), Ok(()));
        assert_eq!(limits.spend(&ada, 1, at(0)), wait(1_000));
        limits.charge(&ada, 4, at(0));
        assert_eq!(limits.spend(&ada, 1, at(0)), wait(5_000));
        // The debt is bounded.
        limits.charge(&ada, 1_000, at(0));
        assert_eq!(limits.spend(&ada, 1, at(0)), wait(11_000));
        assert_eq!(limits.spend(&ada, 1, at(11_000)), Ok(()));
        // A full bucket does not become fuller by waiting.
        limits.charge(&ada, 9, at(60_000));
        assert_eq!(limits.spend(&ada, 2, at(60_000)), wait(1_000));
    }

    #[test]
    fn the_memory_is_bounded_by_the_users_who_send_while_a_bucket_fills() {
        let limits = limits(1, 1);
        for number in 0..100_000 {
            let spent = limits.spend(&user(&format!("u{number}")), 1, at(number));
            assert_eq!(spent, Ok(()));
            // A bucket fills in a second, in which 1,000 users come.
            assert!(limits.buckets().full_at.len() <= 2 * FIRST_SWEEP);
        }
    }
}

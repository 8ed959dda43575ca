//! A deterministic runtime: an executor with its own clock and random numbers. When all tasks wait
//! for the clock, the clock jumps to the next time that a task waits for. No test sleeps.
//!
//! A runtime with a seed is unsteady: each call takes a random number of steps, so concurrent tasks
//! interleave differently with each seed; the clock advances while tasks run; and rare events
//! ([`Runtime::happens`]) occur. The same seed always produces the same run.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use super::Chance;
use crate::{
    domain::Timestamp,
    ports::{Clock, Random},
};

/// The executor, clock and random numbers of a test.
#[derive(Debug)]
pub struct Runtime {
    now: AtomicU64,
    sleepers: Mutex<BTreeMap<(u64, u64), Waker>>,
    counter: AtomicU64,
    chance: Option<Chance>,
}

impl Runtime {
    /// Creates a steady runtime whose clock starts at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: AtomicU64::new(now.millis()),
            sleepers: Mutex::default(),
            counter: AtomicU64::new(0),
            chance: None,
        }
    }

    /// Creates an unsteady runtime whose clock starts at `now`.
    #[must_use]
    pub fn unsteady(now: Timestamp, seed: u64) -> Self {
        Self {
            chance: Some(Chance::new(seed)),
            ..Self::at(now)
        }
    }

    /// Returns true once in `times` calls on average; never in a steady runtime.
    pub fn happens(&self, times: u64) -> bool {
        self.chance.is_some() && self.below(times) == 0
    }

    /// Yields to other tasks: once in a steady runtime, else a random number of times.
    pub async fn pause(&self) {
        // Most calls are short. During a long one, other requests start and end.
        let longest = match (self.happens(4), self.happens(4)) {
            (false, _) => 3,
            (true, false) => 24,
            (true, true) => 120,
        };
        let more = self.chance.as_ref().map_or(0, |_| self.below(longest));
        for _ in 0..=more {
            step().await;
        }
    }

    /// Runs a future to completion. An unsteady runtime may stop it at a random step instead: it
    /// drops the future, as if its function were killed, and returns `None`.
    pub async fn mortal<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut left = self.happens(3).then(|| self.below(40));
        let mut future = Some(Box::pin(future));
        poll_fn(move |context| {
            if left == Some(0) {
                future = None;
            }
            left = left.map(|left| left.saturating_sub(1));
            match &mut future {
                Some(future) => future.as_mut().poll(context).map(Some),
                None => Poll::Ready(None),
            }
        })
        .await
    }

    /// Advances the clock.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().plus(duration));
    }

    /// Runs a future to completion.
    ///
    /// # Panics
    /// If the future waits for something other than the clock.
    #[allow(clippy::panic)]
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            while woken.0.swap(false, Ordering::Relaxed) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return output;
                }
                if self.chance.is_some() {
                    self.advance(Duration::from_millis(self.below(8)));
                    self.wake_due_sleepers();
                }
            }
            let Some(((time, _), sleeper)) = self.sleepers().pop_first() else {
                panic!("the future is pending, and nothing will wake it");
            };
            self.set(Timestamp::from_millis(time));
            sleeper.wake();
        }
    }

    fn wake_due_sleepers(&self) {
        let now = self.now().millis();
        let mut sleepers = self.sleepers();
        while let Some(next) = sleepers.first_entry()
            && next.key().0 <= now
        {
            next.remove().wake();
        }
    }

    fn set(&self, time: Timestamp) {
        self.now.fetch_max(time.millis(), Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    fn sleepers(&self) -> MutexGuard<'_, BTreeMap<(u64, u64), Waker>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Runtime {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        let until = self.now().plus(duration);
        let name = self.count();
        poll_fn(move |context| {
            if self.now() >= until {
                return Poll::Ready(());
            }
            self.sleepers()
                .insert((until.millis(), name), context.waker().clone());
            Poll::Pending
        })
    }
}

/// Without a seed, every number is half of its bound.
impl Random for Runtime {
    fn below(&self, bound: u64) -> u64 {
        self.chance
            .as_ref()
            .map_or(bound / 2, |chance| chance.below(bound))
    }

    fn fresh_id(&self) -> String {
        format!("fresh-{}", self.count())
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Completes at its second poll, so that other tasks run in between.
async fn step() {
    let mut paused = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

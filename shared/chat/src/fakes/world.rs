//! Time and chance under control, and the executor that owns them: a future runs as far as it can, and when it waits
//! for nothing but time, time jumps to the next moment that somebody waits for. No test ever sleeps.

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

use crate::{
    domain::Timestamp,
    ports::{Clock, Random},
};

/// Time and chance of a test.
#[derive(Debug)]
pub struct World {
    now: AtomicU64,
    sleepers: Mutex<BTreeMap<(u64, u64), Waker>>,
    counter: AtomicU64,
}

impl World {
    /// A world whose clock shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: AtomicU64::new(now.millis()),
            sleepers: Mutex::default(),
            counter: AtomicU64::new(0),
        }
    }

    /// Moves the clock.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().plus(duration));
    }

    /// Runs a future to its end.
    ///
    /// # Panics
    /// If it waits for something that can never happen.
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
            }
            let Some(((time, _), sleeper)) = self.sleepers().pop_first() else {
                panic!("the future waits for something that can never happen");
            };
            self.set(Timestamp::from_millis(time));
            sleeper.wake();
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

impl Clock for World {
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

/// Chance that always falls the same way: in the middle.
impl Random for World {
    fn below(&self, bound: u64) -> u64 {
        bound / 2
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

/// Ends at its second poll: lets others run in between.
pub(super) async fn pause() {
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

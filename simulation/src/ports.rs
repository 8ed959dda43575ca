//! The ports of one function: the fakes' storage, behind calls into which faults are injected.

mod calls;
mod storage;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use chat::{
    domain::{ConnectionId, Timestamp, UserId},
    error::InternalError,
    fakes::Chance,
    ports::{Clock, Outbound, PushError, Random, Settings},
};

use crate::{
    faults::{Kind, Place},
    network,
    observer::FanOut,
    world::World,
};

/// How often a push is attempted while the gateway is busy.
const ATTEMPTS: u32 = 4;
/// If the attempts take longer than this, time may be too short for the next one: the further
/// attempts of a fan-out end after 500 ms, and the wait before the last one takes up to 160 ms.
const EARLY: Duration = Duration::from_millis(340);

/// The attempts at one push.
struct Attempts {
    began: Timestamp,
    took: Duration,
    count: u32,
    /// Whether the gateway was busy at the last attempt.
    is_busy: bool,
}

impl Attempts {
    fn none(began: Timestamp) -> Self {
        Self {
            began,
            took: Duration::ZERO,
            count: 0,
            is_busy: false,
        }
    }

    /// An attempt that does not end is not counted as busy.
    fn begins(&mut self) {
        self.count += 1;
        self.is_busy = false;
    }

    fn ended(&mut self, now: Timestamp, is_busy: bool) {
        self.took = now.since(self.began);
        self.is_busy = is_busy;
    }
}

/// The ports of one running function.
pub struct Ports {
    pub world: Arc<World>,
    place: Place,
    chance: Chance,
    calls: AtomicU64,
    dead: AtomicBool,
    /// When the roster was read, in milliseconds; 0 before.
    roster_at: AtomicU64,
    /// The participants in the small roster that was read last.
    signallers: Mutex<BTreeSet<UserId>>,
    /// The attempts at each push.
    attempts: Mutex<BTreeMap<(ConnectionId, String), Attempts>>,
}

impl Ports {
    pub fn new(world: &Arc<World>, place: Place) -> Self {
        Self {
            world: Arc::clone(world),
            place,
            chance: place.within(0).chance(),
            calls: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            roster_at: AtomicU64::new(0),
            signallers: Mutex::default(),
            attempts: Mutex::default(),
        }
    }

    /// Whether the function has died.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Returns the pushes that were given up too early: the gateway was busy at the last attempt,
    /// and fewer than `ATTEMPTS` were made although there was time.
    pub fn given_up(&self) -> Vec<(ConnectionId, String)> {
        let attempts = self.attempts.lock().unwrap();
        let early = attempts
            .iter()
            .filter(|(_, made)| made.is_busy && made.count < ATTEMPTS && made.took < EARLY);
        early.map(|(push, _)| push.clone()).collect()
    }

    fn count(
        &self,
        push: &(ConnectionId, String),
        began: Timestamp,
        what: impl FnOnce(&mut Attempts),
    ) {
        let mut attempts = self.attempts.lock().unwrap();
        what(
            attempts
                .entry(push.clone())
                .or_insert(Attempts::none(began)),
        );
    }

    /// Returns the timing of the function's fan-out.
    pub fn fan_out(&self, deadline: Timestamp) -> FanOut {
        let roster_at = self.roster_at.load(Ordering::Relaxed);
        FanOut {
            began: (roster_at > 0).then(|| Timestamp::from_millis(roster_at)),
            now: self.now(),
            deadline,
        }
    }

    fn next_call(&self) -> Place {
        self.place
            .within(1 + self.calls.fetch_add(1, Ordering::Relaxed))
    }

    /// Marks the function as dead and never returns. `functions::run` then drops it.
    async fn die<T>(&self, doing: &str) -> T {
        self.world.trace(|| format!("  the function dies {doing}"));
        self.dead.store(true, Ordering::Relaxed);
        pending().await
    }

    /// Waits for one direction of a call.
    async fn travel(&self, chance: &Chance) {
        let longest = if chance.below(12) == 0 { 80 } else { 8 };
        let wait = Duration::from_millis(1 + chance.below(longest));
        self.world.sleep(wait).await;
    }
}

impl Outbound for Ports {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let began = self.now();
        let push = (connection.clone(), frame.to_owned());
        self.count(&push, began, Attempts::begins);
        let place = self.next_call();
        let chance = place.chance();
        let injects = |kind| self.world.faults.injects(kind, place);
        self.world.count("pushes");
        let signallers = self.signallers.lock().unwrap().clone();
        self.world.observer().pushed(connection, frame, &signallers);
        self.travel(&chance).await;
        if injects(Kind::PushSlow) {
            self.world
                .sleep(Duration::from_millis(200 + chance.below(4000)))
                .await;
        }
        if injects(Kind::DiedBefore) {
            self.die("before a push").await
        }
        let result = self.push_now(connection, frame, place);
        self.travel(&chance).await;
        let is_busy = matches!(result, Err(PushError::Busy));
        self.count(&push, began, |attempts| attempts.ended(self.now(), is_busy));
        result
    }
}

impl Ports {
    fn push_now(
        &self,
        connection: &ConnectionId,
        frame: &str,
        place: Place,
    ) -> Result<(), PushError> {
        let injects = |kind| self.world.faults.injects(kind, place);
        let world = &self.world;
        let age = world.connections().age(connection, self.now());
        let Some(age) = age else {
            world.count("pushes to connections that are gone");
            world.trace(|| format!("  a push to {connection} finds it gone"));
            return Err(PushError::Gone);
        };
        if age < Duration::from_secs(30) && injects(Kind::PushGone) {
            world.trace(|| format!("  a push to {connection} is answered 410, though it is open"));
            return Err(PushError::Gone);
        }
        if injects(Kind::PushBusy) {
            world.trace(|| format!("  a push to {connection} finds the gateway busy"));
            return Err(PushError::Busy);
        }
        if injects(Kind::PushFailed) {
            world.trace(|| format!("  a push to {connection} fails"));
            return Err(InternalError::new("pushing", "injected").into());
        }
        network::deliver(world, connection, frame, place);
        if injects(Kind::PushUnanswered) {
            return Err(PushError::Busy);
        }
        Ok(())
    }
}

impl Settings for Ports {
    fn edit_window(&self) -> Duration {
        self.world.chat.edit_window()
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        self.world.chat.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.world.chat.sleep(duration)
    }
}

impl Random for Ports {
    fn below(&self, bound: u64) -> u64 {
        self.chance.below(bound)
    }

    fn fresh_id(&self) -> String {
        self.world.chat.fresh_id()
    }
}

//! The ports of one function: the fakes' storage, and the way to it, on which everything may go wrong.

mod calls;
mod storage;

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use chat::{
    domain::{ConnectionId, Timestamp},
    error::InternalError,
    fakes::Chance,
    ports::{Clock, Outbound, PushError, Random},
};

use crate::{
    faults::{Kind, Place},
    gateway,
    stage::Stage,
};

/// What a function has of the world, as long as it runs.
pub struct Ports {
    pub stage: Arc<Stage>,
    place: Place,
    chance: Chance,
    calls: AtomicU64,
    dead: AtomicBool,
    /// When the roster was read, after which the fan-out begins.
    pub roster_at: AtomicU64,
    /// What became of the last attempt at each frame for each connection: whether the gateway was busy.
    busy: Mutex<BTreeMap<(ConnectionId, String), bool>>,
}

impl Ports {
    pub fn new(stage: &Arc<Stage>, place: Place) -> Self {
        Self {
            stage: Arc::clone(stage),
            place,
            chance: place.within(0).chance(),
            calls: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            roster_at: AtomicU64::new(0),
            busy: Mutex::default(),
        }
    }

    /// Whether nothing more happens here.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Frames that the gateway was too busy for at the last attempt.
    pub fn given_up(&self) -> Vec<(ConnectionId, String)> {
        let busy = self.busy.lock().unwrap();
        let given_up = busy.iter().filter(|(_, busy)| **busy);
        given_up.map(|(push, _)| push.clone()).collect()
    }

    fn next_call(&self) -> Place {
        self.place
            .within(1 + self.calls.fetch_add(1, Ordering::Relaxed))
    }

    /// The function ends here: whoever runs it sees that, and drops it.
    async fn die<T>(&self, doing: &str) -> T {
        self.stage.tell(|| format!("  the function dies {doing}"));
        self.dead.store(true, Ordering::Relaxed);
        pending().await
    }

    /// The way to a service or back.
    async fn travel(&self, chance: &Chance) {
        let longest = if chance.below(12) == 0 { 80 } else { 8 };
        let wait = Duration::from_millis(1 + chance.below(longest));
        self.stage.sleep(wait).await;
    }
}

impl Outbound for Ports {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let place = self.next_call();
        let chance = place.chance();
        let strikes = |kind| self.stage.faults.strikes(kind, place);
        self.stage.count("pushes");
        self.stage.observer().pushed(connection, frame);
        self.travel(&chance).await;
        if strikes(Kind::PushSlow) {
            self.stage
                .sleep(Duration::from_millis(200 + chance.below(4000)))
                .await;
        }
        if strikes(Kind::DiedBefore) {
            self.die("before a push").await
        }
        let result = self.push_now(connection, frame, place);
        self.travel(&chance).await;
        let busy = matches!(result, Err(PushError::Busy));
        self.busy
            .lock()
            .unwrap()
            .insert((connection.clone(), frame.to_owned()), busy);
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
        let strikes = |kind| self.stage.faults.strikes(kind, place);
        let stage = &self.stage;
        let age = stage.gateway().age(connection, self.now());
        let Some(age) = age else {
            stage.count("pushes to connections that are gone");
            stage.tell(|| format!("  a push to {connection} finds it gone"));
            return Err(PushError::Gone);
        };
        if age < Duration::from_secs(30) && strikes(Kind::PushGone) {
            stage.tell(|| format!("  a push to {connection} is told that it is gone"));
            return Err(PushError::Gone);
        }
        if strikes(Kind::PushBusy) {
            stage.tell(|| format!("  a push to {connection} finds the gateway busy"));
            return Err(PushError::Busy);
        }
        if strikes(Kind::PushFailed) {
            stage.tell(|| format!("  a push to {connection} fails"));
            return Err(InternalError::new("pushing", "injected").into());
        }
        gateway::deliver(stage, connection, frame, place);
        if strikes(Kind::PushUnanswered) {
            return Err(PushError::Busy);
        }
        Ok(())
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        self.stage.chat.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.stage.chat.sleep(duration)
    }
}

impl Random for Ports {
    fn below(&self, bound: u64) -> u64 {
        self.chance.below(bound)
    }

    fn fresh_id(&self) -> String {
        self.stage.chat.fresh_id()
    }
}

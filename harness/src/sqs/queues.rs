//! All queues of a stack: finds them, waits for messages, and moves messages to dead-letter queues.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::{sync::watch, time::Instant};

use super::{
    error::SqsError,
    message::{Message, NewMessage, Received},
    queue::{Now, Queue},
};
use crate::{
    gateway::clock::Clock,
    stack::{self, ACCOUNT, REGION},
};

/// The queues of one stack. Clones share them. Delays and timeouts follow the clock that tests can
/// set ahead.
#[derive(Clone, Debug, Default)]
pub struct Queues(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// By name.
    queues: BTreeMap<String, One>,
    clock: Clock,
}

#[derive(Debug)]
struct One {
    queue: Mutex<Queue>,
    /// Changes when a message may have become visible earlier than known.
    changed: watch::Sender<()>,
}

/// How many messages a queue has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Can be received now.
    pub visible: usize,
    /// Received, and neither deleted nor visible again.
    pub in_flight: usize,
    /// Not delivered yet.
    pub delayed: usize,
}

impl Queues {
    /// Creates empty queues.
    pub fn new(queues: &[stack::Queue], clock: Clock) -> Self {
        let one = |settings: &stack::Queue| One {
            queue: Mutex::new(Queue::new(settings.clone())),
            changed: watch::Sender::new(()),
        };
        let queues = queues
            .iter()
            .map(|settings| (settings.name.clone(), one(settings)));
        Self(Arc::new(Shared {
            queues: queues.collect(),
            clock,
        }))
    }

    /// Returns the names of all queues.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.queues.keys().map(String::as_str)
    }

    /// Adds a message. Returns its id.
    pub(crate) fn send(&self, name: &str, message: NewMessage) -> Result<String, SqsError> {
        let now = self.now();
        let one = self.one(name)?;
        let id = one.lock().send(message, now)?;
        one.changed.send_replace(());
        Ok(id)
    }

    /// Returns at most `most` messages. Waits at most `wait` for the first one.
    pub(crate) async fn receive(
        &self,
        name: &str,
        most: usize,
        visibility_timeout: Option<Duration>,
        wait: Option<Duration>,
    ) -> Result<Vec<Received>, SqsError> {
        let one = self.one(name)?;
        let mut changes = one.changed.subscribe();
        let clock = &self.0.clock;
        let wait = wait.unwrap_or_else(|| one.lock().settings.receive_wait);
        let deadline = clock.now() + wait;
        loop {
            changes.mark_unchanged();
            let (received, next) = self.receive_now(name, one, most, visibility_timeout);
            if !received.is_empty() || clock.now() >= deadline {
                return Ok(received);
            }
            let next = next.map_or(deadline, |next| next.min(deadline));
            tokio::select! {
                // The sender is in `one`, so there is no error.
                _ = changes.changed() => {}
                () = clock.reaches(next) => {}
            }
        }
    }

    /// Returns the messages that are visible, and when the next one will be.
    fn receive_now(
        &self,
        name: &str,
        one: &One,
        most: usize,
        visibility_timeout: Option<Duration>,
    ) -> (Vec<Received>, Option<Instant>) {
        let now = self.now();
        let (received, dead, next, target) = {
            let mut queue = one.lock();
            let (received, dead) = queue.receive(most, visibility_timeout, now);
            let redrive = queue.settings.redrive.as_ref();
            let target = redrive.map(|redrive| redrive.dead_letter_queue.clone());
            (received, dead, queue.next_visible(), target)
        };
        if let Some(target) = target {
            for message in dead {
                self.move_to(&target, name, message, now);
            }
        }
        (received, next)
    }

    /// Moves a message from the queue `from` to another one. It keeps its age, but not its count.
    fn move_to(&self, target: &str, from: &str, message: Message, now: Now) {
        let Ok(one) = self.one(target) else {
            return;
        };
        let age = Duration::from_millis(now.epoch.saturating_sub(message.sent));
        let mut queue = one.lock();
        let left = queue.settings.retention.saturating_sub(age);
        let moved = Message {
            receives: 0,
            first_received: None,
            receipt: None,
            expires: now.instant + left,
            moved_from: Some(arn(from)),
            ..message
        };
        let deleted = queue.make_room(moved.bytes());
        queue.put(now.instant, moved);
        drop(queue);
        if deleted > 0 {
            tracing::warn!(
                queue = target,
                deleted,
                "a dead-letter queue is full: the harness keeps at most 64 MB, and deletes the first"
            );
        }
        one.changed.send_replace(());
    }

    /// Deletes a message by the receipt of its last receive.
    pub(crate) fn delete(&self, name: &str, receipt: &str) -> Result<(), SqsError> {
        self.one(name)?.lock().delete(receipt)
    }

    /// Sets when a received message can be received again.
    pub(crate) fn change_visibility(
        &self,
        name: &str,
        receipt: &str,
        timeout: Duration,
    ) -> Result<(), SqsError> {
        let now = self.now();
        let one = self.one(name)?;
        one.lock().change_visibility(receipt, timeout, now)?;
        one.changed.send_replace(());
        Ok(())
    }

    /// Deletes all messages of a queue.
    pub(crate) fn purge(&self, name: &str) -> Result<(), SqsError> {
        self.one(name)?.lock().purge();
        Ok(())
    }

    /// Returns how many messages a queue has.
    ///
    /// # Errors
    /// Fails if there is no such queue.
    pub fn counts(&self, name: &str) -> Result<Counts, SqsError> {
        let now = self.now();
        Ok(self.one(name)?.lock().counts(now))
    }

    /// Returns the settings of a queue.
    pub(crate) fn settings(&self, name: &str) -> Result<stack::Queue, SqsError> {
        Ok(self.one(name)?.lock().settings.clone())
    }

    pub(super) fn now(&self) -> Now {
        let ahead = self.0.clock.ahead();
        let epoch = (OffsetDateTime::now_utc() + ahead).unix_timestamp_nanos() / 1_000_000;
        Now {
            instant: self.0.clock.now(),
            epoch: u64::try_from(epoch).unwrap_or_default(),
        }
    }

    /// Calls `visit` with each queue.
    pub(super) fn each(&self, mut visit: impl FnMut(&str, &mut Queue)) {
        for (name, one) in &self.0.queues {
            visit(name, &mut one.lock());
        }
    }

    fn one(&self, name: &str) -> Result<&One, SqsError> {
        self.0.queues.get(name).ok_or(SqsError::NoQueue)
    }
}

impl One {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the ARN of a queue.
pub(crate) fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

//! The open connections: what the management API finds, and what a shutdown ends.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

use super::{
    limits::INCOMING_MESSAGES,
    outgoing::{self, Outgoing, OutgoingMessages},
    session::Session,
};
use crate::{
    faults::Faults,
    gateway::{clock::Clock, moment::Moment},
    server,
    trace::Trace,
};

/// All connections of one API. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<State>);

#[derive(Debug, Default)]
struct State {
    by_id: Mutex<HashMap<String, Arc<Connection>>>,
    /// The number of connections, including those that are closing or whose `$disconnect` runs.
    unfinished: watch::Sender<usize>,
    going_away: watch::Sender<bool>,
    faults: Faults,
    clock: Clock,
}

impl Connections {
    /// Creates an empty set. Its connections meet `faults` and age by `clock`. The default has
    /// neither.
    #[must_use]
    pub fn new(faults: Faults, clock: Clock) -> Self {
        Self(Arc::new(State {
            faults,
            clock,
            ..State::default()
        }))
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn trace(&self) -> &Trace {
        self.0.faults.trace()
    }

    /// Returns the connections that the management API finds.
    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        self.by_id().values().cloned().collect()
    }

    /// Returns how long all open connections have been open, by the clock that can be set ahead.
    #[must_use]
    pub fn open_for(&self) -> Duration {
        let connections = self.by_id();
        connections.values().map(|it| it.open_for()).sum()
    }

    /// Makes the management API answer 410 for a connection that stays open. Returns false if it was
    /// not known.
    pub(crate) fn forget(&self, connection_id: &str) -> bool {
        self.by_id().remove(connection_id).is_some()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Closes every connection with 1001 and waits until every `$disconnect` has been answered.
    /// Connections that open later are closed at once.
    pub async fn end_all(&self) {
        self.0.going_away.send_replace(true);
        // The sender lives as long as `self`, so this ends only at zero.
        let _ = self
            .0
            .unfinished
            .subscribe()
            .wait_for(|unfinished| *unfinished == 0)
            .await;
    }

    /// Registers a connection. It can be found until [`OpenConnection::hide`], and it counts until
    /// the returned [`OpenConnection`] is dropped.
    pub(crate) fn open(&self, session: Session) -> (OpenConnection, OutgoingMessages) {
        let (outgoing, queue) = outgoing::queue();
        let connection = Arc::new(Connection {
            last_active: Mutex::new((self.0.clock.now(), session.connected_at)),
            clock: self.0.clock.clone(),
            opened: self.0.clock.now(),
            command: watch::Sender::new(None),
            session,
            outgoing,
            in_progress: Arc::new(Semaphore::new(INCOMING_MESSAGES)),
            deleted: Notify::new(),
        });
        self.0.unfinished.send_modify(|unfinished| *unfinished += 1);
        self.by_id().insert(
            connection.session.connection_id.clone(),
            Arc::clone(&connection),
        );
        (
            OpenConnection {
                connection,
                all: self.clone(),
            },
            queue,
        )
    }

    pub(crate) fn find(&self, connection_id: &str) -> Option<Arc<Connection>> {
        self.by_id().get(connection_id).cloned()
    }

    /// Closes a connection with 1000 and makes it unknown. Returns false if it was not known.
    pub(crate) fn delete(&self, connection_id: &str) -> bool {
        let connection = self.by_id().remove(connection_id);
        connection
            .inspect(|connection| connection.deleted.notify_one())
            .is_some()
    }

    /// Resolves after a call of [`Connections::end_all`].
    pub(crate) async fn going_away(&self) {
        server::turned_true(self.0.going_away.subscribe()).await;
    }

    fn by_id(&self) -> MutexGuard<'_, HashMap<String, Arc<Connection>>> {
        self.0.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a connection that other modules see.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) session: Session,
    /// By the clock that can be set ahead.
    opened: Instant,
    command: watch::Sender<Option<Command>>,
    /// When the latest message passed in either direction.
    last_active: Mutex<(Instant, Moment)>,
    clock: Clock,
    outgoing: Outgoing,
    /// One permit per message of the client that may be in progress.
    in_progress: Arc<Semaphore>,
    deleted: Notify,
}

/// What a developer does to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// The network connection ends without a close frame.
    Cut,
    /// No byte passes any more, and neither side notices.
    HalfOpen,
    /// Ten minutes pass without a message.
    Idle,
}

/// A message of a client, which counts as in progress until this is dropped.
#[derive(Debug)]
pub(crate) struct IncomingMessage {
    pub(crate) text: String,
    pub(super) in_progress: Option<OwnedSemaphorePermit>,
}

/// Why a message was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostError {
    /// The client reads too slowly.
    Full,
    /// The connection has ended.
    Gone,
}

impl Connection {
    /// Takes a message of the client, after waiting until fewer than [`INCOMING_MESSAGES`] are in
    /// progress.
    pub(crate) async fn take(&self, text: String) -> IncomingMessage {
        let permit = Arc::clone(&self.in_progress).acquire_owned().await;
        IncomingMessage {
            text,
            // The semaphore is never closed, so there is always a permit.
            in_progress: permit.ok(),
        }
    }

    /// Queues a message for the client, in the order of the calls.
    pub(crate) fn post(&self, text: String) -> Result<(), PostError> {
        self.outgoing.post(text)
    }

    /// Queues a reply, waiting for room. A reply to a connection that has ended is dropped.
    pub(crate) async fn reply(&self, text: String) {
        self.outgoing.wait_and_post(text).await;
    }

    pub(crate) fn touch(&self) {
        *self.activity() = (self.clock.now(), Moment::now());
    }

    /// The clock by which it ages.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn last_active_at(&self) -> Moment {
        self.activity().1
    }

    pub(crate) fn last_active(&self) -> Instant {
        self.activity().0
    }

    /// Returns how long it has been open, by the clock that can be set ahead.
    pub(crate) fn open_for(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.opened)
    }

    /// Returns the time since the latest message.
    pub(crate) fn idle_for(&self) -> Duration {
        self.clock
            .now()
            .saturating_duration_since(self.last_active())
    }

    /// Does something to the connection.
    pub(crate) fn command(&self, command: Command) {
        self.command.send_replace(Some(command));
    }

    /// Waits for the next command.
    pub(crate) fn commands(&self) -> watch::Receiver<Option<Command>> {
        self.command.subscribe()
    }

    /// Returns the user that the authorizer named.
    pub(crate) fn user(&self) -> Option<&str> {
        self.session.user()
    }

    /// Resolves when the management API has deleted the connection.
    pub(crate) async fn deleted(&self) {
        self.deleted.notified().await;
    }

    fn activity(&self) -> MutexGuard<'_, (Instant, Moment)> {
        self.last_active
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by the task of a connection until its `$disconnect` has run.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    pub(crate) connection: Arc<Connection>,
    all: Connections,
}

impl OpenConnection {
    /// Makes the management API answer 410 from now on.
    pub(crate) fn hide(&self) {
        self.all
            .by_id()
            .remove(&self.connection.session.connection_id);
    }

    pub(crate) fn faults(&self) -> &Faults {
        self.all.faults()
    }

    /// Resolves when all connections must end.
    pub(crate) async fn going_away(&self) {
        self.all.going_away().await;
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.hide();
        self.all
            .0
            .unfinished
            .send_modify(|unfinished| *unfinished -= 1);
    }
}

//! One function's events and processes: who waits, who is idle, and when another process is started.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use uuid::Uuid;

use super::{
    environment::Deployment, invocation_error::InvocationError, runtime_api::Invocation, sandbox,
    watchdog::Watchdog,
};
use crate::{
    faults::Faults,
    invoke::{InvokeError, Outcome, Queued},
};

/// Events in, processes out.
#[derive(Debug)]
pub(super) struct Pool {
    watchdog: Arc<Watchdog>,
    /// The most processes.
    limit: usize,
    /// One permit for each event accepted and not yet answered: the function's own, or those of the account.
    concurrency: Arc<Semaphore>,
    state: Mutex<State>,
    /// Processes that exist, in whatever state.
    alive: watch::Sender<usize>,
    stopping: watch::Receiver<bool>,
    faults: Faults,
}

#[derive(Debug)]
struct State {
    /// What new processes run.
    deployment: Arc<Deployment>,
    /// Oldest first.
    waiting: VecDeque<Event>,
    /// Frozen processes, the most recently used last.
    idle: Vec<oneshot::Sender<Event>>,
    /// Processes in their init: each will come for one of the waiting events.
    initializing: usize,
    /// Processes that have answered and are about to ask for more: they come for waiting events, too. Without them a
    /// caller who asks again at once would cause a cold start for nothing.
    finishing: usize,
}

/// One accepted invocation.
#[derive(Debug)]
pub(super) struct Event {
    request_id: String,
    request: Request,
    reply: oneshot::Sender<Reply>,
    queued: Option<Queued>,
    _permit: OwnedSemaphorePermit,
}

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub payload: Bytes,
    /// JSON.
    pub client_context: Option<String>,
    /// Whether the reply should have the log.
    pub log_tail: bool,
}

/// What a caller gets.
#[derive(Debug)]
pub(super) struct Reply {
    pub outcome: Outcome,
    /// The end of the invocation's log, if it was asked for and there was a process that could write one.
    pub log: Option<Vec<u8>>,
}

/// What a caller holds of an accepted invocation. The invocation goes on when this is dropped.
#[derive(Debug)]
pub(super) struct Accepted {
    pub request_id: String,
    reply: oneshot::Receiver<Reply>,
}

/// The time between a process's answer and its next poll.
#[derive(Debug)]
pub(super) struct Finishing<'a>(&'a Pool);

/// What a process takes up in its pool.
#[derive(Debug)]
pub(super) struct Place {
    pool: Arc<Pool>,
    initialized: bool,
}

impl State {
    /// Processes are coming for the first of those that wait: a cold start is no queue, on AWS it takes its time as well.
    fn count_who_is_next(&mut self) {
        let coming = self.initializing + self.finishing;
        for event in self.waiting.iter_mut().take(coming) {
            event.queued = None;
        }
    }
}

impl Event {
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Whether the caller wants the log.
    pub fn log_tail(&self) -> bool {
        self.request.log_tail
    }

    /// What the process gets; its time is up at `deadline`.
    pub fn invocation(&self, deadline: SystemTime) -> Invocation {
        Invocation {
            request_id: self.request_id.clone(),
            payload: self.request.payload.clone(),
            client_context: self.request.client_context.clone(),
            deadline,
        }
    }

    /// It waits no more.
    fn taken(mut self) -> Self {
        self.queued = None;
        self
    }

    /// Ends the invocation.
    pub fn answer(self, reply: Reply) {
        // The caller may have stopped waiting.
        let _ = self.reply.send(reply);
    }
}

impl Accepted {
    /// Waits for the function.
    pub async fn reply(self) -> Reply {
        match self.reply.await {
            Ok(reply) => reply,
            // Events are dropped unanswered only when everything ends.
            Err(_) => InvocationError::Stopped.outcome(&self.request_id).into(),
        }
    }
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, log: None }
    }
}

impl Pool {
    /// A pool of at most `limit` processes, and without any yet. It ends when `stopping` becomes true or is closed.
    pub fn new(
        deployment: Deployment,
        limit: usize,
        concurrency: Arc<Semaphore>,
        stopping: watch::Receiver<bool>,
        watchdog: Arc<Watchdog>,
        faults: Faults,
    ) -> Self {
        Self {
            watchdog,
            limit,
            concurrency,
            state: Mutex::new(State {
                deployment: Arc::new(deployment),
                waiting: VecDeque::new(),
                idle: Vec::new(),
                initializing: 0,
                finishing: 0,
            }),
            alive: watch::Sender::new(0),
            stopping,
            faults,
        }
    }

    /// What new processes run.
    pub fn deployment(&self) -> Arc<Deployment> {
        Arc::clone(&self.state().deployment)
    }

    /// Runs other code from now on. Frozen processes end at once, the others with the event that they have; events that
    /// wait get the new code.
    pub fn deploy(&self, deployment: Deployment) {
        let mut state = self.state();
        state.deployment = Arc::new(deployment);
        // Dropping the senders tells the processes that it is over.
        state.idle.clear();
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    pub fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }

    /// Gives an event to the process that was used last, or lets it wait for one that becomes free or is started.
    pub fn submit(
        self: &Arc<Self>,
        request: Request,
        queued: Option<Queued>,
    ) -> Result<Accepted, InvokeError> {
        if self.faults.throttles(&self.deployment().names()) {
            return Err(InvokeError::Throttled);
        }
        let permit = Arc::clone(&self.concurrency)
            .try_acquire_owned()
            .map_err(|_| InvokeError::Throttled)?;
        let (sender, reply) = oneshot::channel();
        let request_id = Uuid::new_v4().to_string();
        let accepted = Accepted {
            request_id: request_id.clone(),
            reply,
        };
        let mut event = Event {
            request_id,
            request,
            reply: sender,
            queued,
            _permit: permit,
        };
        let mut state = self.state();
        if self.is_stopping() {
            return Ok(accepted);
        }
        while let Some(idle) = state.idle.pop() {
            match idle.send(event.taken()) {
                Ok(()) => return Ok(accepted),
                // This one has just died.
                Err(back) => event = back,
            }
        }
        state.waiting.push_back(event);
        self.start_if_needed(&mut state);
        Ok(accepted)
    }

    /// The oldest waiting event for a process that runs `deployment`, or a place among the idle processes where one will
    /// arrive.
    pub fn take(&self, deployment: &Arc<Deployment>) -> Result<Event, oneshot::Receiver<Event>> {
        let mut state = self.state();
        let current = Arc::ptr_eq(&state.deployment, deployment);
        if current && let Some(event) = state.waiting.pop_front() {
            return Ok(event.taken());
        }
        let (idle, parked) = oneshot::channel();
        // Dropping the sender at once tells the process that it is over.
        if current && !self.is_stopping() {
            state.idle.push(idle);
        }
        Err(parked)
    }

    /// The oldest waiting event.
    pub fn take_waiting(&self) -> Option<Event> {
        self.state().waiting.pop_front().map(Event::taken)
    }

    /// Returns an event whose process died before it had it. Its turn is first.
    pub fn put_back(&self, event: Event) {
        let mut state = self.state();
        if !self.is_stopping() {
            state.waiting.push_front(event);
        }
    }

    /// Says that a process is about to ask for another event. To be called before its answer is passed on.
    pub fn finishing(&self) -> Finishing<'_> {
        let mut state = self.state();
        state.finishing += 1;
        state.count_who_is_next();
        Finishing(self)
    }

    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow() || self.stopping.has_changed().is_err()
    }

    /// Waits for the order to stop.
    pub async fn stopping(&self) {
        // An error means that the Lambda is gone, which is an order, too.
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
    }

    /// Waits until the last process is gone. The order to stop must have been given.
    pub async fn stopped(&self) {
        {
            let mut state = self.state();
            state.waiting.clear();
            state.idle.clear();
        }
        // An error cannot happen while `self` holds the sender.
        let _ = self.alive.subscribe().wait_for(|alive| *alive == 0).await;
    }

    fn start_if_needed(self: &Arc<Self>, state: &mut State) {
        let coming = state.initializing + state.finishing;
        let room = *self.alive.borrow() < self.limit;
        if state.waiting.len() > coming && room && !self.is_stopping() {
            state.initializing += 1;
            self.alive.send_modify(|alive| *alive += 1);
            tokio::spawn(sandbox::live(Place {
                pool: Arc::clone(self),
                initialized: false,
            }));
        }
        state.count_who_is_next();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Finishing<'_> {
    fn drop(&mut self) {
        self.0.state().finishing -= 1;
    }
}

impl Place {
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Makes room for another process, which is started if there are events for it.
    pub fn leave(self) {
        let pool = Arc::clone(&self.pool);
        drop(self);
        let mut state = pool.state();
        pool.start_if_needed(&mut state);
    }

    /// The init is over, well or badly.
    pub fn initialized(&mut self) {
        if !self.initialized {
            self.initialized = true;
            self.pool.state().initializing -= 1;
        }
    }
}

impl Drop for Place {
    /// Starts nobody: at the end of the program, which may be in the middle of anything, whoever is started is dropped again.
    fn drop(&mut self) {
        self.initialized();
        self.pool.alive.send_modify(|alive| *alive -= 1);
    }
}

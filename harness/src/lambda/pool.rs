//! One function's events and processes: which events wait, which processes are idle, and when
//! another process starts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::{Semaphore, oneshot, watch};

use super::{
    environment::Deployment,
    invocation::{Accepted, Event, Request},
    occupancy::LeastDuration,
    waiting::Waiting,
    watchdog::Watchdog,
};
use crate::{
    faults::Faults,
    invoke::{InvokeError, Queued},
    trace::{self, Fact, Kind, Level, Span, Trace},
};

/// Starts a process that occupies the place.
pub(super) type Spawn = fn(Place);

/// The events and the processes of one function.
#[derive(Debug)]
pub(super) struct Pool {
    watchdog: Arc<Watchdog>,
    /// The maximum number of processes.
    limit: usize,
    /// One permit per event in progress: of the function's reserved concurrency, or of the
    /// account's.
    concurrency: Arc<Semaphore>,
    least: Arc<LeastDuration>,
    state: Mutex<State>,
    /// The number of processes in any state.
    alive: watch::Sender<usize>,
    stopping: watch::Receiver<bool>,
    faults: Faults,
    spawn: Spawn,
}

#[derive(Debug)]
struct State {
    /// The code of new processes.
    deployment: Arc<Deployment>,
    waiting: Waiting,
    /// Frozen processes, the most recently used last.
    idle: Vec<oneshot::Sender<Event>>,
    /// Processes in their init. Each will take one of the waiting events.
    initializing: usize,
    /// Processes that have answered and are about to poll. They will take waiting events, too:
    /// without this count a caller that invokes again at once would cause a needless cold start.
    finishing: usize,
}

/// How many processes and events a function has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Occupation {
    /// In any state.
    pub processes: usize,
    /// Frozen.
    pub idle: usize,
    /// In their init.
    pub initializing: usize,
    /// Events that wait for a process.
    pub waiting: usize,
}

/// The time between a process's answer and its next poll.
#[derive(Debug)]
pub(super) struct Finishing<'a>(&'a Pool);

/// The place of one process in its pool. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place {
    pool: Arc<Pool>,
    initialized: bool,
}

impl State {
    /// Lets the first waiting events leave the queue, one for each process that is coming.
    fn let_next_leave_queue(&mut self) {
        let coming = self.initializing + self.finishing;
        for event in self.waiting.iter_mut().take(coming) {
            event.leave_queue();
        }
    }
}

impl Pool {
    /// Creates a pool of at most `limit` processes, each started by `spawn`. The pool stops when
    /// `stopping` becomes true or is closed.
    pub fn new(
        deployment: Deployment,
        limit: usize,
        concurrency: Arc<Semaphore>,
        stopping: watch::Receiver<bool>,
        watchdog: Arc<Watchdog>,
        faults: Faults,
        spawn: Spawn,
    ) -> Self {
        Self {
            watchdog,
            limit,
            concurrency,
            least: Arc::default(),
            state: Mutex::new(State {
                deployment: Arc::new(deployment),
                waiting: Waiting::default(),
                idle: Vec::new(),
                initializing: 0,
                finishing: 0,
            }),
            alive: watch::Sender::new(0),
            stopping,
            faults,
            spawn,
        }
    }

    /// The code of new processes.
    pub fn deployment(&self) -> Arc<Deployment> {
        Arc::clone(&self.state().deployment)
    }

    /// Replaces the code. Idle processes end at once, busy ones after their current event. Waiting
    /// events get the new code.
    pub fn deploy(&self, deployment: Deployment) {
        let mut state = self.state();
        state.deployment = Arc::new(deployment);
        // Dropping the senders ends the processes.
        state.idle.clear();
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    pub fn trace(&self) -> &Trace {
        self.faults.trace()
    }

    /// Returns how many processes and events the function has.
    pub fn occupation(&self) -> Occupation {
        let state = self.state();
        Occupation {
            processes: *self.alive.borrow(),
            idle: state.idle.len(),
            initializing: state.initializing,
            waiting: state.waiting.len(),
        }
    }

    pub fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }

    /// Gives an event to the most recently used idle process, or queues it for the next free or new
    /// one.
    pub fn submit(
        self: &Arc<Self>,
        request: Request,
        queued: Option<Queued>,
    ) -> Result<Accepted, InvokeError> {
        let trace = self.trace();
        let deployment = self.deployment();
        // Without a gateway or a mapping around it, an invocation is a trace of its own.
        let span = match trace.is_on().then(trace::current).flatten() {
            Some(outer) => trace.inside(Some(&outer)),
            None => trace.root(&deployment.name),
        };
        let accepted = trace::called_within(span.context(), || {
            self.accept(&deployment, span.clone(), request, queued)
        });
        if trace.is_on()
            && let Err(error) = &accepted
        {
            let fact = Fact::new(Kind::Invocation, &deployment.name)
                .with("faas.name", deployment.logical_id.as_str())
                .with("outcome", "throttled")
                .with("error.type", error.to_string())
                .level(Level::Warning);
            trace.record(span, fact);
        }
        accepted
    }

    fn accept(
        self: &Arc<Self>,
        deployment: &Deployment,
        span: Span,
        request: Request,
        queued: Option<Queued>,
    ) -> Result<Accepted, InvokeError> {
        if self.faults.throttles(&deployment.names()) {
            return Err(InvokeError::Throttled);
        }
        let permit = Arc::clone(&self.concurrency)
            .try_acquire_owned()
            .map_err(|_| InvokeError::Throttled)?;
        let (mut event, accepted) =
            Event::new(span, request, queued, permit, Arc::clone(&self.least));
        let mut state = self.state();
        if self.is_stopping() {
            return Ok(accepted);
        }
        while let Some(idle) = state.idle.pop() {
            match idle.send(event.taken()) {
                Ok(()) => return Ok(accepted),
                // That process has just ended.
                Err(back) => event = back,
            }
        }
        if !state.waiting.has_room_for(&event) {
            return Err(InvokeError::Throttled);
        }
        state.waiting.push_back(event);
        self.start_if_needed(&mut state);
        let coming = state.initializing + state.finishing;
        if state.waiting.len() > coming
            && let Some(event) = state.waiting.back_mut()
        {
            event.wait();
        }
        Ok(accepted)
    }

    /// Returns the oldest waiting event for a process that runs `deployment`. Without one, parks
    /// the process and returns the channel on which its next event arrives.
    pub fn take(&self, deployment: &Arc<Deployment>) -> Result<Event, oneshot::Receiver<Event>> {
        let mut state = self.state();
        let current = Arc::ptr_eq(&state.deployment, deployment);
        if current && let Some(event) = state.waiting.pop_front() {
            return Ok(event.taken());
        }
        let (idle, parked) = oneshot::channel();
        // Dropping the sender ends the process.
        if current && !self.is_stopping() {
            state.idle.push(idle);
        }
        Err(parked)
    }

    /// Returns the oldest waiting event.
    pub fn take_waiting(&self) -> Option<Event> {
        self.state().waiting.pop_front().map(Event::taken)
    }

    /// Puts an event at the head of the queue. Its process ended before it got the event.
    pub fn put_back(&self, event: Event) {
        let mut state = self.state();
        if !self.is_stopping() {
            state.waiting.push_front(event);
        }
    }

    /// Announces that a process is about to poll again. Call it before its answer is passed on.
    pub fn finishing(&self) -> Finishing<'_> {
        let mut state = self.state();
        state.finishing += 1;
        state.let_next_leave_queue();
        Finishing(self)
    }

    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow() || self.stopping.has_changed().is_err()
    }

    /// Resolves when the pool must stop.
    pub async fn stopping(&self) {
        // An error means that the Lambda was dropped, which stops the pool as well.
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
    }

    /// Waits for the end of the last process. The pool must be stopping.
    pub async fn stopped(&self) {
        {
            let mut state = self.state();
            state.waiting.clear();
            state.idle.clear();
        }
        // `self` holds the sender, so there is no error.
        let _ = self.alive.subscribe().wait_for(|alive| *alive == 0).await;
    }

    fn start_if_needed(self: &Arc<Self>, state: &mut State) {
        let coming = state.initializing + state.finishing;
        let room = *self.alive.borrow() < self.limit;
        if state.waiting.len() > coming && room && !self.is_stopping() {
            state.initializing += 1;
            self.alive.send_modify(|alive| *alive += 1);
            (self.spawn)(Place {
                pool: Arc::clone(self),
                initialized: false,
            });
        }
        state.let_next_leave_queue();
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

    /// Frees the place and starts another process if events wait for one.
    pub fn leave(self) {
        let pool = Arc::clone(&self.pool);
        drop(self);
        let mut state = pool.state();
        pool.start_if_needed(&mut state);
    }

    /// Ends the init, successful or not.
    pub fn initialized(&mut self) {
        if !self.initialized {
            self.initialized = true;
            self.pool.state().initializing -= 1;
        }
    }
}

impl Drop for Place {
    /// Starts no other process: the runtime may be shutting down.
    fn drop(&mut self) {
        self.initialized();
        self.pool.alive.send_modify(|alive| *alive -= 1);
    }
}

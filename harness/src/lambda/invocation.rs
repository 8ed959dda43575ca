//! One invocation, from its acceptance to its reply: the pool queues it, a process runs it, and the
//! caller waits for it.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use uuid::Uuid;

use super::{
    invocation_error::InvocationError,
    occupancy::{LeastDuration, Occupancy},
    runtime_api::Invocation,
};
use crate::{
    invoke::{Outcome, Queued},
    trace::{Context, Span},
};

/// One accepted invocation.
#[derive(Debug)]
pub(super) struct Event {
    request_id: String,
    request: Request,
    reply: oneshot::Sender<Reply>,
    /// Held while the event waits and no process is coming for it.
    queued: Option<Queued>,
    occupancy: Occupancy,
    /// From its acceptance on.
    span: Span,
    /// When a process took it.
    taken: Option<Instant>,
    least: Arc<LeastDuration>,
}

/// An invocation, as a caller requests it.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub payload: Bytes,
    /// JSON.
    pub client_context: Option<String>,
    /// Whether the reply should have the log.
    pub log_tail: bool,
}

/// The result of an invocation, as its caller gets it.
#[derive(Debug)]
pub(super) struct Reply {
    pub outcome: Outcome,
    /// The end of the invocation's log, if requested and if a process ran.
    pub log: Option<Vec<u8>>,
}

/// The caller's end of an accepted invocation. Dropping it does not cancel the invocation.
#[derive(Debug)]
pub(super) struct Accepted {
    pub request_id: String,
    reply: oneshot::Receiver<Reply>,
}

impl Event {
    /// Creates an event with a new request id, and its caller's end. `span` begins now.
    pub fn new(
        span: Span,
        request: Request,
        queued: Option<Queued>,
        permit: OwnedSemaphorePermit,
        least: Arc<LeastDuration>,
    ) -> (Self, Accepted) {
        let (sender, reply) = oneshot::channel();
        let request_id = Uuid::new_v4().to_string();
        let accepted = Accepted {
            request_id: request_id.clone(),
            reply,
        };
        let event = Self {
            request_id,
            request,
            reply: sender,
            queued,
            occupancy: Occupancy::new(permit),
            span,
            taken: None,
            least,
        };
        (event, accepted)
    }

    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    pub fn payload(&self) -> &[u8] {
        &self.request.payload
    }

    /// The size of what the process gets.
    pub fn bytes(&self) -> usize {
        let context = self.request.client_context.as_ref();
        self.request.payload.len() + context.map_or(0, String::len)
    }

    /// The time and the place of the invocation in the trace.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Returns how long it waited for a process.
    pub fn queued_for(&self) -> Duration {
        let now = self.span.elapsed();
        self.taken
            .map_or(now, |taken| now.saturating_sub(taken.elapsed()))
    }

    /// Whether the caller wants the log.
    pub fn log_tail(&self) -> bool {
        self.request.log_tail
    }

    /// Returns what the process gets. It is killed at `deadline`.
    pub fn invocation(&self, deadline: SystemTime) -> Invocation {
        Invocation {
            request_id: self.request_id.clone(),
            payload: self.request.payload.clone(),
            client_context: self.request.client_context.clone(),
            trace: self.span.context().map(Context::header),
            deadline,
        }
    }

    /// Marks that a process is coming for the event: a cold start is not a queue.
    pub fn leave_queue(&mut self) {
        self.queued = None;
    }

    /// Marks that all processes are busy and none may be started: from now on, the event counts
    /// against the concurrency only for the least time that its function takes.
    pub fn wait(&mut self) {
        self.occupancy.end_after(self.least.get());
    }

    /// Marks that a process has taken the event.
    pub fn taken(mut self) -> Self {
        self.leave_queue();
        self.taken = Some(Instant::now());
        self
    }

    /// Ends the invocation with `reply`.
    pub fn answer(self, reply: Reply) {
        if let Some(taken) = self.taken {
            self.least.record(taken.elapsed());
        }
        // The caller may have stopped waiting.
        let _ = self.reply.send(reply);
    }
}

impl Accepted {
    /// Waits for the end of the invocation.
    pub async fn reply(self) -> Reply {
        match self.reply.await {
            Ok(reply) => reply,
            // Events are dropped unanswered only when the harness stops.
            Err(_) => InvocationError::Stopped.outcome(&self.request_id).into(),
        }
    }
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, log: None }
    }
}

//! What happens in the stack, as events: each request, authorizer, invocation, call of a service,
//! push, delivery, fault, denied permission and log line. The [bill](crate::bill), `--record`,
//! `--otlp` and the console read them here.
//!
//! - [`Span`] is the time and the place of an event: its trace, its parent and its start.
//! - [`Fact`] is what happened: a kind, a name, a level, attributes and the [`Usage`] to pay for.
//! - `context` finds the span that a call belongs to: in this process by a task-local value, and for
//!   calls of functions by the header `X-Amzn-Trace-Id`, which the AWS SDKs pass on.
//! - `ring` keeps the newest events, in a bounded number of bytes.
//!
//! An event wakes no reader: readers poll the ring. So an event that is never read costs its own
//! strings and one short lock. Bodies of messages are in no event unless [`Settings::bodies`] is
//! set; headers, tokens and query strings never are.

mod attribute;
mod context;
mod event;
mod ring;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::http::HeaderMap;

pub(crate) use self::context::{Entered, FadedContext, called_within};
pub use self::{
    attribute::{Attribute, shortened},
    context::{Context, SpanId, TraceId, current, within},
    event::{Event, Fact, Kind, Level},
    ring::{Batch, Limits},
};
use self::{
    context::{Action, Running},
    ring::Ring,
};
use crate::{
    bill::{Meter, Usage},
    iam::Caller,
};

/// The header by which AWS SDKs pass the trace of an invocation on.
pub const HEADER: &str = "x-amzn-trace-id";

/// What a trace keeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// The bounds of the events in memory.
    pub limits: Limits,
    /// Whether events have the bodies of messages and requests.
    pub bodies: bool,
}

/// The events of one stack. Clones share them. The default records nothing.
#[derive(Clone, Debug, Default)]
pub struct Trace(Option<Arc<State>>);

#[derive(Debug)]
struct State {
    settings: Settings,
    ring: Mutex<Ring>,
    running: Running,
    meter: Arc<Meter>,
}

/// Where and when an event happens. It is recorded by [`Trace::record`].
#[derive(Clone, Debug)]
pub struct Span {
    /// The span itself, for the events inside it. `None` if it belongs to no trace.
    context: Option<Context>,
    parent: Option<SpanId>,
    began: SystemTime,
    started: Instant,
}

impl Span {
    /// Returns the context for events inside the span.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        self.context.as_ref()
    }

    /// Returns the time since its start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Trace {
    /// Creates a trace that records everything.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self(Some(Arc::new(State {
            settings,
            ring: Mutex::new(Ring::new(settings.limits)),
            running: Running::default(),
            meter: Arc::default(),
        })))
    }

    /// Whether events are recorded.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Whether events have bodies.
    #[must_use]
    pub fn records_bodies(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.settings.bodies)
    }

    /// Returns the text as the body of an event, if bodies are recorded.
    #[must_use]
    pub fn body(&self, text: &str) -> Option<String> {
        self.records_bodies().then(|| text.to_owned())
    }

    /// Returns the meter of the bill. `None` if nothing is recorded.
    #[must_use]
    pub fn meter(&self) -> Option<&Meter> {
        self.0.as_ref().map(|state| &*state.meter)
    }

    /// Begins a new trace. What it costs counts for `action`.
    #[must_use]
    pub fn root(&self, action: &str) -> Span {
        let context = self.0.as_ref().map(|state| {
            let action = Action::new(action.to_owned(), Arc::clone(&state.meter));
            Context::root(Arc::new(action))
        });
        Span::begin(context, None)
    }

    /// Begins a span inside `outer`.
    #[must_use]
    pub fn inside(&self, outer: Option<&Context>) -> Span {
        let context = self.0.as_ref().and(outer).map(Context::inner);
        Span::begin(context, outer.map(|outer| outer.span))
    }

    /// Begins a span inside the span of the current task, if it has one.
    #[must_use]
    pub fn here(&self) -> Span {
        let outer = self.0.as_ref().and_then(|_| current());
        self.inside(outer.as_ref())
    }

    /// Records what happened in a span that ends now. Its usage is added to the bill.
    pub fn record(&self, span: Span, fact: Fact) {
        let took = span.elapsed();
        self.record_that_took(span, took, fact);
    }

    /// Records what happened in a span of this duration.
    pub fn record_that_took(&self, span: Span, took: Duration, fact: Fact) {
        let Some(state) = &self.0 else { return };
        if fact.usage != Usage::default() {
            state.meter.add(&fact.usage);
            if let Some(action) = span.context.as_ref().and_then(|it| it.action.as_ref()) {
                action.add(&fact.usage);
            }
        }
        let (trace, id) = match &span.context {
            Some(context) => (Some(context.trace), context.span),
            None => (None, SpanId::new()),
        };
        let event = Event {
            number: 0,
            trace,
            span: id,
            parent: span.parent,
            start_us: micros(span.began.duration_since(UNIX_EPOCH).unwrap_or_default()),
            took_us: micros(took),
            fact,
        };
        state.ring().push(event);
    }

    /// Returns at most `most` events from number `from` on.
    #[must_use]
    pub fn read(&self, from: u64, most: usize) -> Batch {
        match &self.0 {
            Some(state) => state.ring().read(from, most),
            None => Batch::default(),
        }
    }

    /// Returns the events of one trace that are still kept, in order.
    #[must_use]
    pub fn of_trace(&self, trace: TraceId) -> Vec<Arc<Event>> {
        match &self.0 {
            Some(state) => state.ring().of_trace(trace),
            None => Vec::new(),
        }
    }

    /// Announces that a process of `function` works in the span of `context`. Until the returned value
    /// is dropped, calls of the function belong to the span.
    pub(crate) fn runs(&self, function: &str, context: Option<&Context>) -> Option<Entered> {
        let state = self.0.as_ref()?;
        Some(state.running.enter(function, context?.clone()))
    }

    /// Returns the context that a call of `caller` belongs to: that of the invocation in the header
    /// [`HEADER`], or that of the only invocation of the function that runs.
    pub(crate) fn caller(&self, headers: &HeaderMap, caller: &Caller) -> Option<Context> {
        let state = self.0.as_ref()?;
        let header = headers.get(HEADER).and_then(|value| value.to_str().ok());
        state.running.find(header, caller)
    }
}

impl State {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Span {
    fn begin(context: Option<Context>, parent: Option<SpanId>) -> Self {
        Self {
            context,
            parent,
            began: SystemTime::now(),
            started: Instant::now(),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

//! Fault injection: faults that AWS has now and then, as often as a plan says. A seed decides when.
//!
//! `plan` is the written form, `schedule` decides and counts, and `control` changes the plan while
//! the harness runs. Each service draws a fault where the real one would occur, and carries it out.
//! Without a plan a draw only reads a flag.

mod control;
mod plan;
mod schedule;
mod transfer;

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::Response,
};
use futures_util::stream;

use crate::{
    gateway::clock::Clock,
    trace::{Fact, Kind, Level, Trace},
};

pub(crate) use self::transfer::Transfer;
pub use self::{
    control::router,
    plan::{
        Connection, Dynamodb, EventSource, Fault, Function, Management, Plan, PlanError, Push,
        Rule, S3,
    },
    schedule::{Draw, Progress, Schedule},
};

/// The faults of one stack. Clones share them. Without a plan there are none.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<State>);

#[derive(Debug, Default)]
struct State {
    active: AtomicBool,
    schedule: Mutex<Option<Schedule>>,
    clock: Clock,
    trace: Trace,
}

/// The faults injected into one call of DynamoDB or of the management API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Injected<F> {
    /// The delay before anything else.
    pub latency: Duration,
    pub fault: Option<F>,
}

impl Faults {
    /// Creates faults without a plan. Durations follow `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(State {
            clock,
            ..State::default()
        }))
    }

    /// Creates faults without a plan, which are recorded in `trace`.
    #[must_use]
    pub fn recorded(clock: Clock, trace: Trace) -> Self {
        Self(Arc::new(State {
            clock,
            trace,
            ..State::default()
        }))
    }

    /// Returns the trace. Services that meet faults record their calls there as well.
    pub(crate) fn trace(&self) -> &Trace {
        &self.0.trace
    }

    /// Waits for `time`. Returns at once if it is zero, without yielding.
    pub(crate) async fn delay(&self, time: Duration) {
        if !time.is_zero() {
            let clock = &self.0.clock;
            clock.reaches(clock.now() + time).await;
        }
    }

    /// Starts a plan. It replaces the previous plan and its counts.
    pub fn begin(&self, plan: Plan) {
        *self.schedule() = Some(Schedule::new(plan));
        self.0.active.store(true, Ordering::Release);
    }

    /// Ends all faults. Returns the plan that was running, with its counts.
    pub fn end(&self) -> Option<Schedule> {
        self.0.active.store(false, Ordering::Release);
        self.schedule().take()
    }

    /// The running plan with its counts.
    #[must_use]
    pub fn current(&self) -> Option<Schedule> {
        self.schedule().clone()
    }

    /// Draws the faults of a function's `operation` on the table.
    pub(crate) fn dynamodb(&self, operation: &str) -> Injected<Dynamodb> {
        let drawn = self.draw(&[operation], |fault| match fault {
            Fault::Dynamodb(fault) => Some(fault),
            _ => None,
        });
        injected(drawn, Dynamodb::Latency)
    }

    /// Draws the faults of a call of the management API.
    pub(crate) fn management(&self, method: &str) -> Injected<Management> {
        let drawn = self.draw(&[method], |fault| match fault {
            Fault::Management(fault) => Some(fault),
            _ => None,
        });
        injected(drawn, Management::SlowConsumer)
    }

    /// Draws whether Lambda throttles an invocation.
    pub(crate) fn throttles(&self, names: &[&str]) -> bool {
        let is_throttle = |fault| (fault == Fault::Function(Function::Throttle)).then_some(());
        !self.draw(names, is_throttle).is_empty()
    }

    /// Draws the delay before a process starts.
    pub(crate) fn slow_start(&self, names: &[&str]) -> Duration {
        let is_slow = |fault| (fault == Fault::Function(Function::SlowStart)).then_some(());
        let drawn = self.draw(names, is_slow).into_iter();
        drawn.map(|((), after)| after).sum()
    }

    /// Draws a fault for a process that has an event, and its delay after the start of the event.
    pub(crate) fn invocation(&self, names: &[&str]) -> Option<(Function, Duration)> {
        let drawn = self.draw(names, |fault| match fault {
            Fault::Function(Function::Throttle | Function::SlowStart) => None,
            Fault::Function(fault) => Some(fault),
            _ => None,
        });
        drawn.into_iter().next()
    }

    /// Draws a fault for a connection whose client has sent a message.
    pub(crate) fn on_message(&self) -> Option<Connection> {
        let drawn = self.draw(&[], |fault| match fault {
            Fault::Connection(fault @ (Connection::Cut | Connection::HalfOpen)) => Some(fault),
            _ => None,
        });
        drawn.into_iter().next().map(|(fault, _)| fault)
    }

    /// Draws a fault for the `$disconnect` of a connection.
    pub(crate) fn disconnect(&self) -> Option<(Connection, Duration)> {
        let drawn = self.draw(&[], |fault| match fault {
            Fault::Connection(Connection::Cut | Connection::HalfOpen) => None,
            Fault::Connection(fault) => Some(fault),
            _ => None,
        });
        drawn.into_iter().next()
    }

    /// Draws the faults of a batch that an event source mapping is about to deliver.
    pub(crate) fn event_source(&self, names: &[&str]) -> Injected<EventSource> {
        let drawn = self.draw(names, |fault| match fault {
            Fault::EventSource(EventSource::Stalled) => None,
            Fault::EventSource(fault) => Some(fault),
            _ => None,
        });
        injected(drawn, EventSource::Late)
    }

    /// Draws how long an event source mapping reads nothing, after a read that found something.
    pub(crate) fn stalled(&self, names: &[&str]) -> Duration {
        let is_stall = |fault| (fault == Fault::EventSource(EventSource::Stalled)).then_some(());
        let drawn = self.draw(names, is_stall).into_iter();
        drawn.map(|((), time)| time).sum()
    }

    /// Draws the faults of a message for a subscription of the push service.
    pub(crate) fn push(&self, subscription: &str) -> Injected<Push> {
        let drawn = self.draw(&[subscription], |fault| match fault {
            Fault::Push(fault) => Some(fault),
            _ => None,
        });
        injected(drawn, Push::Latency)
    }

    /// Draws the faults of a call of S3. The transfer of its body begins now.
    pub(crate) fn s3(&self, operation: &str) -> (Injected<S3>, Transfer) {
        let drawn = self.draw(&[operation], |fault| match fault {
            Fault::S3(fault) => Some(fault),
            _ => None,
        });
        let of_transfer = |wanted| move |(fault, _): &&(S3, Duration)| *fault == wanted;
        let slow = drawn.iter().filter(of_transfer(S3::SlowTransfer));
        let lasts = slow.map(|(_, time)| *time).sum();
        let others = drawn.iter().filter(|(fault, _)| *fault != S3::SlowTransfer);
        let injected = injected(others.copied().collect(), S3::Latency);
        let is_cut = injected.fault == Some(S3::Cut);
        let transfer = Transfer::new(self.0.clock.clone(), lasts, is_cut);
        (injected, transfer)
    }

    fn draw<F>(&self, names: &[&str], concerns: impl Fn(Fault) -> Option<F>) -> Vec<(F, Duration)> {
        if !self.0.active.load(Ordering::Acquire) {
            return Vec::new();
        }
        let drawn = match self.schedule().as_mut() {
            Some(schedule) => schedule.draw(names, |fault| concerns(fault).is_some()),
            None => Vec::new(),
        };
        for draw in &drawn {
            self.record(draw, names);
        }
        drawn
            .into_iter()
            .filter_map(|draw| Some((concerns(draw.fault)?, draw.after)))
            .collect()
    }

    fn record(&self, draw: &Draw, names: &[&str]) {
        let trace = &self.0.trace;
        if !trace.is_on() {
            return;
        }
        let milliseconds = u64::try_from(draw.after.as_millis()).unwrap_or(u64::MAX);
        let fact = Fact::new(Kind::Fault, &draw.fault.name())
            .with("fault.on", names.join(" "))
            .with("fault.ms", milliseconds)
            .level(Level::Warning);
        trace.record(trace.here(), fact);
    }

    fn schedule(&self) -> MutexGuard<'_, Option<Schedule>> {
        self.0
            .schedule
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds up the latencies. Of the other faults, the first one wins.
fn injected<F: Copy + PartialEq>(drawn: Vec<(F, Duration)>, latency: F) -> Injected<F> {
    let is_latency = |(fault, _): &&(F, Duration)| *fault == latency;
    Injected {
        latency: drawn.iter().filter(is_latency).map(|(_, ms)| *ms).sum(),
        fault: drawn
            .iter()
            .find(|draw| !is_latency(draw))
            .map(|(fault, _)| *fault),
    }
}

/// Returns a response whose connection breaks before the first byte of the body.
pub(crate) fn broken_answer() -> Response {
    let nothing: Result<Bytes, &str> = Err("the connection breaks on purpose");
    let mut response = Response::new(Body::from_stream(stream::iter([nothing])));
    *response.status_mut() = StatusCode::OK;
    response
}

/// Never resolves: the caller waits until it gives up.
pub(crate) async fn no_answer() -> Infallible {
    std::future::pending().await
}

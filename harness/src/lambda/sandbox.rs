//! The life of one execution environment: init, then one event after another with a freeze in
//! between, until it fails or the harness stops.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::oneshot, time::Instant};
use tracing::{debug, warn};

use super::{
    facts,
    invocation::{Event, Reply},
    invocation_error::{InvocationError, ReportedError},
    pool::{Place, Pool},
    process::{Happening, Process},
    report::{self, Report, Status},
    runtime_api::{Call, Invocation, InvocationResult, Verdict},
};
use crate::{
    faults::Function as Fault,
    invoke::Outcome,
    trace::{self, Entered},
};

/// The time limit from the start of a process to its first `invocation/next`.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// An `invocation/next` that the process waits for.
type Poll = oneshot::Sender<Invocation>;

/// The end of an invocation's time, for the timer and for the process.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    instant: Instant,
    wall: SystemTime,
}

impl Deadline {
    fn after(timeout: Duration) -> Self {
        Self {
            instant: Instant::now() + timeout,
            wall: SystemTime::now() + timeout,
        }
    }
}

/// Runs one environment to its end. `place` is its place in the function's pool.
pub(super) async fn live(mut place: Place) {
    let pool = Arc::clone(place.pool());
    let later = pool.faults().slow_start(&pool.deployment().names());
    tokio::select! {
        () = pool.faults().delay(later) => {}
        () = pool.stopping() => {}
    }
    let first = initialize(&pool, INIT_LIMIT).await;
    place.initialized();
    match first {
        Ok(ready) => serve(&pool, ready, None).await,
        // Nothing has failed, and no event waits any more.
        Err(InvocationError::Stopped) => {}
        Err(error) => {
            warn!(
                function = pool.deployment().name,
                reason = error.reason(),
                "init failed"
            );
            retry(&pool).await;
        }
    }
    place.leave();
}

/// Repeats a failed init once if an event waits, within the function's own timeout, as Lambda does.
///
/// Each init takes at most one event, so a function that always fails starts at most twice per
/// event.
async fn retry(pool: &Arc<Pool>) {
    let Some(event) = pool.take_waiting() else {
        return;
    };
    let deadline = Deadline::after(pool.deployment().timeout);
    match initialize(pool, pool.deployment().timeout).await {
        Ok(ready) => serve(pool, ready, Some((event, deadline))).await,
        Err(error) => {
            if pool.trace().is_on() {
                let fact = facts::no_process(&pool.deployment(), event.request_id(), &error);
                pool.trace().record(event.span().clone(), fact);
            }
            let outcome = error.outcome(event.request_id());
            event.answer(outcome.into());
        }
    }
}

/// A process that has asked for its first event.
struct Ready {
    process: Process,
    poll: Poll,
    /// The time from its start to that poll.
    init: Duration,
}

/// Starts a process and waits until it asks for its first event.
async fn initialize(pool: &Pool, limit: Duration) -> Result<Ready, InvocationError> {
    let started = Instant::now();
    let deployment = pool.deployment();
    let mut process = Process::spawn(&deployment, pool.watchdog(), pool.trace()).await?;
    let span = pool.trace().here();
    let failed = |error: InvocationError| {
        if pool.trace().is_on() {
            let fact = facts::init_failed(&deployment, started.elapsed(), &error);
            pool.trace().record(span.clone(), fact);
        }
        error
    };
    loop {
        let happening = tokio::select! {
            happening = process.next(Some(started + limit)) => happening,
            () = pool.stopping() => {
                process.shut_down().await;
                return Err(InvocationError::Stopped);
            }
        };
        match happening {
            Happening::Called(Call::Next(poll)) => {
                let init = started.elapsed();
                debug!(function = deployment.name, ms = init.as_millis(), "INIT");
                if pool.trace().is_on() {
                    let fact = facts::process(&process, "started");
                    pool.trace().record(span.clone(), fact);
                }
                return Ok(Ready {
                    process,
                    poll,
                    init,
                });
            }
            Happening::Called(Call::InitError(error, verdict)) => {
                let _ = verdict.send(Verdict::Accepted);
                process.kill().await;
                return Err(failed(InvocationError::Reported(error)));
            }
            Happening::Called(call) => reject(call),
            Happening::Exited(status) => return Err(failed(InvocationError::Exited(status))),
            Happening::TimedOut => {
                process.kill().await;
                return Err(failed(InvocationError::TimedOut(limit)));
            }
        }
    }
}

/// Runs event after event, beginning with `first`, the event for which the process was started.
async fn serve(pool: &Pool, ready: Ready, mut first: Option<(Event, Deadline)>) {
    let Ready {
        mut process,
        mut poll,
        init,
    } = ready;
    let mut init = Some(init);
    loop {
        let (event, deadline) = match first.take() {
            Some(first) => first,
            None => match next_event(pool, &mut process, &mut poll).await {
                Some(event) => {
                    let timeout = process.deployment().timeout;
                    (event, Deadline::after(timeout))
                }
                None => break,
            },
        };
        let function = &process.deployment().logical_id;
        let invocation = Invoked {
            running: pool.trace().runs(function, event.span().context()),
            event,
            deadline,
            init: init.take(),
            started: Instant::now(),
        };
        poll = match invoke(pool, &mut process, invocation, poll).await {
            Some(poll) => poll,
            None => break,
        };
    }
    let ended = pool
        .trace()
        .is_on()
        .then(|| facts::process(&process, "ended"));
    if pool.is_stopping() {
        process.shut_down().await;
    } else {
        process.kill().await;
    }
    if let Some(ended) = ended {
        pool.trace().record(pool.trace().here(), ended);
    }
}

/// Returns the oldest waiting event or waits, with the process frozen, for the next one. `None`
/// ends the process.
async fn next_event(pool: &Pool, process: &mut Process, poll: &mut Poll) -> Option<Event> {
    let mut parked = match pool.take(process.deployment()) {
        Ok(event) => return Some(event),
        Err(parked) => parked,
    };
    process.freeze();
    loop {
        tokio::select! {
            event = &mut parked => {
                process.thaw();
                return event.ok();
            }
            happening = process.next(None) => match happening {
                // The process cancelled its poll and polled again before it was frozen.
                Happening::Called(Call::Next(again)) => *poll = again,
                Happening::Called(call) => reject(call),
                Happening::Exited(_) | Happening::TimedOut => {
                    parked.close();
                    if let Ok(event) = parked.try_recv() {
                        pool.put_back(event);
                    }
                    return None;
                }
            }
        }
    }
}

/// An event in a process.
struct Invoked {
    event: Event,
    deadline: Deadline,
    /// Set for the first event of its process.
    init: Option<Duration>,
    started: Instant,
    /// Calls of the process belong to the event until this is dropped.
    running: Option<Entered>,
}

impl Invoked {
    /// Records the invocation, which ends now.
    fn record(&self, pool: &Pool, process: &Process, status: Status, error: Option<String>) {
        if pool.trace().is_on() {
            let ended = facts::Ended {
                took: self.started.elapsed(),
                init: self.init,
                status,
                error,
            };
            let fact = ended.fact(pool.trace(), &self.event, process);
            pool.trace().record(self.event.span().clone(), fact);
        }
    }

    /// Returns the end of its log, if the caller requested it.
    async fn log(
        &self,
        process: &Process,
        status: Status,
        memory_used: impl FnOnce(&Process) -> Option<u64>,
    ) -> Option<Vec<u8>> {
        if !self.event.log_tail() {
            return None;
        }
        let report = Report {
            duration: self.started.elapsed(),
            init: self.init,
            memory_size: process.deployment().memory,
            memory_used: memory_used(process),
            status,
        };
        let last = report.line(self.event.request_id());
        Some(process.output().end_tail(&last).await)
    }
}

/// Passes the event to the process and the outcome to its caller, then waits for the next poll.
/// `None` means that the process is no longer usable.
async fn invoke(pool: &Pool, process: &mut Process, invoked: Invoked, poll: Poll) -> Option<Poll> {
    let name = process.deployment().name.clone();
    let request_id = invoked.event.request_id().to_owned();
    let deadline = invoked.deadline;
    debug!(function = name, request_id, "START");
    process
        .output()
        .begin_tail(&report::start(&request_id), invoked.event.span());
    let fault = trace::called_within(invoked.event.span().context(), || {
        pool.faults().invocation(&process.deployment().names())
    });
    let mut fault_due = pin!(
        pool.faults()
            .delay(fault.map_or(Duration::ZERO, |(_, after)| after))
    );
    match fault {
        Some((Fault::KillBefore, _)) => process.kill().await,
        // Freezes before delivery, since the process might otherwise answer first.
        Some((Fault::Timeout, Duration::ZERO)) => process.freeze(),
        _ => {}
    }
    let fault = fault.map(|(fault, _)| fault);
    let mut fault_ahead = fault.filter(|fault| matches!(fault, Fault::KillDuring | Fault::Timeout));
    // Delivery fails only if the process has just hung up. It polls again or exits.
    let mut undelivered = poll.send(invoked.event.invocation(deadline.wall)).err();
    let mut invoked = Some(invoked);
    let mut finishing = None;
    loop {
        let happening = tokio::select! {
            happening = process.next(Some(deadline.instant)) => happening,
            () = &mut fault_due, if fault_ahead.is_some() && invoked.is_some() => {
                // The next happening shows the effect.
                match fault_ahead.take() {
                    Some(Fault::KillDuring) => process.kill().await,
                    _ => process.freeze(),
                }
                continue;
            }
            () = pool.stopping() => {
                // Dropping the event ends the caller's wait.
                return None;
            }
        };
        let mut memory_used = None;
        let (error, status) = match happening {
            Happening::Called(Call::Next(poll)) => match undelivered.take() {
                Some(invocation) => {
                    undelivered = poll.send(invocation).err();
                    continue;
                }
                None if finishing.is_some() => return Some(poll),
                // Dropping a poll in the middle of an event rejects it.
                None => continue,
            },
            Happening::Called(Call::Result {
                request_id: about,
                result,
                verdict,
            }) => {
                if about != request_id {
                    let _ = verdict.send(Verdict::WrongRequestId);
                } else if fault == Some(Fault::KillAfter) {
                    process.kill().await;
                } else if let Some(invoked) = invoked.take() {
                    let took = invoked.started.elapsed();
                    debug!(function = name, request_id, ms = took.as_millis(), "END");
                    let (outcome, answer) = judge(result, &request_id);
                    let mut reported = None;
                    if let Outcome::FunctionError(error) = &outcome {
                        let error = ReportedError::read(error);
                        reported = Some(format!("{}: {}", error.kind, error.message));
                        warn!(
                            function = name,
                            request_id,
                            error_type = error.kind,
                            error = error.message,
                            "function error"
                        );
                    }
                    // The log is complete: until it gets the verdict the process writes nothing.
                    let status = match outcome {
                        Outcome::Answer(_) => Status::Success,
                        Outcome::FunctionError(_) => Status::Error,
                    };
                    let log = invoked.log(process, status, Process::memory_used).await;
                    invoked.record(pool, process, status, reported);
                    drop(invoked.running);
                    let _ = verdict.send(answer);
                    finishing = Some(pool.finishing());
                    invoked.event.answer(Reply { outcome, log });
                } else {
                    let _ = verdict.send(Verdict::NotNow);
                }
                continue;
            }
            Happening::Called(call @ Call::InitError(..)) => {
                reject(call);
                continue;
            }
            Happening::Exited(status) => (InvocationError::Exited(status), Status::Failure),
            Happening::TimedOut => {
                memory_used = process.memory_used();
                process.kill().await;
                let timeout = process.deployment().timeout;
                (InvocationError::TimedOut(timeout), Status::Timeout)
            }
        };
        let reason = error.reason();
        warn!(function = name, request_id, reason, "process ended");
        if let Some(invoked) = invoked {
            let log = invoked.log(process, status, |_| memory_used).await;
            invoked.record(pool, process, status, Some(error.reason()));
            drop(invoked.running);
            let outcome = error.outcome(&request_id);
            invoked.event.answer(Reply { outcome, log });
        }
        return None;
    }
}

/// Returns what the caller gets and what the process gets for a result.
fn judge(result: InvocationResult, request_id: &str) -> (Outcome, Verdict) {
    match result {
        InvocationResult::Answer(answer) => (Outcome::Answer(answer), Verdict::Accepted),
        InvocationResult::Error(error) => (Outcome::FunctionError(error), Verdict::Accepted),
        InvocationResult::TooLarge => {
            let outcome = InvocationError::AnswerTooLarge.outcome(request_id);
            (outcome, Verdict::TooLarge)
        }
    }
}

/// Rejects a call that the process may not make now. Dropping a poll rejects it.
fn reject(call: Call) {
    match call {
        Call::Next(_) => {}
        Call::Result { verdict, .. } | Call::InitError(_, verdict) => {
            let _ = verdict.send(Verdict::NotNow);
        }
    }
}

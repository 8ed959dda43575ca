//! Attempts at pushes: one for every connection first, then further ones for the busy connections.
//!
//! A client that does not read keeps the gateway busy for ever. It must delay neither the other
//! clients nor the reply, however many such clients there are. So no connection is attempted again
//! before each has been attempted once, a connection that waits takes no place, and all further
//! attempts together have a time limit. The pages of a large roster are read meanwhile.

use std::{
    collections::VecDeque,
    error::Error,
    future::Future,
    mem,
    pin::{Pin, pin},
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};

use super::{
    clean_up,
    targets::{Read, Targets},
};
use crate::{
    domain::{ConversationId, Subscription, Timestamp},
    error::InternalError,
    mutant::mutant,
    ports::{Clock, Connections, Fact, Outbound, PushError, Random, Subscriptions},
};

/// The longest that a fan-out may take.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(3);
/// The number of places for attempts at the same time.
pub(super) const WIDTH: usize = 32;
/// An attempt that lasts longer goes on, but does not keep its place. So at most 128 attempts are
/// under way: each place is left to another attempt three times until [`ATTEMPT_LIMIT`].
const SLOW: Duration = Duration::from_millis(250);
/// How often a connection is attempted while the gateway is busy.
pub(super) const ATTEMPTS: u32 = 4;
/// The longest random wait before a connection's second attempt; it doubles with each attempt. All
/// its waits together take at most 280 ms.
const FIRST_WAIT_MS: u64 = 40;
/// The time for all further attempts, from when the last first attempt has begun.
pub(super) const RETRY_LIMIT: Duration = Duration::from_millis(500);
/// The time limit of an attempt, in case a call is not answered.
pub(super) const ATTEMPT_LIMIT: Duration = Duration::from_secs(1);

/// The outcome of a fan-out, in connections. A push that is not made is a gap, which the client
/// repairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The connections to push to.
    pub(super) total: usize,
    /// Those given up, because the gateway was busy or did not answer.
    pub(super) given_up: usize,
    /// Those that were not finished when the time was up.
    pub(super) remaining: usize,
}

/// What is pushed to each connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load<'a> {
    /// The conversation whose subscriptions are pushed to, if they are.
    pub(super) conversation: Option<&'a ConversationId>,
    /// The frames, in order.
    pub(super) frames: &'a [String],
}

impl<'a> Load<'a> {
    /// Frames that are not pushed for a subscription.
    pub(super) const fn frame(frames: &'a [String]) -> Self {
        Self {
            conversation: None,
            frames,
        }
    }
}

/// Pushes frames, in order, to each of the connections.
pub(super) async fn push_all<P>(
    ports: &P,
    targets: &mut Targets<'_>,
    load: Load<'_>,
    deadline: Timestamp,
) -> Outcome
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let mut outcome = Outcome::default();
    if targets.is_empty() {
        return outcome;
    }
    let began = ports.now();
    let limit = TIME_LIMIT.min(deadline.since(began));
    let pushes = Box::pin(push_to_each(ports, targets, load, &mut outcome));
    let is_late = matches!(
        select(pushes, pin!(ports.sleep(limit))).await,
        Either::Right(_)
    );
    let Outcome {
        total,
        given_up,
        remaining,
    } = outcome;
    if total == 0 {
        return outcome;
    }
    if is_late {
        tracing::warn!(total, remaining, "fan-out timed out");
    }
    if given_up > 0 {
        tracing::warn!(total, given_up, "pushes given up");
    }
    ports.report(Fact::FanOut {
        size: total,
        missed: given_up + remaining,
        duration: ports.now().since(began),
    });
    outcome
}

impl Outcome {
    fn begins(&mut self, number: usize) {
        self.total += number;
        self.remaining += number;
    }

    fn ends(&mut self, is_given_up: bool) {
        self.remaining -= 1;
        self.given_up += usize::from(is_given_up);
    }
}

/// A connection that does not have all frames yet.
struct Push {
    target: Subscription,
    /// How many frames it has.
    pushed: usize,
    /// How often it was attempted.
    attempts: u32,
}

/// How an attempt ended.
enum Attempted {
    /// The gateway has all frames, or will never take them.
    Done,
    /// The gateway was busy.
    Busy(Push),
    /// The gateway did not answer.
    Unanswered,
}

/// Something that the fan-out waits for.
enum Event<'a> {
    /// An attempt has ended, and leaves its place.
    Ended(Attempted),
    /// An attempt takes long. It leaves its place and goes on.
    Slow(Pending<'a>),
    /// A slow attempt has ended.
    SlowEnded(Attempted),
    /// The wait before a connection's next attempt is over.
    Waited(Push),
    /// A further page of the roster is read.
    Read(Result<Read<'a>, InternalError>),
}

type Pending<'a> = Pin<Box<dyn Future<Output = Event<'a>> + Send + 'a>>;

async fn push_to_each<P>(
    ports: &P,
    targets: &mut Targets<'_>,
    load: Load<'_>,
    outcome: &mut Outcome,
) where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let most = if mutant!(PushedOnce) { 1 } else { ATTEMPTS };
    let mut first = VecDeque::from(mem::take(&mut targets.known));
    let mut unread = targets.rest.take();
    let mut is_reading = false;
    outcome.begins(first.len());
    let mut again: VecDeque<Push> = VecDeque::new();
    let mut until: Option<Timestamp> = None;
    let mut pending: FuturesUnordered<Pending<'_>> = FuturesUnordered::new();
    let mut places = WIDTH;
    loop {
        while places > 0 {
            let (push, limit) = if let Some(target) = first.pop_front() {
                (Push::to(target), ATTEMPT_LIMIT)
            } else if is_reading || unread.is_some() {
                break;
            } else {
                let now = ports.now();
                let until = *until.get_or_insert(now.plus(RETRY_LIMIT));
                let Some(push) = again.pop_front() else {
                    break;
                };
                (push, ATTEMPT_LIMIT.min(until.since(now)))
            };
            if limit.is_zero() {
                outcome.ends(true);
                continue;
            }
            places -= 1;
            pending.push(begin(ports, push, load, limit));
        }
        if let Some(unread) = unread.take() {
            is_reading = true;
            let read = async move { Event::Read(unread.read(ports).await) };
            pending.push(Box::pin(read));
        }
        let Some(event) = pending.next().await else {
            return;
        };
        let attempted = match event {
            Event::Read(read) => {
                is_reading = false;
                match read {
                    Ok((more, further)) => {
                        outcome.begins(more.len());
                        first.extend(more);
                        unread = further;
                    }
                    Err(error) => targets.failed = Some(error),
                }
                continue;
            }
            Event::Waited(push) => {
                again.push_back(push);
                continue;
            }
            Event::Slow(rest) => {
                places += 1;
                pending.push(rest);
                continue;
            }
            Event::Ended(attempted) => {
                places += 1;
                attempted
            }
            Event::SlowEnded(attempted) => attempted,
        };
        match attempted {
            Attempted::Done => outcome.ends(false),
            Attempted::Busy(push) if push.attempts < most => {
                let longest = FIRST_WAIT_MS << push.attempts.saturating_sub(1);
                let wait = Duration::from_millis(ports.below(longest + 1));
                if until.is_some_and(|until| until <= ports.now().plus(wait)) {
                    outcome.ends(true);
                } else {
                    pending.push(rest(ports, push, wait));
                }
            }
            Attempted::Busy(_) | Attempted::Unanswered => outcome.ends(true),
        }
    }
}

impl Push {
    const fn to(target: Subscription) -> Self {
        Self {
            target,
            pushed: 0,
            attempts: 0,
        }
    }
}

fn rest<'a, P: Clock + Sync>(ports: &'a P, push: Push, wait: Duration) -> Pending<'a> {
    Box::pin(async move {
        ports.sleep(wait).await;
        Event::Waited(push)
    })
}

/// Begins an attempt that has a place.
fn begin<'a, P>(ports: &'a P, mut push: Push, load: Load<'a>, limit: Duration) -> Pending<'a>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    if push.attempts > 0 {
        ports.report(Fact::Retry);
    }
    push.attempts += 1;
    Box::pin(async move {
        let attempt = Box::pin(attempt_within(ports, push, load, limit));
        match select(attempt, pin!(ports.sleep(SLOW))).await {
            Either::Left((attempted, _)) => Event::Ended(attempted),
            Either::Right(((), attempt)) => {
                Event::Slow(Box::pin(async move { Event::SlowEnded(attempt.await) }))
            }
        }
    })
}

async fn attempt_within<P>(ports: &P, push: Push, load: Load<'_>, limit: Duration) -> Attempted
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let attempt = pin!(attempt(ports, push, load));
    match select(attempt, pin!(ports.sleep(limit))).await {
        Either::Left((attempted, _)) => attempted,
        Either::Right(_) => Attempted::Unanswered,
    }
}

/// Pushes the frames that the connection does not have yet.
async fn attempt<P>(ports: &P, mut push: Push, load: Load<'_>) -> Attempted
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let Subscription { user, connection } = &push.target;
    for frame in load.frames.iter().skip(push.pushed) {
        match ports.push(&connection.id, frame).await {
            Ok(()) => push.pushed += 1,
            Err(PushError::Busy) => return Attempted::Busy(push),
            Err(PushError::Gone) => {
                ports.report(Fact::Gone);
                clean_up(ports, user, connection, load.conversation).await;
                return Attempted::Done;
            }
            Err(PushError::Internal(error)) => {
                tracing::warn!(error = &error as &(dyn Error + 'static), "push failed");
                return Attempted::Done;
            }
        }
    }
    Attempted::Done
}

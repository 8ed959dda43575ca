//! Fan-out: pushes log entries and notices to connections. All routes push through this module.
//!
//! Pushes are best effort within a time limit. A client notices an entry that it did not receive as
//! a gap and reads it from the log, so a failed push never stops the others.

use std::{
    collections::BTreeSet,
    error::Error,
    future::{Future, ready},
    pin::pin,
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{Either, join_all, select},
    stream,
};
use serde::Serialize;

use crate::{
    domain::{Connection, ConnectionId, ConversationId, Entry, Subscription, Timestamp, UserId},
    error::{InternalError, RequestError},
    log::Appended,
    mutant::mutant,
    ports::{Clock, Connections, Fact, Outbound, PushError, Random, Roster, Subscriptions},
    wire::{Notice, WireEntry, encode},
};

/// The longest that a fan-out may take.
const TIME_LIMIT: Duration = Duration::from_secs(3);
/// The number of concurrent pushes.
const WIDTH: usize = 32;
/// The gateway reports a connection as gone during its handshake, which may last this long.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// How often a push is attempted while the gateway is busy. A client that does not read keeps the
/// gateway busy for ever, and must not delay the others or the reply.
const ATTEMPTS: u32 = 4;
/// The longest random wait before the first retry of a push; it doubles with each retry. All waits
/// of a push together take at most 280 ms.
const FIRST_WAIT_MS: u64 = 40;
/// The time limit of all attempts at one push together, in case a call is not answered.
const PUSH_LIMIT: Duration = Duration::from_secs(1);

/// Awaits `storing`, then pushes the stored entry as [`publish`] does, and returns it.
///
/// - The roster is read after the entry is stored: a connection that subscribes later finds the
///   entry in the log.
/// - A repetition is pushed again: the first attempt may have ended before its push.
///
/// # Errors
/// Those of `storing`, and an [`InternalError`] if the roster cannot be read.
pub async fn publish_stored<P>(
    ports: &P,
    conversation: &ConversationId,
    storing: impl Future<Output = Result<Appended, RequestError>>,
    origin: Option<&ConnectionId>,
    deadline: Timestamp,
) -> Result<Appended, RequestError>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let early = if mutant!(SubsBeforePut) {
        Some(ports.roster(conversation).await?)
    } else {
        None
    };
    let stored = storing.await?;
    ports.report(Fact::Sent {
        duplicate: stored.duplicate,
    });
    if stored.duplicate && mutant!(SilentDuplicate) {
        return Ok(stored);
    }
    let roster = match early {
        Some(roster) => roster,
        None => ports.roster(conversation).await?,
    };
    publish(ports, roster, conversation, &stored.entry, origin, deadline).await;
    Ok(stored)
}

/// Pushes an entry to all subscribed connections of participants except `origin`, which
/// sent it. Other connections of the sender come first.
///
/// The roster must have been read after the entry was stored.
pub async fn publish<P>(
    ports: &P,
    roster: Roster,
    conversation: &ConversationId,
    entry: &Entry,
    origin: Option<&ConnectionId>,
    deadline: Timestamp,
) where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let recipients = recipients(roster, &entry.draft.sender, origin, ports.now());
    push_all(
        ports,
        recipients,
        &encode(&WireEntry::new(conversation, entry)),
        deadline,
    )
    .await;
}

/// Pushes a notice to all connections of `users`.
///
/// # Errors
/// An [`InternalError`] if the connections of a user cannot be read. The connections of
/// the other users still receive the notice.
pub async fn notify<P>(
    ports: &P,
    users: &[UserId],
    notice: &Notice<'_>,
    deadline: Timestamp,
) -> Result<(), InternalError>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let found = join_all(users.iter().map(|user| connections_of(ports, user))).await;
    let mut targets = Vec::new();
    let mut failed = None;
    for connections in found {
        match connections {
            Ok(connections) => targets.extend(connections),
            Err(error) => failed = Some(error),
        }
    }
    push_all(ports, targets, &encode(notice), deadline).await;
    failed.map_or(Ok(()), Err)
}

/// Pushes a frame that is stored nowhere, to `targets`.
pub async fn push_frame<P>(
    ports: &P,
    targets: Vec<Subscription>,
    frame: &impl Serialize,
    deadline: Timestamp,
) where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    push_all(ports, targets, &encode(frame), deadline).await;
}

/// In conversations with more participants and subscriptions than this, frames that are stored
/// nowhere are not pushed. Twenty participants with four open pages each have fewer.
pub const MOST_ROWS: usize = 100;

/// Returns the open connections of a user.
///
/// # Errors
/// An [`InternalError`] if they cannot be read.
pub async fn connections_of<P>(ports: &P, user: &UserId) -> Result<Vec<Subscription>, InternalError>
where
    P: Connections + Clock + Sync,
{
    let now = ports.now();
    let connections = ports.connections_of(user).await?.into_iter();
    Ok(connections
        .filter(|connection| now < connection.expires_at())
        .map(|connection| Subscription {
            user: user.clone(),
            connection,
        })
        .collect())
}

/// Returns the subscribed connections of the participants other than `user`: none if `user` is not
/// a participant themselves.
pub fn recipients_of_others(roster: Roster, user: &UserId, now: Timestamp) -> Vec<Subscription> {
    if !roster.participants.contains(user) && !mutant!(OutsiderSignals) {
        return Vec::new();
    }
    let mut recipients = recipients(roster, user, None, now);
    recipients.retain(|subscription| subscription.user != *user);
    recipients
}

/// Deletes all rows of a connection.
///
/// # Errors
/// An [`InternalError`] if a row cannot be deleted. Rows that remain have no effect, and expire.
pub async fn forget<P: Subscriptions + Connections + Sync>(
    ports: &P,
    user: &UserId,
    connection: &ConnectionId,
) -> Result<(), InternalError> {
    let conversations = ports.subscriptions_of(connection).await?;
    ports
        .remove_connection(user, connection, &conversations)
        .await
}

/// Returns the subscriptions to push to: the user is a participant, and the connection has not
/// expired.
fn recipients(
    roster: Roster,
    sender: &UserId,
    origin: Option<&ConnectionId>,
    now: Timestamp,
) -> Vec<Subscription> {
    let participants: BTreeSet<UserId> = roster.participants.into_iter().collect();
    let mut recipients: Vec<Subscription> = roster
        .subscriptions
        .into_iter()
        .filter(|subscription| participants.contains(&subscription.user) || mutant!(SubsOnly))
        .filter(|subscription| now < subscription.connection.expires_at())
        .filter(|subscription| origin != Some(&subscription.connection.id))
        .collect();
    recipients.sort_by_key(|subscription| subscription.user != *sender);
    recipients
}

/// The outcome of a fan-out. A push that is not made is a gap, which the client repairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// The number of pushes to make.
    total: usize,
    /// Pushes that were given up, because the gateway was busy or did not answer.
    given_up: usize,
    /// Pushes that had not ended when the time was up.
    remaining: usize,
}

async fn push_all<P>(
    ports: &P,
    targets: Vec<Subscription>,
    frame: &str,
    deadline: Timestamp,
) -> Outcome
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let total = targets.len();
    let mut outcome = Outcome {
        total,
        given_up: 0,
        remaining: total,
    };
    if targets.is_empty() {
        return outcome;
    }
    let pushes = stream::iter(targets.into_iter().map(|target| push(ports, target, frame)))
        .buffer_unordered(WIDTH)
        .for_each(|ended| {
            outcome.remaining -= 1;
            outcome.given_up += usize::from(ended == Ended::GivenUp);
            ready(())
        });
    let began = ports.now();
    let limit = TIME_LIMIT.min(deadline.since(began));
    let is_late = matches!(
        select(pin!(pushes), pin!(ports.sleep(limit))).await,
        Either::Right(_)
    );
    let Outcome {
        given_up,
        remaining,
        ..
    } = outcome;
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

/// How the attempts at one push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// The gateway has the frame, or will never take it.
    Done,
    /// The gateway was busy at every attempt, or did not answer.
    GivenUp,
}

async fn push<P>(ports: &P, target: Subscription, frame: &str) -> Ended
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let attempts = pin!(attempt(ports, target, frame));
    match select(attempts, pin!(ports.sleep(PUSH_LIMIT))).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => Ended::GivenUp,
    }
}

async fn attempt<P>(ports: &P, target: Subscription, frame: &str) -> Ended
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let Subscription { user, connection } = target;
    let attempts = if mutant!(PushedOnce) { 1 } else { ATTEMPTS };
    let mut longest_wait = FIRST_WAIT_MS;
    for number in 1..=attempts {
        match ports.push(&connection.id, frame).await {
            Ok(()) => return Ended::Done,
            Err(PushError::Gone) => {
                ports.report(Fact::Gone);
                clean_up(ports, &user, &connection).await;
                return Ended::Done;
            }
            Err(PushError::Busy) if number == attempts => break,
            Err(PushError::Busy) => {
                ports.report(Fact::Retry);
                ports
                    .sleep(Duration::from_millis(ports.below(longest_wait + 1)))
                    .await;
                longest_wait = longest_wait.saturating_mul(2);
            }
            Err(PushError::Internal(error)) => {
                tracing::warn!(error = &error as &(dyn Error + 'static), "push failed");
                return Ended::Done;
            }
        }
    }
    Ended::GivenUp
}

async fn clean_up<P: Subscriptions + Connections + Clock + Sync>(
    ports: &P,
    user: &UserId,
    connection: &Connection,
) {
    let young = ports.now().since(connection.connected_at) < HANDSHAKE;
    if young || mutant!(StaleRowsStay) {
        return;
    }
    if let Err(error) = forget(ports, user, &connection.id).await {
        tracing::warn!(
            error = &error as &(dyn Error + 'static),
            "rows of a gone connection not deleted"
        );
    }
}

#[cfg(test)]
mod tests;

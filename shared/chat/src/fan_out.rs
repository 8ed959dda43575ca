//! Telling connections what happened: one way for every route.
//!
//! Pushing is best effort within its time. What it misses is a gap that the client sees and repairs, so one failure
//! never stops the rest, and nothing is promised here that the log does not keep.

use std::{collections::BTreeSet, error::Error, future::ready, pin::pin, time::Duration};

use futures_util::{
    StreamExt,
    future::{Either, join_all, select},
    stream,
};

use crate::{
    domain::{Connection, ConnectionId, ConversationId, Event, Subscription, Timestamp, UserId},
    failure::Fault,
    ports::{Clock, Connections, Outbound, PushError, Random, Roster, Subscriptions},
    wire::{Entry, Notice, encode},
};

/// How long a fan-out may take.
const TIME_LIMIT: Duration = Duration::from_secs(3);
/// Pushes that are under way at once.
const WIDTH: usize = 32;
/// A connection this young may still be in its handshake, during which the gateway calls it gone.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// The wait before a push is tried again is random, up to this, doubled each time.
const FIRST_WAIT_MS: u64 = 50;

/// Pushes an entry to everyone who wants it but the connection it came by, its sender's other connections first.
///
/// # Errors
/// A [`Fault`] if the recipients cannot be read.
pub async fn publish<P>(
    ports: &P,
    conversation: &ConversationId,
    event: &Event,
    origin: Option<&ConnectionId>,
    deadline: Timestamp,
) -> Result<(), Fault>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let roster = ports.roster(conversation).await?;
    let recipients = recipients(roster, &event.draft.sender, origin, ports.now());
    push_all(
        ports,
        recipients,
        &encode(&Entry::new(conversation, event)),
        deadline,
    )
    .await;
    Ok(())
}

/// Pushes a notice to all connections of some users.
///
/// # Errors
/// A [`Fault`] if the connections of a user cannot be read; the others have been told.
pub async fn notify<P>(
    ports: &P,
    users: &[UserId],
    notice: &Notice<'_>,
    deadline: Timestamp,
) -> Result<(), Fault>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let now = ports.now();
    let found = join_all(users.iter().map(|user| ports.connections_of(user))).await;
    let mut targets = Vec::new();
    let mut fault = None;
    for (user, connections) in users.iter().zip(found) {
        match connections {
            Ok(connections) => targets.extend(
                connections
                    .into_iter()
                    .filter(|connection| now < connection.expires_at())
                    .map(|connection| Subscription {
                        user: user.clone(),
                        connection,
                    }),
            ),
            Err(error) => fault = Some(error),
        }
    }
    push_all(ports, targets, &encode(notice), deadline).await;
    fault.map_or(Ok(()), Err)
}

/// Deletes every row of a connection.
///
/// # Errors
/// A [`Fault`]; what is left is inert and expires.
pub async fn forget<P: Subscriptions + Connections + Sync>(
    ports: &P,
    user: &UserId,
    connection: &ConnectionId,
) -> Result<(), Fault> {
    let conversations = ports.subscriptions_of(connection).await?;
    let deletions = conversations
        .iter()
        .map(|conversation| ports.unsubscribe(conversation, connection));
    for deleted in join_all(deletions).await {
        deleted?;
    }
    ports.disconnected(user, connection).await
}

/// A row whose user is no participant is inert, and so is one whose connection has outlived the gateway's limit.
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
        .filter(|subscription| participants.contains(&subscription.user))
        .filter(|subscription| now < subscription.connection.expires_at())
        .filter(|subscription| origin != Some(&subscription.connection.id))
        .collect();
    recipients.sort_by_key(|subscription| subscription.user != *sender);
    recipients
}

async fn push_all<P>(ports: &P, targets: Vec<Subscription>, frame: &str, deadline: Timestamp)
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    if targets.is_empty() {
        return;
    }
    let pushes = stream::iter(targets.into_iter().map(|target| push(ports, target, frame)))
        .buffer_unordered(WIDTH)
        .for_each(ready);
    let limit = TIME_LIMIT.min(deadline.since(ports.now()));
    if let Either::Right(_) = select(pin!(pushes), pin!(ports.sleep(limit))).await {
        tracing::warn!("a fan-out ended before everyone was told; clients will see a gap");
    }
}

async fn push<P>(ports: &P, target: Subscription, frame: &str)
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let Subscription { user, connection } = target;
    let mut longest_wait = FIRST_WAIT_MS;
    loop {
        match ports.push(&connection.id, frame).await {
            Ok(()) => return,
            Err(PushError::Gone) => return clean_up(ports, &user, &connection).await,
            Err(PushError::Busy) => {
                ports
                    .sleep(Duration::from_millis(ports.below(longest_wait + 1)))
                    .await;
                longest_wait = longest_wait.saturating_mul(2);
            }
            Err(PushError::Fault(fault)) => {
                tracing::warn!(fault = &fault as &(dyn Error + 'static), "a push failed");
                return;
            }
        }
    }
}

async fn clean_up<P: Subscriptions + Connections + Clock + Sync>(
    ports: &P,
    user: &UserId,
    connection: &Connection,
) {
    if ports.now().since(connection.connected_at) < HANDSHAKE {
        return;
    }
    if let Err(fault) = forget(ports, user, &connection.id).await {
        tracing::warn!(
            fault = &fault as &(dyn Error + 'static),
            "a gone connection keeps its rows"
        );
    }
}

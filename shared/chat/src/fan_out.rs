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
    domain::{Connection, ConnectionId, ConversationId, Entry, Subscription, Timestamp, UserId},
    error::InternalError,
    mutant::mutant,
    ports::{Clock, Connections, Outbound, PushError, Random, Roster, Subscriptions},
    wire::{Notice, WireEntry, encode},
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
/// The roster must have been read after the entry was stored: whoever subscribes later finds the entry in the log.
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

/// Pushes a notice to all connections of some users.
///
/// # Errors
/// A [`InternalError`] if the connections of a user cannot be read; the others have been told.
pub async fn notify<P>(
    ports: &P,
    users: &[UserId],
    notice: &Notice<'_>,
    deadline: Timestamp,
) -> Result<(), InternalError>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let now = ports.now();
    let found = join_all(users.iter().map(|user| ports.connections_of(user))).await;
    let mut targets = Vec::new();
    let mut failed = None;
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
            Err(error) => failed = Some(error),
        }
    }
    push_all(ports, targets, &encode(notice), deadline).await;
    failed.map_or(Ok(()), Err)
}

/// Deletes every row of a connection.
///
/// # Errors
/// A [`InternalError`]; what is left is inert and expires.
pub async fn forget<P: Subscriptions + Connections + Sync>(
    ports: &P,
    user: &UserId,
    connection: &ConnectionId,
) -> Result<(), InternalError> {
    let conversations = ports.subscriptions_of(connection).await?;
    let deletions = conversations
        .iter()
        .map(|conversation| ports.unsubscribe(conversation, connection));
    for deleted in join_all(deletions).await {
        deleted?;
    }
    ports.remove_connection(user, connection).await
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
        .filter(|subscription| participants.contains(&subscription.user) || mutant!(SubsOnly))
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
            Err(PushError::Busy) if mutant!(PushedOnce) => return,
            Err(PushError::Busy) => {
                ports
                    .sleep(Duration::from_millis(ports.below(longest_wait + 1)))
                    .await;
                longest_wait = longest_wait.saturating_mul(2);
            }
            Err(PushError::Internal(error)) => {
                tracing::warn!(error = &error as &(dyn Error + 'static), "a push failed");
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
    let young = ports.now().since(connection.connected_at) < HANDSHAKE;
    if young || mutant!(StaleRowsStay) {
        return;
    }
    if let Err(error) = forget(ports, user, &connection.id).await {
        tracing::warn!(
            error = &error as &(dyn Error + 'static),
            "a gone connection keeps its rows"
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fakes::{FakeChat, PushOutcome};

    /// Ada sends; Grace listens by three connections.
    fn three_listeners() -> FakeChat {
        let chat = FakeChat::new();
        chat.conversation("c", &["ada", "grace"]);
        for connection in ["grace-1", "grace-2", "grace-3"] {
            chat.connect(connection);
            chat.frame(
                connection,
                json!({"action": "subscribe", "conversation": "c"}),
            );
        }
        chat
    }

    fn send(chat: &FakeChat) {
        let frame =
            json!({"action": "sendMessage", "conversation": "c", "id": "m", "body": "Hello"});
        assert_eq!(chat.frame("ada-1", frame)["event"], "sent");
    }

    fn named(connection: &str) -> ConnectionId {
        ConnectionId::new(connection).unwrap()
    }

    #[test]
    fn a_gone_connection_loses_its_rows_and_no_other_does() {
        let chat = three_listeners();
        chat.fail_pushes(&named("grace-2"), [PushOutcome::Gone]);
        send(&chat);
        assert_eq!(chat.pushed_to(), ["grace-1", "grace-3"]);
        assert_eq!(chat.connection_rows(), 4);
    }

    #[test]
    fn a_connection_in_its_handshake_keeps_its_rows() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        let (identity, mut connection) = chat.connection("grace-1");
        connection.connected_at = chat.now();
        let subscription = Subscription {
            user: identity.user,
            connection,
        };
        chat.run(chat.subscribe(&c, &subscription)).unwrap();
        chat.fail_pushes(&named("grace-1"), [PushOutcome::Gone]);
        send(&chat);
        assert_eq!(chat.connection_rows(), 1);
    }

    #[test]
    fn a_busy_gateway_is_asked_again() {
        let chat = three_listeners();
        chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 3]);
        send(&chat);
        assert_eq!(chat.pushed_to(), ["grace-1", "grace-3", "grace-2"]);
    }

    #[test]
    fn one_failure_stops_neither_the_rest_nor_the_answer() {
        let chat = three_listeners();
        chat.fail_pushes(&named("grace-1"), [PushOutcome::Failed]);
        chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 1_000]);
        let began = chat.now();
        send(&chat);
        assert_eq!(chat.pushed_to(), ["grace-3"]);
        assert_eq!(chat.now().since(began), TIME_LIMIT);
        assert_eq!(chat.connection_rows(), 6);
    }

    #[test]
    fn stale_rows_are_inert() {
        let chat = three_listeners();
        chat.remove(&ConversationId::new("c").unwrap(), "grace");
        send(&chat);
        assert_eq!(chat.pushed_to(), [""; 0]);

        let chat = three_listeners();
        chat.runtime.advance(crate::domain::CONNECTION_LIFETIME);
        send(&chat);
        assert_eq!(chat.pushed_to(), [""; 0]);
    }
}

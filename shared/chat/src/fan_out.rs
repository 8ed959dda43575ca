//! Fan-out: pushes log entries and notices to connections. All routes push through this module.
//!
//! Pushes are best effort within a time limit. A client notices an entry that it did not receive as
//! a gap and reads it from the log, so a failed push never stops the others.

mod attempts;
mod targets;

use std::{error::Error, future::Future, slice, time::Duration};

use futures_util::future::join_all;
use serde::Serialize;

use self::{
    attempts::{Load, push_all},
    targets::{Audience, Targets, recipients},
};
use crate::{
    domain::{Connection, ConnectionId, ConversationId, Entry, Subscription, Timestamp, UserId},
    error::{InternalError, RequestError},
    log::Appended,
    mutant::mutant,
    ports::{Clock, Connections, Fact, Outbound, Random, Roster, RosterPage, Subscriptions},
    wire::{Notice, WireEntry, encode},
};

/// The gateway reports a connection as gone during its handshake, which may last this long.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Awaits `storing`, then pushes the stored entry as [`publish`] does, and returns it.
///
/// - The roster is read after the entry is stored: a connection that subscribes later finds the
///   entry in the log. A large one is read in pages, and pushed to meanwhile.
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
        Some(ports.roster_page(conversation, None).await?)
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
    let page = match early {
        Some(page) => page,
        None => ports.roster_page(conversation, None).await?,
    };
    let entries = slice::from_ref(&stored.entry);
    publish(ports, page, conversation, entries, origin, deadline).await?;
    Ok(stored)
}

/// Pushes entries of one sender, in order, to all subscribed connections of participants except
/// `origin`, which sent them. Other connections of the sender come first in each page of the roster.
///
/// The first page of the roster must have been read after the entries were stored. The others are
/// read while the first is pushed to.
///
/// # Errors
/// An [`InternalError`] if a further page cannot be read. The connections of the pages before it
/// have received the entries.
pub async fn publish<P>(
    ports: &P,
    page: RosterPage,
    conversation: &ConversationId,
    entries: &[Entry],
    origin: Option<&ConnectionId>,
    deadline: Timestamp,
) -> Result<(), InternalError>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let Some(first) = entries.first() else {
        return Ok(());
    };
    let audience = Audience {
        conversation,
        sender: &first.draft.sender,
        origin,
    };
    let mut targets = Targets::of(page, audience, ports.now());
    let frames: Vec<String> = entries
        .iter()
        .map(|entry| encode(&WireEntry::new(conversation, entry)))
        .collect();
    let load = Load {
        conversation: Some(conversation),
        frames: &frames,
    };
    push_all(ports, &mut targets, load, deadline).await;
    targets.failed.map_or(Ok(()), Err)
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
    let mut targets = Targets::known(targets);
    push_all(
        ports,
        &mut targets,
        Load::frame(&[encode(notice)]),
        deadline,
    )
    .await;
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
    let mut targets = Targets::known(targets);
    push_all(ports, &mut targets, Load::frame(&[encode(frame)]), deadline).await;
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
    let connections = ports.connections_of(user).await?.into_iter();
    // After the read, which may take long: a token that ended meanwhile gets nothing.
    let now = ports.now();
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

/// Deletes all rows of a connection. `known` is a conversation in which it is known to have one: a
/// `subscribe` that was killed may have left a row without a place.
///
/// # Errors
/// An [`InternalError`] if a row cannot be deleted. Rows that remain have no effect, and expire.
pub async fn forget<P: Subscriptions + Connections + Sync>(
    ports: &P,
    user: &UserId,
    connection: &ConnectionId,
    known: Option<&ConversationId>,
) -> Result<(), InternalError> {
    let mut conversations = ports.places_of(connection).await?;
    if let Some(known) = known
        && !conversations.contains(known)
    {
        conversations.push(known.clone());
    }
    ports
        .remove_connection(user, connection, &conversations)
        .await
}

async fn clean_up<P: Subscriptions + Connections + Clock + Sync>(
    ports: &P,
    user: &UserId,
    connection: &Connection,
    conversation: Option<&ConversationId>,
) {
    let young = ports.now().since(connection.connected_at) < HANDSHAKE;
    if young || mutant!(StaleRowsStay) {
        return;
    }
    if let Err(error) = forget(ports, user, &connection.id, conversation).await {
        tracing::warn!(
            error = &error as &(dyn Error + 'static),
            "rows of a gone connection not deleted"
        );
    }
}

#[cfg(test)]
mod tests;

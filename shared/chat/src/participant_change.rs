//! A change of participants: what the routes that add and remove them share.

use std::{future::ready, slice};

use futures_util::{StreamExt, future::join, stream};
use serde::Serialize;

use crate::{
    domain::{
        Content, ConversationId, Draft, Entry, Identity, MessageId, Subscription, Timestamp, UserId,
    },
    error::InternalError,
    fan_out::{notify, publish},
    ports::{Clock, Connections, Outbound, Random, Roster, Subscriptions},
    routes::subscribe,
    wire::Notice,
};

/// The subscriptions that are deleted at the same time.
const WIDTH: usize = 32;

/// The reply: the position of the change in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The entry's position; `None` if the change had no effect.
    pub seq: Option<u64>,
}

impl Changed {
    /// Creates the reply for a change that is stored as `entry`.
    pub(crate) fn to(entry: &Entry) -> Self {
        Self {
            seq: Some(entry.seq.number()),
        }
    }

    /// Creates the reply for a change without effect.
    pub(crate) const fn nothing() -> Self {
        Self { seq: None }
    }
}

/// Creates the entry of a change with a fresh id.
///
/// The id lets the store recognize a repeated put. Repeated requests get different ids.
///
/// # Errors
/// An [`InternalError`] if the fresh id is not a message id.
pub(crate) fn draft(
    random: &impl Random,
    caller: &Identity,
    content: Content,
    now: Timestamp,
) -> Result<Draft, InternalError> {
    let id = MessageId::new(random.fresh_id())
        .map_err(|error| InternalError::new("naming a change", error))?;
    Ok(Draft::new(caller.user.clone(), id, now, content))
}

/// Pushes the entry of a change to the conversation, and `notice` to the added or removed user.
///
/// # Errors
/// An [`InternalError`] if the user's connections cannot be read.
pub(crate) async fn publish_change<P>(
    ports: &P,
    roster: Roster,
    (conversation, entry): (&ConversationId, &Entry),
    (user, notice): (&UserId, &Notice<'_>),
    deadline: Timestamp,
) -> Result<(), InternalError>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let entry = publish(
        ports,
        roster.into(),
        conversation,
        slice::from_ref(entry),
        None,
        deadline,
    );
    let notice = notify(ports, slice::from_ref(user), notice, deadline);
    let (published, notified) = join(entry, notice).await;
    published.and(notified)
}

/// Deletes the subscriptions of users who are not participants any more. They have no effect.
///
/// # Errors
/// An [`InternalError`] if a row cannot be written. The others are deleted nevertheless.
pub(crate) async fn delete_subscriptions<P: Subscriptions>(
    ports: &P,
    conversation: &ConversationId,
    users: &[UserId],
    roster: &Roster,
) -> Result<(), InternalError> {
    let deletions: Vec<_> = roster
        .subscriptions
        .iter()
        .filter(|subscription| users.contains(&subscription.user))
        .map(|Subscription { user, connection }| {
            subscribe::end(ports, conversation, user, &connection.id)
        })
        .collect();
    stream::iter(deletions)
        .buffer_unordered(WIDTH)
        .fold(Ok(()), |all, deleted| ready(all.and(deleted)))
        .await
}

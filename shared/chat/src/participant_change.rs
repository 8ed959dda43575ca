//! A change of participants: what `addParticipant` and `removeParticipant` share.

use std::slice;

use futures_util::future::join;
use serde::Serialize;

use crate::{
    domain::{Content, ConversationId, Draft, Entry, Identity, MessageId, Timestamp, UserId},
    error::InternalError,
    fan_out::{notify, publish},
    ports::{Clock, Connections, Outbound, Random, Roster, Subscriptions},
    wire::Notice,
};

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
    let entry = publish(ports, roster, conversation, entry, None, deadline);
    let notice = notify(ports, slice::from_ref(user), notice, deadline);
    join(entry, notice).await.1
}

//! Access to conversations: only participants may read or write one, or learn that it exists.
//!
//! Participation is checked after the read, not before it
//! ([decision 1](../../../docs/decisions/0001-participation-is-checked-after-the-read.md)): a user
//! who is removed during the read must not receive what the read found.

use std::future::{Future, ready};

use crate::{
    domain::{ConversationId, Participant, UserId},
    error::{Rejection, RequestError},
    mutant::mutant,
    ports::Participants,
};

/// Returns `user` as a participant of `conversation`.
///
/// # Errors
/// `not_found` if the user is not a participant, whether or not the conversation exists.
pub async fn require_participant(
    ports: &impl Participants,
    conversation: &ConversationId,
    user: &UserId,
) -> Result<Participant, RequestError> {
    Ok(ports
        .participant(conversation, user)
        .await?
        .ok_or(Rejection::NotFound)?)
}

/// Awaits `read`, then checks that `user` is a participant, and returns the result of `read`.
///
/// # Errors
/// `not_found` if the user is not a participant, whatever the read found. An error of the read is
/// returned within `Ok`, so that only participants see it.
pub async fn read_as_participant<T>(
    ports: &impl Participants,
    conversation: &ConversationId,
    user: &UserId,
    read: impl Future<Output = T>,
) -> Result<T, RequestError> {
    if mutant!(CheckBeforeRead) {
        require_participant(ports, conversation, user).await?;
        return Ok(read.await);
    }
    let read = read.await;
    require_participant(ports, conversation, user).await?;
    Ok(read)
}

/// Awaits `subscribe`, then reads as [`read_as_participant`] does.
///
/// The subscription is written first, so an entry that is stored meanwhile is either read or
/// pushed.
///
/// # Errors
/// Those of `subscribe` and of [`read_as_participant`].
pub async fn subscribe_then_read<T>(
    ports: &impl Participants,
    conversation: &ConversationId,
    user: &UserId,
    subscribe: impl Future<Output = Result<(), RequestError>>,
    read: impl Future<Output = T>,
) -> Result<T, RequestError> {
    if mutant!(ReadBeforeRow) {
        let read = read.await;
        subscribe.await?;
        return read_as_participant(ports, conversation, user, ready(read)).await;
    }
    subscribe.await?;
    read_as_participant(ports, conversation, user, read).await
}

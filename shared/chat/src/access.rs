//! Access to conversations: only participants may read or write one, or learn that it exists.
//!
//! Participation is checked before a read and after it
//! ([decision 1](../../../docs/decisions/0001-participation-is-checked-after-the-read.md)). The
//! check before it keeps users who are not participants from making the service read, and from
//! learning by the time of the answer whether the conversation exists. The check after it decides:
//! a user who is removed during the read must not receive what the read found.

use std::future::{Future, ready};

use futures_util::future::join;

use crate::{
    domain::{ConversationId, Participant, UserId},
    error::{Rejection, RequestError},
    mutant::mutant,
    ports::Participants,
    reads::{Reads, require_participant_with_reads},
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

/// Checks that `user` is a participant, awaits `read`, checks again, and returns the result of
/// `read`.
///
/// # Errors
/// `not_found` if the user is not a participant. `read` is not started if they were not one before.
/// An error of the read is returned within `Ok`, so that only participants see it.
pub async fn read_as_participant<T>(
    ports: &impl Participants,
    conversation: &ConversationId,
    user: &UserId,
    read: impl Future<Output = T>,
) -> Result<T, RequestError> {
    let read = read_with_participant(ports, conversation, user, read).await?;
    Ok(read.0)
}

/// Reads as [`read_as_participant`] does, and also returns `user` as a participant.
///
/// # Errors
/// Those of [`read_as_participant`].
pub async fn read_with_participant<T>(
    ports: &impl Participants,
    conversation: &ConversationId,
    user: &UserId,
    read: impl Future<Output = T>,
) -> Result<(T, Participant), RequestError> {
    let before = require_participant(ports, conversation, user).await?;
    read_then_check(ports, conversation, before, read).await
}

/// Awaits `read`, then checks that the user who was a participant `before` is still one.
async fn read_then_check<T>(
    ports: &impl Participants,
    conversation: &ConversationId,
    before: Participant,
    read: impl Future<Output = T>,
) -> Result<(T, Participant), RequestError> {
    let read = read.await;
    if mutant!(CheckBeforeRead) {
        return Ok((read, before));
    }
    let after = require_participant(ports, conversation, &before.user).await?;
    Ok((read, after))
}

/// Awaits `subscribe`, then reads as [`read_as_participant`] does.
///
/// The subscription is written first, so an entry that is stored meanwhile is either read or
/// pushed. The first check runs at the same time, so it adds no round. If `receipts` is set, the
/// second check also returns how far the participants have read.
///
/// # Errors
/// Those of `subscribe` and of [`read_as_participant`].
pub async fn subscribe_then_read<T>(
    ports: &impl Participants,
    conversation: &ConversationId,
    user: &UserId,
    subscribe: impl Future<Output = Result<(), RequestError>>,
    read: impl Future<Output = T>,
    receipts: bool,
) -> Result<(T, Option<Reads>), RequestError> {
    if mutant!(ReadBeforeRow) {
        let read = read.await;
        subscribe.await?;
        let read = read_as_participant(ports, conversation, user, ready(read)).await?;
        return Ok((read, None));
    }
    let first_check = require_participant(ports, conversation, user);
    let (participant, subscribed) = join(first_check, subscribe).await;
    let participant = participant?;
    subscribed?;
    read_subscribed(ports, conversation, participant, read, receipts).await
}

/// Awaits `read`, then checks that the user who was a participant before is still one. If
/// `receipts` is set, the check also returns how far the participants have read.
///
/// # Errors
/// `not_found` if the user is not a participant any more.
pub async fn read_subscribed<T>(
    ports: &impl Participants,
    conversation: &ConversationId,
    participant: Participant,
    read: impl Future<Output = T>,
    receipts: bool,
) -> Result<(T, Option<Reads>), RequestError> {
    if receipts {
        let read = read.await;
        let user = &participant.user;
        let reads = require_participant_with_reads(ports, conversation, user).await?;
        return Ok((read, Some(reads)));
    }
    let read = read_then_check(ports, conversation, participant, read).await?;
    Ok((read.0, None))
}

#[cfg(test)]
mod tests;

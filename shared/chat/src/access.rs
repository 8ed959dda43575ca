//! Who may see and change a conversation: its participants, and nobody else may know that it exists.

use crate::{
    domain::{ConversationId, Participant, UserId},
    error::{Rejection, RequestError},
    ports::Participants,
};

/// The user as a participant. What was read of a conversation is given away only to somebody who is a participant
/// *after* the read, so routes that read ask this last.
///
/// # Errors
/// `not_found`, whether or not the conversation exists.
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

//! How far the participants of a conversation have read, as one of them may see it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    access::require_participant,
    domain::{ConversationId, Participant, Seq, UserId},
    error::RequestError,
    ports::Participants,
    wire::encode,
};

/// In conversations with more participants, nobody sees how far others have read.
pub const MOST_WATCHED: usize = 20;

/// Positions by user. Users who have read nothing, or show nothing, are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Reads(BTreeMap<String, u64>);

impl Reads {
    /// Takes the position of `user` from their own row.
    #[must_use]
    pub fn own(participant: &Participant) -> Self {
        Self::of(std::slice::from_ref(participant), &participant.user)
    }

    /// Takes the positions that `user` may see: their own, and what the others show.
    #[must_use]
    pub fn of(participants: &[Participant], user: &UserId) -> Self {
        let is_small = participants.len() <= MOST_WATCHED;
        let visible = participants.iter().map(|participant| {
            let position = if participant.user == *user {
                participant.read.read_to
            } else if is_small {
                participant.read.shown_to
            } else {
                Seq::START
            };
            (participant.user.to_string(), position.number())
        });
        Self(visible.filter(|(_, position)| *position > 0).collect())
    }

    /// The length in a reply.
    #[must_use]
    pub fn bytes(&self) -> usize {
        encode(self).len()
    }

    /// Takes its length from the bytes that are `left` of a reply. Drops the positions of others
    /// than `user` if these are too few.
    pub fn share(&mut self, left: &mut usize, user: &UserId) {
        if let Some(rest) = left.checked_sub(self.bytes()) {
            *left = rest;
        } else {
            self.0.retain(|other, _| other == user.as_str());
        }
    }
}

/// Checks that `user` is a participant, and returns what they may see of the others. In a small
/// conversation one read does both.
///
/// # Errors
/// `not_found` if the user is not a participant.
pub async fn require_participant_with_reads<P: Participants>(
    ports: &P,
    conversation: &ConversationId,
    user: &UserId,
) -> Result<Reads, RequestError> {
    let few = ports.few_participants(conversation, MOST_WATCHED).await?;
    if let Some(participants) = few
        && participants
            .iter()
            .any(|participant| participant.user == *user)
    {
        return Ok(Reads::of(&participants, user));
    }
    let participant = require_participant(ports, conversation, user).await?;
    Ok(Reads::own(&participant))
}

//! Conversations and their participants.

use std::future::Future;

use crate::{
    domain::{Conversation, ConversationId, Participant, UserId},
    error::InternalError,
};

/// Conversations and their participants.
pub trait Participants {
    /// Stores a conversation with all its participants, or nothing. Returns whether it was stored.
    ///
    /// - Creating MUST NOT change an existing conversation.
    fn create(
        &self,
        conversation: &Conversation,
        participants: &[Participant],
    ) -> impl Future<Output = Result<bool, InternalError>> + Send;

    /// Reads a conversation.
    fn conversation(
        &self,
        conversation: &ConversationId,
    ) -> impl Future<Output = Result<Option<Conversation>, InternalError>> + Send;

    /// Reads one participant.
    fn participant(
        &self,
        conversation: &ConversationId,
        user: &UserId,
    ) -> impl Future<Output = Result<Option<Participant>, InternalError>> + Send;

    /// Reads at most `limit` participants after the user `after`, ordered by user id. `after` need
    /// not be a participant.
    fn participants(
        &self,
        conversation: &ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> impl Future<Output = Result<ParticipantPage, InternalError>> + Send;

    /// Reads all participants, ordered by user id, of a conversation that has at most `most`.
    /// Returns `None` if it has more.
    fn few_participants(
        &self,
        conversation: &ConversationId,
        most: usize,
    ) -> impl Future<Output = Result<Option<Vec<Participant>>, InternalError>> + Send;

    /// Reads at most `limit` conversations of a user after `after`, ordered by id. **Eventually
    /// consistent**: the list may lag behind changes by a second.
    fn conversations_of(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> impl Future<Output = Result<ConversationPage, InternalError>> + Send;

    /// Reads those of `conversations` in which the user is a participant, each with the user's
    /// participant row, in any order. Accepts at most 50 conversations.
    fn memberships_of(
        &self,
        user: &UserId,
        conversations: &[ConversationId],
    ) -> impl Future<Output = Result<Vec<(Conversation, Participant)>, InternalError>> + Send;

    /// Reads the user's participant row in each of `conversations` that has one, in any order.
    /// Accepts at most 50 conversations.
    fn participations_of(
        &self,
        user: &UserId,
        conversations: &[ConversationId],
    ) -> impl Future<Output = Result<Vec<(ConversationId, Participant)>, InternalError>> + Send;
}

/// A page of a conversation's participants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParticipantPage {
    /// The participants, ordered by user id.
    pub participants: Vec<Participant>,
    /// Whether there are more.
    pub more: bool,
}

/// A page of a user's conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationPage {
    /// The conversations, ordered by id.
    pub conversations: Vec<ConversationId>,
    /// Whether there are more.
    pub more: bool,
}

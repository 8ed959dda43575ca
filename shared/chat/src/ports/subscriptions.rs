//! Subscriptions of connections to conversations.

use std::future::Future;

use crate::{
    domain::{Connection, ConnectionId, ConversationId, Subscription, UserId},
    error::InternalError,
};

/// Subscriptions of connections to conversations.
pub trait Subscriptions {
    /// Stores a subscription. Storing it again only changes its expiry.
    ///
    /// - A subscription MUST be read with its expiry, the one that was stored last.
    fn subscribe(
        &self,
        conversation: &ConversationId,
        subscription: &Subscription,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Deletes a subscription, if it exists.
    fn unsubscribe(
        &self,
        conversation: &ConversationId,
        connection: &ConnectionId,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Claims a place for a conversation among the `most` places of a connection. Returns whether
    /// the connection has one for it. Claiming again has no effect.
    ///
    /// - Concurrent claims MUST NOT exceed the places of a connection.
    fn claim(
        &self,
        connection: &Connection,
        conversation: &ConversationId,
        most: usize,
    ) -> impl Future<Output = Result<bool, InternalError>> + Send;

    /// Releases the place of a conversation, if the connection has one for it.
    fn release(
        &self,
        conversation: &ConversationId,
        connection: &ConnectionId,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Reads all participants and all subscriptions of a conversation.
    ///
    /// - Participants MUST be read before subscriptions.
    fn roster(
        &self,
        conversation: &ConversationId,
    ) -> impl Future<Output = Result<Roster, InternalError>> + Send;

    /// Reads the roster of a conversation that has at most `most` participants and subscriptions
    /// together. Returns `None` if it has more. The read is bounded, so a user who is not a
    /// participant may cause it.
    ///
    /// - Participants MUST be read before subscriptions.
    fn small_roster(
        &self,
        conversation: &ConversationId,
        most: usize,
    ) -> impl Future<Output = Result<Option<Roster>, InternalError>> + Send;

    /// Reads the conversations that a connection is subscribed to. **Eventually consistent.**
    fn subscriptions_of(
        &self,
        connection: &ConnectionId,
    ) -> impl Future<Output = Result<Vec<ConversationId>, InternalError>> + Send;
}

/// The participants and subscriptions of a conversation. Subscribers need not be participants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The users with a participant's row.
    pub participants: Vec<UserId>,
    /// All subscriptions, including expired ones.
    pub subscriptions: Vec<Subscription>,
}

//! Subscriptions of connections to conversations.

use std::future::Future;

use crate::{
    domain::{Connection, ConnectionId, ConversationId, Subscription, UserId},
    error::InternalError,
};

/// The most conversations of one [`Subscriptions::subscribe_to_all`].
pub const MOST_SUBSCRIPTIONS: usize = 25;

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

    /// Stores a subscription to each of at most [`MOST_SUBSCRIPTIONS`] different conversations. If it
    /// fails, some of them may be stored.
    fn subscribe_to_all(
        &self,
        conversations: &[ConversationId],
        subscription: &Subscription,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Deletes the subscription of a user's connection, if it exists.
    fn unsubscribe(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        connection: &ConnectionId,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Claims a place for each of at most [`MOST_SUBSCRIPTIONS`] conversations, or for none of them,
    /// among the `most` places of a connection. Returns whether the connection has one for each.
    /// Claiming again has no effect.
    ///
    /// A claim for several conversations may be refused if some have a place already, although
    /// there are places for the others. Then claims for single conversations tell.
    ///
    /// - Concurrent claims MUST NOT exceed the places of a connection.
    /// - A refused claim MUST change nothing.
    fn claim(
        &self,
        connection: &Connection,
        conversations: &[ConversationId],
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

    /// Reads a page of the roster: participants after the user `after`, ordered by user id, and the
    /// subscriptions of all users up to the last of them. So a large roster is read in parts, each of
    /// which can be used at once. The implementation chooses how large a page is.
    ///
    /// - All pages together MUST be the roster.
    /// - In each page participants MUST be read before subscriptions.
    fn roster_page(
        &self,
        conversation: &ConversationId,
        after: Option<&UserId>,
    ) -> impl Future<Output = Result<RosterPage, InternalError>> + Send;

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

    /// Reads the conversations for which a connection has a place: those that it is subscribed to.
    /// **Eventually consistent.**
    fn places_of(
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

/// A page of a roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterPage {
    /// The participants and subscriptions of the page.
    pub roster: Roster,
    /// The last user of the page, unless it is the last page.
    pub next: Option<UserId>,
}

impl From<Roster> for RosterPage {
    /// Takes a whole roster as its only page.
    fn from(roster: Roster) -> Self {
        Self { roster, next: None }
    }
}

//! What is stored of one user, for an export and for an erasure.

use std::{fmt, future::Future};

use super::Presence;
use crate::{
    domain::{
        Connection, ConnectionId, Conversation, ConversationId, Entry, ReactionKey, Seq, UserId,
    },
    error::InternalError,
};

/// Everything that is stored of a user, wherever it is. Finding it reads the whole store, so no
/// request of a client may do it.
pub trait Traces {
    /// Reads a part of the store, of at most 1 MB, from its start or from `place` on, and returns
    /// what it holds of the user.
    ///
    /// - Reading on to the end MUST find everything that was stored of the user before.
    /// - A trace of another user MUST NOT be found.
    ///
    /// What is stored meanwhile may be missed, and something may be found twice.
    fn traces_of(
        &self,
        user: &UserId,
        place: Option<&Place>,
    ) -> impl Future<Output = Result<TracePage, InternalError>> + Send;

    /// Removes the display name from an entry. The entry is read with the user id in its place.
    ///
    /// - Removing a name MUST change nothing else.
    fn remove_name(
        &self,
        conversation: &ConversationId,
        seq: Seq,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Removes the display name from the row of a reaction, if it exists.
    ///
    /// - Removing the name of a reaction MUST change nothing else.
    fn remove_reaction_name(
        &self,
        conversation: &ConversationId,
        reaction: &ReactionKey,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Deletes a row that belongs to the user alone, if it exists.
    ///
    /// - Deleting a row MUST delete no other, except the places of a connection.
    fn delete_own(
        &self,
        user: &UserId,
        row: &Own,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;
}

/// Something that is stored of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "most traces are entries, which are the largest"
)]
pub enum Trace {
    /// The user created the conversation.
    Created(Conversation),
    /// The user sent the entry, or it adds or removes them.
    Entry(ConversationId, Entry),
    /// The user is a participant of the conversation.
    Participation(ConversationId),
    /// A connection of the user is subscribed to the conversation.
    Subscription(ConversationId, ConnectionId),
    /// A row that belongs to the user alone.
    Own(Own),
}

/// A row that belongs to one user alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// An open connection.
    Connection(Connection),
    /// When the user last looked at the chat, and whether others may see it.
    Presence(Presence),
    /// A row of another version, by its name in the store.
    Unknown(String),
}

/// The traces in a part of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TracePage {
    /// The traces, in the order of the store. Those of one conversation follow one another.
    pub traces: Vec<Trace>,
    /// The place from which to read on; `None` at the end.
    pub next: Option<Place>,
}

/// A place in the store, which only the store understands.
#[derive(Clone, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// Wraps the store's name of a place.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The store's name of the place.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A place may name a user, so the debug output omits it.
impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Place")
    }
}

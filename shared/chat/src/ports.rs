//! What the chat needs of the world, one trait for each capability. Every sentence with MUST is the name of a test of the
//! contract (the module `contract`), which runs on each implementation: in memory, on the embedded engine and on DynamoDB Local.
//!
//! All reads are strongly consistent except those that say otherwise, and no read is a snapshot: what is stored while
//! it runs may be seen in part. Methods fail with a [`InternalError`] only when bounded retries did not help.

use std::{future::Future, time::Duration};

use crate::{
    domain::{
        Connection, ConnectionId, Conversation, ConversationId, Draft, Entry, Participant, Seq,
        Subscription, Timestamp, UserId,
    },
    error::InternalError,
};

/// The logs of all conversations.
pub trait Log {
    /// Entries from `first` on, ascending, at most `limit` of them and at most 1 MB. They MUST be in ascending order and
    /// MUST include every entry of the range that was stored before the call, unless the page says that there are more.
    fn read_from(
        &self,
        conversation: &ConversationId,
        first: Seq,
        limit: usize,
    ) -> impl Future<Output = Result<Page, InternalError>> + Send;

    /// Entries up to and including `last`, **descending**, at most `limit` of them and at most 1 MB.
    fn read_back(
        &self,
        conversation: &ConversationId,
        last: Seq,
        limit: usize,
    ) -> impl Future<Output = Result<Page, InternalError>> + Send;

    /// Stores an entry at `seq`. It MUST NOT replace an entry that is there, and MUST answer with that entry instead,
    /// even if it was stored by this very call, repeated below.
    ///
    /// An entry that tells of a participant MUST be stored together with his row, or not at all: who was added is found
    /// from then on, and who was removed is not. If he was found before, or not found, nothing MUST be stored. Readers
    /// may see one of the two a moment before the other.
    fn put(
        &self,
        conversation: &ConversationId,
        seq: Seq,
        draft: &Draft,
    ) -> impl Future<Output = Result<Put, InternalError>> + Send;
}

/// What a read found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of the read.
    pub entries: Vec<Entry>,
    /// Whether the read stopped at its limit: there may be more.
    pub more: bool,
}

/// What became of a [`Log::put`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// The entry is stored there now.
    Stored,
    /// This entry was there already.
    Taken(Entry),
    /// Whom it tells of takes part already, or does not.
    Unchanged,
}

/// Conversations and the users in them.
pub trait Participants {
    /// Stores a conversation with all its participants, or nothing. It MUST NOT change one that exists.
    /// Answers whether it was stored.
    fn create(
        &self,
        conversation: &Conversation,
        participants: &[Participant],
    ) -> impl Future<Output = Result<bool, InternalError>> + Send;

    /// What is known of a conversation.
    fn conversation(
        &self,
        conversation: &ConversationId,
    ) -> impl Future<Output = Result<Option<Conversation>, InternalError>> + Send;

    /// One participant.
    fn participant(
        &self,
        conversation: &ConversationId,
        user: &UserId,
    ) -> impl Future<Output = Result<Option<Participant>, InternalError>> + Send;

    /// All participants, by user id.
    fn participants(
        &self,
        conversation: &ConversationId,
    ) -> impl Future<Output = Result<Vec<Participant>, InternalError>> + Send;

    /// The conversations of a user in the order of their ids, those after `after`, at most `limit`; **eventually
    /// consistent**: it may lag a second.
    fn conversations_of(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> impl Future<Output = Result<ConversationPage, InternalError>> + Send;

    /// Each of these conversations together with the user's participation, for those of which he is a participant, in
    /// any order. At most 50.
    fn memberships_of(
        &self,
        user: &UserId,
        conversations: &[ConversationId],
    ) -> impl Future<Output = Result<Vec<(Conversation, Participant)>, InternalError>> + Send;
}

/// A page of the conversations of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationPage {
    /// In the order of their ids.
    pub conversations: Vec<ConversationId>,
    /// Whether there are more.
    pub more: bool,
}

/// Which connection wants which conversation.
pub trait Subscriptions {
    /// Stores a subscription; storing it again changes nothing but its expiry.
    fn subscribe(
        &self,
        conversation: &ConversationId,
        subscription: &Subscription,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Deletes a subscription, if there.
    fn unsubscribe(
        &self,
        conversation: &ConversationId,
        connection: &ConnectionId,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// All participants and all subscriptions of a conversation. Participants MUST be read before subscriptions.
    fn roster(
        &self,
        conversation: &ConversationId,
    ) -> impl Future<Output = Result<Roster, InternalError>> + Send;

    /// The conversations that a connection is subscribed to; **eventually consistent**.
    fn subscriptions_of(
        &self,
        connection: &ConnectionId,
    ) -> impl Future<Output = Result<Vec<ConversationId>, InternalError>> + Send;
}

/// Who takes part and who listens, as it was found: not every listener takes part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Users with a participant row.
    pub participants: Vec<UserId>,
    /// Subscriptions, stale ones among them.
    pub subscriptions: Vec<Subscription>,
}

/// The connections of each user.
pub trait Connections {
    /// Stores a connection.
    fn add_connection(
        &self,
        user: &UserId,
        connection: &Connection,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Deletes a connection, if there.
    fn remove_connection(
        &self,
        user: &UserId,
        connection: &ConnectionId,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// All connections of a user, stale ones among them.
    fn connections_of(
        &self,
        user: &UserId,
    ) -> impl Future<Output = Result<Vec<Connection>, InternalError>> + Send;
}

/// Pushes frames to connections.
pub trait Outbound {
    /// Hands a frame to the gateway for a connection. That it was taken does not say that it has arrived.
    fn push(
        &self,
        connection: &ConnectionId,
        frame: &str,
    ) -> impl Future<Output = Result<(), PushError>> + Send;
}

/// Why the gateway did not take a frame.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The connection is closed, or its handshake has not ended.
    #[error("the connection is gone")]
    Gone,
    /// Another attempt may succeed: the gateway is busy, or the client reads too slowly.
    #[error("the gateway is busy")]
    Busy,
    /// Another attempt would fail as well.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

/// Time.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Ends when so much time has passed.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Chance.
pub trait Random {
    /// A number below `bound`, evenly distributed; 0 if `bound` is 0.
    fn below(&self, bound: u64) -> u64;

    /// A name that was never given before: a UUID.
    fn fresh_id(&self) -> String;
}

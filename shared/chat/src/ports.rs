//! The ports: what the chat needs, one trait per capability.
//!
//! Every rule with MUST is the name of a test of the contract (module `contract`), which runs on
//! each implementation: in memory, on the embedded engine and on DynamoDB Local.
//!
//! Reads are strongly consistent unless stated otherwise. They are not snapshots: a read may see a
//! part of what is stored while it runs. Methods fail with an [`InternalError`] only after bounded
//! retries.

mod traces;

use std::{collections::BTreeSet, future::Future, time::Duration};

pub use self::traces::{Own, Place, Trace, TracePage, Traces};
use crate::{
    domain::{
        Connection, ConnectionId, Conversation, ConversationId, Emoji, Entry, Participant,
        Reaction, ReactionKey, Seq, Subscription, Timestamp, UserId,
    },
    error::InternalError,
};

/// The logs of all conversations.
pub trait Log {
    /// Reads entries from `first` on, ascending, at most `limit` entries and 1 MB.
    ///
    /// - Entries MUST be ascending and without omissions.
    /// - A page MUST include every entry of its range that was stored before the call, unless
    ///   [`Page::more`] is set.
    fn read_from(
        &self,
        conversation: &ConversationId,
        first: Seq,
        limit: usize,
    ) -> impl Future<Output = Result<Page, InternalError>> + Send;

    /// Reads entries up to and including `last`, **descending**, at most `limit` entries and 1 MB.
    fn read_back(
        &self,
        conversation: &ConversationId,
        last: Seq,
        limit: usize,
    ) -> impl Future<Output = Result<Page, InternalError>> + Send;

    /// Reads the entries at these positions, at most [`MOST_POSITIONS`], in any order.
    ///
    /// - Every entry that exists at one of the positions MUST be returned once.
    fn read_at(
        &self,
        conversation: &ConversationId,
        positions: &[Seq],
    ) -> impl Future<Output = Result<Vec<Entry>, InternalError>> + Send;

    /// Stores an entry at its position, with its counters.
    ///
    /// - A put MUST NOT replace an existing entry, and MUST return the entry that is there.
    /// - A repeated put MUST return the entry that it stored, even if an earlier attempt of this
    ///   same call stored it.
    /// - A change of participants MUST be stored together with the participant's row.
    /// - If the position is taken, neither entry nor row MUST be stored.
    /// - A change without effect MUST store nothing, and MUST return [`Put::Unchanged`]: the user
    ///   already is a participant (for an addition) or is not one (for a removal).
    /// - An edit or a deletion MUST be stored together with the message that it changes, and the
    ///   text MUST NOT be stored anywhere else.
    /// - An edit or a deletion of a deleted message MUST store nothing, and MUST return
    ///   [`Put::Unchanged`].
    /// - A reaction MUST be stored together with its row.
    /// - A reaction without effect MUST store nothing, and MUST return [`Put::Unchanged`]: there
    ///   already is (to react) or is no (to withdraw) reaction of the user with the emoji.
    /// - An addition beyond the limit of participants MUST store nothing, and MUST return
    ///   [`Put::Full`]. The limit belongs to the configuration of the store.
    ///
    /// A concurrent reader may see the entry before the row or the changed message, or after it.
    fn put(
        &self,
        conversation: &ConversationId,
        entry: &Entry,
    ) -> impl Future<Output = Result<Put, InternalError>> + Send;
}

/// The most positions of one [`Log::read_at`].
pub const MOST_POSITIONS: usize = 100;

/// A page of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries, in the order of the read.
    pub entries: Vec<Entry>,
    /// Whether the read stopped at its limit. There may be more entries.
    pub more: bool,
}

/// The outcome of [`Log::put`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is matched at once, and never stored"
)]
pub enum Put {
    /// The entry is stored.
    Stored,
    /// The position already had this entry.
    Taken(Entry),
    /// The change has no effect: the user already is (or is not) a participant, the message is
    /// deleted, or the user already reacts (or does not react) with the emoji.
    Unchanged,
    /// The conversation has as many participants as the store allows.
    Full,
}

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
}

/// The reactions to messages, as the log of entries left them.
pub trait Reactions {
    /// Reads what decides whether a reaction may change: whether it exists, and with which emoji
    /// users react to the message, at most `most` different ones. The cost does not grow with the
    /// number of reactions.
    ///
    /// - All different emoji MUST be found, however many users react with each.
    fn standing(
        &self,
        conversation: &ConversationId,
        reaction: &ReactionKey,
        most: usize,
    ) -> impl Future<Output = Result<Standing, InternalError>> + Send;

    /// Reads reactions to the messages in a range, **descending** by message, emoji and user, at
    /// most `limit`, which is at most [`MOST_REACTIONS`].
    ///
    /// - Reactions MUST be descending and without omissions.
    fn reactions(
        &self,
        conversation: &ConversationId,
        range: &ReactionRange,
        limit: usize,
    ) -> impl Future<Output = Result<ReactionPage, InternalError>> + Send;
}

/// The most reactions of one [`Reactions::reactions`].
pub const MOST_REACTIONS: usize = 1_000;

/// What decides whether a reaction may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the reaction exists.
    pub exists: bool,
    /// The different emoji of the message.
    pub different: BTreeSet<Emoji>,
}

/// A range of reactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionRange {
    /// The position of the first message.
    pub first: Seq,
    /// The position of the last message.
    pub last: Seq,
    /// The reactions to the last message are only those before this emoji and user.
    pub before: Option<(Emoji, UserId)>,
}

/// A page of reactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReactionPage {
    /// The reactions, in the order of the read.
    pub reactions: Vec<Reaction>,
    /// Whether there are more in the range.
    pub more: bool,
}

/// How far participants have read.
pub trait Receipts {
    /// Moves a participant's position forward to `receipt.position`, and also what others see of
    /// it, unless the receipt is private.
    ///
    /// Returns what moved, or `None` if the user is not a participant.
    ///
    /// - A position MUST only grow.
    /// - A private receipt MUST NOT change what others see.
    /// - A receipt of a user who is not a participant MUST store nothing.
    fn advance(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        receipt: Receipt,
    ) -> impl Future<Output = Result<Option<Advanced>, InternalError>> + Send;
}

/// A participant says how far they have read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The position, which must be one of the log. [`Seq::START`] moves nothing.
    pub position: Seq,
    /// The number of messages up to the position.
    pub messages: u64,
    /// Whether others must not see it.
    pub private: bool,
}

/// The effect of a [`Receipt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// The participant's position afterwards, and the number of messages up to it.
    pub read_to: Seq,
    /// The number of messages up to `read_to`.
    pub messages: u64,
    /// Whether the position moved.
    pub moved: bool,
    /// Whether the position that others see moved.
    pub shown: bool,
}

/// When users last looked at the chat.
pub trait Presences {
    /// Records that the user looks at the chat on a connection. Returns the presence afterwards.
    ///
    /// - Looking MUST NOT change whether the presence is shown.
    fn look(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> impl Future<Output = Result<Presence, InternalError>> + Send;

    /// Records that the user has looked away from the chat on a connection. Returns the presence
    /// afterwards.
    ///
    /// - If the user has looked on another connection since, it MUST change nothing.
    fn look_away(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> impl Future<Output = Result<Presence, InternalError>> + Send;

    /// Shows or hides a user's presence.
    ///
    /// - It MUST NOT change when the user has looked.
    fn show_presence(
        &self,
        user: &UserId,
        shown: bool,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Reads the presences of at most 100 users, in any order. A user who has never looked may be
    /// missing. **Eventually consistent.**
    fn presences(
        &self,
        users: &[UserId],
    ) -> impl Future<Output = Result<Vec<(UserId, Presence)>, InternalError>> + Send;
}

/// When a user last looked at the chat. The default is a user who never has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// When the user said last that they look or look away; `None` if they never have.
    pub seen_at: Option<Timestamp>,
    /// Whether they have not looked away since.
    pub active: bool,
    /// Whether others may see it.
    pub shown: bool,
}

impl Default for Presence {
    fn default() -> Self {
        Self {
            seen_at: None,
            active: false,
            shown: true,
        }
    }
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

/// The connections of users.
pub trait Connections {
    /// Stores a connection.
    ///
    /// - A connection MUST be read with its expiry.
    fn add_connection(
        &self,
        user: &UserId,
        connection: &Connection,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Deletes a connection and its subscriptions to `conversations`, those that exist. If it
    /// fails, some of them may be deleted.
    ///
    /// - Removing a connection MUST delete its subscriptions to these conversations and no others.
    fn remove_connection(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        conversations: &[ConversationId],
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Reads all connections of a user, including expired ones.
    fn connections_of(
        &self,
        user: &UserId,
    ) -> impl Future<Output = Result<Vec<Connection>, InternalError>> + Send;
}

/// Pushes frames to connections.
pub trait Outbound {
    /// Hands a frame to the gateway. Success does not mean that the client has received it.
    fn push(
        &self,
        connection: &ConnectionId,
        frame: &str,
    ) -> impl Future<Output = Result<(), PushError>> + Send;

    /// Learns of a fact, for metrics. Nothing depends on it, and by default it has no effect.
    fn report(&self, _fact: Fact) {}
}

/// What happened when an entry or a notice was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A user's entry is stored, by this request or by an earlier one.
    Sent {
        /// Whether an earlier request stored it.
        duplicate: bool,
    },
    /// A push is attempted again, because the gateway was busy.
    Retry,
    /// A connection is gone.
    Gone,
    /// A fan-out has ended: the pushes of a frame, or of several frames of one request.
    FanOut {
        /// The number of connections that it was for.
        size: usize,
        /// How many of them it was given up for. Their clients read the entries from the log.
        missed: usize,
        /// How long the pushes took together.
        duration: Duration,
    },
}

/// The reason why the gateway did not accept a frame.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The connection is closed, or its handshake is not complete.
    #[error("the connection is gone")]
    Gone,
    /// A retry may succeed: the gateway is busy, or the client reads too slowly.
    #[error("the gateway is busy")]
    Busy,
    /// A retry would fail as well.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

/// Settings of a deployment.
pub trait Settings {
    /// Returns how long after it was sent a message may be edited.
    fn edit_window(&self) -> Duration;
}

/// Time.
pub trait Clock {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Waits for `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Randomness.
pub trait Random {
    /// Returns a uniformly distributed number below `bound`, or 0 if `bound` is 0.
    fn below(&self, bound: u64) -> u64;

    /// Returns a new UUID.
    fn fresh_id(&self) -> String;
}

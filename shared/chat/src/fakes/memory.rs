//! The state of a fake chat: rows, pushes, clock and random numbers.
//!
//! Every call yields before it takes effect, so concurrent tasks interleave as they would over a
//! network, call by call.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::{Future, pending},
    ops::RangeBounds,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::runtime::Runtime;
use crate::{
    domain::{
        Connection, ConnectionId, Conversation, ConversationId, Counters, Draft, Entry,
        Participant, Reaction, ReactionKey, Seq, Subscription, Timestamp, UserId,
    },
    error::InternalError,
    ports::{Clock, Outbound, Presence, PushError, Random, Settings},
    rate_limit::RateLimits,
};

/// An in-memory implementation of all ports.
#[derive(Debug)]
pub struct FakeChat {
    state: Mutex<State>,
    /// How many requests users may make: any number, unless a test replaces it.
    pub limits: RateLimits,
    /// How long after it was sent a message may be edited.
    pub edit_window: Duration,
    /// The participants of a page of a roster.
    pub roster_page: usize,
    /// The executor, clock and random numbers.
    pub runtime: Runtime,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub conversations: BTreeMap<ConversationId, Conversation>,
    pub logs: BTreeMap<ConversationId, BTreeMap<Seq, Entry>>,
    pub participants: BTreeMap<(ConversationId, UserId), Participant>,
    pub reactions: BTreeMap<(ConversationId, ReactionKey), Reaction>,
    pub subscriptions: BTreeMap<(ConversationId, ConnectionId), Subscription>,
    /// The conversations for which each connection has a place.
    pub claims: BTreeMap<ConnectionId, BTreeSet<ConversationId>>,
    pub connections: BTreeMap<(UserId, ConnectionId), Connection>,
    /// The presence of each user, with the connection on which they looked last.
    pub presences: BTreeMap<UserId, (Presence, Option<ConnectionId>)>,
    pub pushed: Vec<(ConnectionId, String)>,
    pub outcomes: BTreeMap<ConnectionId, VecDeque<PushOutcome>>,
    /// The connections to which pushes were attempted, in order.
    pub push_attempts: Vec<ConnectionId>,
    pub puts: usize,
    pub calls: Vec<Call>,
    /// Puts whose writers were killed before they received the result.
    pub on_the_wire: Vec<(ConversationId, Entry)>,
    /// Transactions of which only one half is visible so far.
    pub half_seen: Vec<HalfSeen>,
}

/// An entry that is stored together with a row or a changed message, of which the half `hidden` is
/// not visible yet.
#[derive(Debug)]
pub(super) struct HalfSeen {
    pub conversation: ConversationId,
    pub entry: Entry,
    pub hidden: Half,
}

/// A half of a transaction that stores an entry and a row, or an entry and a changed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Entry,
    Row,
}

/// A call of a storage port other than a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The method of the port.
    pub method: &'static str,
    /// The number of rows that it returned.
    pub rows: usize,
}

/// The outcome of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// The gateway accepts the frame, as it does without a planned outcome.
    Accepted,
    /// The connection is closed.
    Gone,
    /// The gateway is busy; a retry may succeed.
    Busy,
    /// The gateway is busy, and says so after a while.
    BusyLater(Duration),
    /// The push fails for another reason.
    Failed,
    /// The gateway never answers.
    Unanswered,
}

impl FakeChat {
    /// Creates an empty chat whose clock starts in 2026.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            limits: RateLimits::unlimited(),
            edit_window: Duration::from_secs(24 * 60 * 60),
            roster_page: 500,
            runtime: Runtime::at(Timestamp::from_seconds(1_780_000_000)),
        }
    }

    /// Creates an empty chat in an unsteady runtime.
    #[must_use]
    pub fn unsteady(seed: u64) -> Self {
        let steady = Self::new();
        let runtime = Runtime::unsteady(steady.runtime.now(), seed);
        Self { runtime, ..steady }
    }

    /// Removes and returns the pushed frames, in order.
    #[must_use]
    pub fn take_pushed(&self) -> Vec<(ConnectionId, String)> {
        std::mem::take(&mut self.state().pushed)
    }

    /// Plans the outcomes of the next pushes to a connection.
    pub fn fail_pushes(
        &self,
        connection: &ConnectionId,
        outcomes: impl IntoIterator<Item = PushOutcome>,
    ) {
        self.state()
            .outcomes
            .entry(connection.clone())
            .or_default()
            .extend(outcomes);
    }

    /// Returns how often a push to a connection was attempted.
    #[must_use]
    pub fn push_attempts(&self, connection: &ConnectionId) -> usize {
        let attempts = &self.state().push_attempts;
        attempts.iter().filter(|to| *to == connection).count()
    }

    /// Removes and returns the connections to which pushes were attempted, in order.
    #[must_use]
    pub fn take_push_attempts(&self) -> Vec<ConnectionId> {
        std::mem::take(&mut self.state().push_attempts)
    }

    /// Returns all entries of a log.
    #[must_use]
    pub fn log(&self, conversation: &ConversationId) -> Vec<Entry> {
        self.state().entries(conversation, ..).collect()
    }

    /// Places a draft after the newest entry of a log.
    #[must_use]
    pub fn next_entry(&self, conversation: &ConversationId, draft: Draft) -> Entry {
        let state = self.state();
        let newest = state.entries(conversation, ..).next_back();
        let (head, counters) = newest.map_or((Seq::START, Counters::START), |newest| {
            (newest.seq, newest.counters)
        });
        Entry::new(head.next(), counters, draft)
    }

    /// Returns the number of puts, successful or not.
    #[must_use]
    pub fn puts(&self) -> usize {
        self.state().puts
    }

    /// Removes and returns the calls of the storage ports except puts, in the order of their ends.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    pub(super) fn count(&self, method: &'static str, rows: usize) {
        self.state().calls.push(Call { method, rows });
    }

    /// Returns the newest position of a log.
    #[must_use]
    pub fn head(&self, conversation: &ConversationId) -> u64 {
        let state = self.state();
        let newest = state
            .logs
            .get(conversation)
            .and_then(BTreeMap::last_key_value);
        newest.map_or(0, |(seq, _)| seq.number())
    }

    /// Returns whether a user has a participant's row.
    #[must_use]
    pub fn is_participant(&self, conversation: &ConversationId, user: &UserId) -> bool {
        let row = (conversation.clone(), user.clone());
        self.state().participants.contains_key(&row)
    }

    /// Returns the rows of all reactions to the messages of a conversation, ascending.
    #[must_use]
    pub fn reaction_rows(&self, conversation: &ConversationId) -> Vec<Reaction> {
        let state = self.state();
        let rows = state.reactions.iter();
        rows.filter(|((id, _), _)| id == conversation)
            .map(|(_, row)| row.clone())
            .collect()
    }

    /// Returns all subscriptions, including expired ones.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<(ConversationId, Subscription)> {
        let state = self.state();
        let rows = state.subscriptions.iter();
        rows.map(|((conversation, _), row)| (conversation.clone(), row.clone()))
            .collect()
    }

    /// Returns the conversations for which a connection has a place.
    #[must_use]
    pub fn claims(&self, connection: &ConnectionId) -> BTreeSet<ConversationId> {
        let claims = &self.state().claims;
        claims.get(connection).cloned().unwrap_or_default()
    }

    /// Returns the number of rows of connections and subscriptions.
    #[must_use]
    pub fn connection_rows(&self) -> usize {
        let state = self.state();
        state.subscriptions.len() + state.connections.len()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub fn entries(
        &self,
        conversation: &ConversationId,
        range: impl RangeBounds<Seq> + Clone,
    ) -> impl DoubleEndedIterator<Item = Entry> {
        let log = self.logs.get(conversation).into_iter();
        log.flat_map(move |log| log.range(range.clone()))
            .map(|(_, entry)| entry.clone())
    }
}

impl State {
    /// Counts an attempt, and records the frame unless the test makes the push fail.
    fn push(&mut self, connection: &ConnectionId, frame: &str) -> Option<PushOutcome> {
        self.push_attempts.push(connection.clone());
        let outcomes = self.outcomes.get_mut(connection);
        let outcome = outcomes.and_then(VecDeque::pop_front);
        let outcome = outcome.filter(|outcome| *outcome != PushOutcome::Accepted);
        if outcome.is_none() {
            self.pushed.push((connection.clone(), frame.to_owned()));
        }
        outcome
    }
}

impl Outbound for FakeChat {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        self.pause().await;
        let outcome = self.state().push(connection, frame);
        match outcome {
            None | Some(PushOutcome::Accepted) => Ok(()),
            Some(PushOutcome::Gone) => Err(PushError::Gone),
            Some(PushOutcome::Busy) => Err(PushError::Busy),
            Some(PushOutcome::BusyLater(wait)) => {
                self.sleep(wait).await;
                Err(PushError::Busy)
            }
            Some(PushOutcome::Failed) => {
                Err(InternalError::new("pushing", "injected by the test").into())
            }
            Some(PushOutcome::Unanswered) => pending().await,
        }
    }
}

impl Settings for FakeChat {
    fn edit_window(&self) -> Duration {
        self.edit_window
    }
}

impl Clock for FakeChat {
    fn now(&self) -> Timestamp {
        self.runtime.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.runtime.sleep(duration)
    }
}

impl Random for FakeChat {
    fn below(&self, bound: u64) -> u64 {
        self.runtime.below(bound)
    }

    fn fresh_id(&self) -> String {
        self.runtime.fresh_id()
    }
}

impl Default for FakeChat {
    fn default() -> Self {
        Self::new()
    }
}

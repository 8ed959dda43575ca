//! What is stored and what was pushed: the state of a fake chat, its gateway, its time and its chance.
//!
//! Every call lets others run before it takes effect, so that what runs concurrently interleaves as it would on a
//! network, one call at a time.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    ops::RangeBounds,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::runtime::Runtime;
use crate::{
    domain::{
        Connection, ConnectionId, Conversation, ConversationId, Draft, Entry, Participant, Seq,
        Subscription, Timestamp, UserId,
    },
    error::InternalError,
    ports::{Clock, Outbound, PushError, Random},
};

/// Everything that is stored and what was pushed, in a world with a clock.
#[derive(Debug)]
pub struct FakeChat {
    state: Mutex<State>,
    /// Its time and chance.
    pub runtime: Runtime,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub conversations: BTreeMap<ConversationId, Conversation>,
    pub logs: BTreeMap<ConversationId, BTreeMap<Seq, Draft>>,
    pub participants: BTreeMap<(ConversationId, UserId), Participant>,
    pub subscriptions: BTreeMap<(ConversationId, ConnectionId), Subscription>,
    pub connections: BTreeMap<(UserId, ConnectionId), Connection>,
    pub pushed: Vec<(ConnectionId, String)>,
    pub refusals: BTreeMap<ConnectionId, VecDeque<PushOutcome>>,
    pub puts: usize,
    /// Puts whose writers died before they learned what became of them.
    pub on_the_wire: Vec<(ConversationId, Seq, Draft)>,
    /// Transactions of which the first half can be seen already, and the second not yet.
    pub half_seen: Vec<HalfSeen>,
}

/// An entry that is stored together with a participant's row: one of the two can be seen, `hidden` not yet.
#[derive(Debug)]
pub(super) struct HalfSeen {
    pub conversation: ConversationId,
    pub seq: Seq,
    pub draft: Draft,
    pub hidden: Half,
}

/// A half of such a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Entry,
    Row,
}

/// What a connection answers instead of taking a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// It is closed.
    Gone,
    /// Not at this moment.
    Busy,
    /// Never.
    Failed,
}

impl FakeChat {
    /// An empty one, at some time in 2026.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            runtime: Runtime::at(Timestamp::from_seconds(1_780_000_000)),
        }
    }

    /// An empty one in an unsteady world.
    #[must_use]
    pub fn unsteady(seed: u64) -> Self {
        let steady = Self::new();
        let runtime = Runtime::unsteady(steady.runtime.now(), seed);
        Self { runtime, ..steady }
    }

    /// What was pushed since this was last asked, in order.
    #[must_use]
    pub fn take_pushed(&self) -> Vec<(ConnectionId, String)> {
        std::mem::take(&mut self.state().pushed)
    }

    /// Makes a connection refuse the next frames.
    pub fn fail_pushes(
        &self,
        connection: &ConnectionId,
        refusals: impl IntoIterator<Item = PushOutcome>,
    ) {
        self.state()
            .refusals
            .entry(connection.clone())
            .or_default()
            .extend(refusals);
    }

    /// Every entry of a log.
    #[must_use]
    pub fn log(&self, conversation: &ConversationId) -> Vec<Entry> {
        self.state().entries(conversation, ..).collect()
    }

    /// How often a put was tried.
    #[must_use]
    pub fn puts(&self) -> usize {
        self.state().puts
    }

    /// The newest position of a log.
    #[must_use]
    pub fn head(&self, conversation: &ConversationId) -> u64 {
        let state = self.state();
        let newest = state
            .logs
            .get(conversation)
            .and_then(BTreeMap::last_key_value);
        newest.map_or(0, |(seq, _)| seq.number())
    }

    /// Whether a user has a participant's row.
    #[must_use]
    pub fn is_participant(&self, conversation: &ConversationId, user: &UserId) -> bool {
        let row = (conversation.clone(), user.clone());
        self.state().participants.contains_key(&row)
    }

    /// Every subscription, stale ones among them.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<(ConversationId, Subscription)> {
        let state = self.state();
        let rows = state.subscriptions.iter();
        rows.map(|((conversation, _), row)| (conversation.clone(), row.clone()))
            .collect()
    }

    /// How many rows there are of connections and subscriptions.
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
            .map(|(seq, draft)| Entry {
                seq: *seq,
                draft: draft.clone(),
            })
    }
}

impl Outbound for FakeChat {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        self.pause().await;
        let mut state = self.state();
        match state
            .refusals
            .get_mut(connection)
            .and_then(VecDeque::pop_front)
        {
            None => {
                state.pushed.push((connection.clone(), frame.to_owned()));
                Ok(())
            }
            Some(PushOutcome::Gone) => Err(PushError::Gone),
            Some(PushOutcome::Busy) => Err(PushError::Busy),
            Some(PushOutcome::Failed) => {
                Err(InternalError::new("pushing", "refused by the test").into())
            }
        }
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

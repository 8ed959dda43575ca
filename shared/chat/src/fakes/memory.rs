//! The stores and the gateway in memory.
//!
//! Every call lets others run before it takes effect, so that what runs concurrently interleaves as it would on a
//! network, one call at a time.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::world::{World, pause};
use crate::{
    domain::{
        Connection, ConnectionId, Conversation, ConversationId, Draft, Event, Participant, Seq,
        Subscription, Timestamp, UserId,
    },
    failure::Fault,
    ports::{
        Clock, Connections, Log, Memberships, Outbound, Page, Participants, PushError, Put, Random,
        Roster, Subscriptions,
    },
};

/// Everything that is stored and what was pushed, in a world with a clock.
#[derive(Debug)]
pub struct FakeChat {
    state: Mutex<State>,
    /// Its time and chance.
    pub world: World,
}

#[derive(Debug, Default)]
struct State {
    conversations: BTreeMap<ConversationId, Conversation>,
    logs: BTreeMap<ConversationId, BTreeMap<Seq, Draft>>,
    participants: BTreeMap<(ConversationId, UserId), Participant>,
    subscriptions: BTreeMap<(ConversationId, ConnectionId), Subscription>,
    connections: BTreeMap<(UserId, ConnectionId), Connection>,
    pushed: Vec<(ConnectionId, String)>,
    refusals: BTreeMap<ConnectionId, VecDeque<Refusal>>,
    puts: usize,
}

/// What a connection answers instead of taking a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is closed.
    Gone,
    /// Not at this moment.
    Busy,
    /// Never.
    Fault,
}

impl FakeChat {
    /// An empty one, at some time in 2026.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            world: World::at(Timestamp::from_seconds(1_780_000_000)),
        }
    }

    /// What was pushed since this was last asked, in order.
    #[must_use]
    pub fn take_pushed(&self) -> Vec<(ConnectionId, String)> {
        std::mem::take(&mut self.state().pushed)
    }

    /// Makes a connection refuse the next frames.
    pub fn refuse(&self, connection: &ConnectionId, refusals: impl IntoIterator<Item = Refusal>) {
        self.state()
            .refusals
            .entry(connection.clone())
            .or_default()
            .extend(refusals);
    }

    /// Every entry of a log.
    #[must_use]
    pub fn log(&self, conversation: &ConversationId) -> Vec<Event> {
        self.state().events(conversation).collect()
    }

    /// How often a put was tried.
    #[must_use]
    pub fn puts(&self) -> usize {
        self.state().puts
    }

    /// How many rows there are of connections and subscriptions.
    #[must_use]
    pub fn connection_rows(&self) -> usize {
        let state = self.state();
        state.subscriptions.len() + state.connections.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn events(&self, conversation: &ConversationId) -> impl DoubleEndedIterator<Item = Event> {
        let log = self.logs.get(conversation).into_iter().flatten();
        log.map(|(seq, draft)| Event {
            seq: *seq,
            draft: draft.clone(),
        })
    }
}

fn page(events: impl Iterator<Item = Event>, limit: usize) -> Page {
    let mut events: Vec<Event> = events.take(limit.saturating_add(1)).collect();
    let more = events.len() > limit;
    events.truncate(limit);
    Page { events, more }
}

impl Log for FakeChat {
    async fn read_from(
        &self,
        conversation: &ConversationId,
        first: Seq,
        limit: usize,
    ) -> Result<Page, Fault> {
        pause().await;
        let state = self.state();
        let found = state
            .events(conversation)
            .filter(|event| event.seq >= first);
        Ok(page(found, limit))
    }

    async fn read_back(
        &self,
        conversation: &ConversationId,
        last: Seq,
        limit: usize,
    ) -> Result<Page, Fault> {
        pause().await;
        let state = self.state();
        let found = state
            .events(conversation)
            .rev()
            .filter(|event| event.seq <= last);
        Ok(page(found, limit))
    }

    async fn put(
        &self,
        conversation: &ConversationId,
        seq: Seq,
        draft: &Draft,
    ) -> Result<Put, Fault> {
        pause().await;
        let mut state = self.state();
        state.puts += 1;
        let log = state.logs.entry(conversation.clone()).or_default();
        if let Some(winner) = log.get(&seq) {
            return Ok(Put::Taken(Event {
                seq,
                draft: winner.clone(),
            }));
        }
        log.insert(seq, draft.clone());
        Ok(Put::Stored)
    }
}

impl Participants for FakeChat {
    async fn create(
        &self,
        conversation: &Conversation,
        participants: &[Participant],
    ) -> Result<bool, Fault> {
        pause().await;
        let mut state = self.state();
        if state.conversations.contains_key(&conversation.id) {
            return Ok(false);
        }
        state
            .conversations
            .insert(conversation.id.clone(), conversation.clone());
        for participant in participants {
            let key = (conversation.id.clone(), participant.user.clone());
            state.participants.insert(key, participant.clone());
        }
        Ok(true)
    }

    async fn conversation(
        &self,
        conversation: &ConversationId,
    ) -> Result<Option<Conversation>, Fault> {
        pause().await;
        Ok(self.state().conversations.get(conversation).cloned())
    }

    async fn participant(
        &self,
        conversation: &ConversationId,
        user: &UserId,
    ) -> Result<Option<Participant>, Fault> {
        pause().await;
        Ok(self
            .state()
            .participants
            .get(&(conversation.clone(), user.clone()))
            .cloned())
    }

    async fn participants(&self, conversation: &ConversationId) -> Result<Vec<Participant>, Fault> {
        pause().await;
        let state = self.state();
        let found = state
            .participants
            .iter()
            .filter(|((id, _), _)| id == conversation);
        Ok(found.map(|(_, participant)| participant.clone()).collect())
    }

    async fn add_participant(
        &self,
        conversation: &ConversationId,
        participant: &Participant,
    ) -> Result<bool, Fault> {
        pause().await;
        let key = (conversation.clone(), participant.user.clone());
        let mut state = self.state();
        let added = !state.participants.contains_key(&key);
        state
            .participants
            .entry(key)
            .or_insert_with(|| participant.clone());
        Ok(added)
    }

    async fn remove_participant(
        &self,
        conversation: &ConversationId,
        user: &UserId,
    ) -> Result<(), Fault> {
        pause().await;
        self.state()
            .participants
            .remove(&(conversation.clone(), user.clone()));
        Ok(())
    }

    async fn conversations_of(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> Result<Memberships, Fault> {
        pause().await;
        let state = self.state();
        let mine = state
            .participants
            .keys()
            .filter(|(_, participant)| participant == user);
        let rest = mine
            .map(|(id, _)| id)
            .filter(|id| after.is_none_or(|after| *id > after));
        let mut conversations: Vec<_> = rest.take(limit + 1).cloned().collect();
        let more = conversations.len() > limit;
        conversations.truncate(limit);
        Ok(Memberships {
            conversations,
            more,
        })
    }

    async fn confirm(
        &self,
        user: &UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<(Conversation, Participant)>, Fault> {
        pause().await;
        let state = self.state();
        let found = conversations.iter().filter_map(|id| {
            let participant = state.participants.get(&(id.clone(), user.clone()))?;
            Some((state.conversations.get(id)?.clone(), participant.clone()))
        });
        Ok(found.collect())
    }
}

impl Subscriptions for FakeChat {
    async fn subscribe(
        &self,
        conversation: &ConversationId,
        subscription: &Subscription,
    ) -> Result<(), Fault> {
        pause().await;
        let key = (conversation.clone(), subscription.connection.id.clone());
        self.state().subscriptions.insert(key, subscription.clone());
        Ok(())
    }

    async fn unsubscribe(
        &self,
        conversation: &ConversationId,
        connection: &ConnectionId,
    ) -> Result<(), Fault> {
        pause().await;
        self.state()
            .subscriptions
            .remove(&(conversation.clone(), connection.clone()));
        Ok(())
    }

    async fn roster(&self, conversation: &ConversationId) -> Result<Roster, Fault> {
        pause().await;
        let participants = self.participants(conversation).await?;
        pause().await;
        let state = self.state();
        let found = state
            .subscriptions
            .iter()
            .filter(|((id, _), _)| id == conversation);
        Ok(Roster {
            participants: participants
                .into_iter()
                .map(|participant| participant.user)
                .collect(),
            subscriptions: found
                .map(|(_, subscription)| subscription.clone())
                .collect(),
        })
    }

    async fn subscriptions_of(
        &self,
        connection: &ConnectionId,
    ) -> Result<Vec<ConversationId>, Fault> {
        pause().await;
        let state = self.state();
        let found = state
            .subscriptions
            .keys()
            .filter(|(_, id)| id == connection);
        let found: BTreeSet<_> = found
            .map(|(conversation, _)| conversation.clone())
            .collect();
        Ok(found.into_iter().collect())
    }
}

impl Connections for FakeChat {
    async fn connected(&self, user: &UserId, connection: &Connection) -> Result<(), Fault> {
        pause().await;
        let key = (user.clone(), connection.id.clone());
        self.state().connections.insert(key, connection.clone());
        Ok(())
    }

    async fn disconnected(&self, user: &UserId, connection: &ConnectionId) -> Result<(), Fault> {
        pause().await;
        self.state()
            .connections
            .remove(&(user.clone(), connection.clone()));
        Ok(())
    }

    async fn connections_of(&self, user: &UserId) -> Result<Vec<Connection>, Fault> {
        pause().await;
        let state = self.state();
        let found = state
            .connections
            .iter()
            .filter(|((owner, _), _)| owner == user);
        Ok(found.map(|(_, connection)| connection.clone()).collect())
    }
}

impl Outbound for FakeChat {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        pause().await;
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
            Some(Refusal::Gone) => Err(PushError::Gone),
            Some(Refusal::Busy) => Err(PushError::Busy),
            Some(Refusal::Fault) => Err(Fault::new("pushing", "refused by the test").into()),
        }
    }
}

impl Clock for FakeChat {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.world.sleep(duration)
    }
}

impl Random for FakeChat {
    fn below(&self, bound: u64) -> u64 {
        self.world.below(bound)
    }

    fn fresh_id(&self) -> String {
        self.world.fresh_id()
    }
}

impl Default for FakeChat {
    fn default() -> Self {
        Self::new()
    }
}

//! The functions' implementation of the core's ports: the table, the clock, randomness, and the
//! gateway for functions that push.

use std::{future::Future, time::Duration};

use chat::{
    domain::{
        Connection, ConnectionId, Content, Conversation, ConversationId, Entry, Participant,
        ReactionKey, Seq, Subscription, Timestamp, UserId,
    },
    error::InternalError,
    ports::{
        Advanced, Clock, Connections, ConversationPage, Fact, Log, Outbound, Own, Page,
        ParticipantPage, Participants, Place, Presence, Presences, PushError, Put, Random,
        ReactionPage, ReactionRange, Reactions, Receipt, Receipts, Roster, RosterPage, Settings,
        Standing, Subscriptions, TracePage, Traces,
    },
};

use crate::{
    Chance, Counted, Counters, Error, Gateway, SystemClock,
    configuration::{Configuration, edit_window, participant_limit},
    dynamo::Table,
};

/// All ports of the core. [`Outbound`] is implemented only if `O` implements it, as [`Gateway`]
/// does: a function whose routes push nothing needs neither the endpoint nor the permission.
#[derive(Clone, Debug)]
pub struct Ports<O = NoGateway> {
    table: Table,
    clock: SystemClock,
    chance: Chance,
    edit_window: Duration,
    outbound: O,
    counters: Counters,
}

/// How long a message may be edited, unless the configuration says otherwise.
const EDIT_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// About how many bytes the row of an entry has beside the text of its message.
const BESIDE_THE_TEXT: usize = 250;

/// Takes the gateway's place in functions that do not push.
#[derive(Clone, Copy, Debug)]
pub struct NoGateway;

impl Ports<NoGateway> {
    /// Reads the environment and connects to DynamoDB.
    ///
    /// # Errors
    /// Fails with a [`MissingVariable`](crate::MissingVariable) if a variable is not set.
    pub async fn without_gateway() -> Result<Self, Error> {
        let configuration = Configuration::from_environment().await?;
        let ports = Self::new(table(&configuration), NoGateway);
        ports.table.warm_up().await;
        Ok(ports)
    }
}

impl Ports<Gateway> {
    /// Reads the environment and connects to DynamoDB and to the gateway.
    ///
    /// # Errors
    /// Fails with a [`MissingVariable`](crate::MissingVariable) if a variable is not set.
    pub async fn with_gateway() -> Result<Self, Error> {
        let stage = Configuration::management_endpoint()?;
        let configuration = Configuration::from_environment().await?;
        let gateway = Gateway::new(&configuration.sdk, &stage)?;
        let ports = Self::new(table(&configuration), gateway);
        futures_util::future::join(ports.table.warm_up(), ports.outbound.warm_up()).await;
        Ok(ports)
    }
}

fn table(configuration: &Configuration) -> Table {
    let client = aws_sdk_dynamodb::Client::new(&configuration.sdk);
    Table::new(client, &configuration.table)
}

impl Ports<Gateway> {
    /// Reads the environment of a function that edits messages, and connects to DynamoDB and to the
    /// gateway.
    ///
    /// # Errors
    /// Fails if a variable is missing or invalid.
    pub async fn with_gateway_and_edits() -> Result<Self, Error> {
        let edit_window = edit_window()?;
        let mut ports = Self::with_gateway().await?;
        ports.edit_window = edit_window;
        Ok(ports)
    }

    /// Reads the environment of a function that changes participants and edits messages, and
    /// connects to DynamoDB and to the gateway.
    ///
    /// # Errors
    /// Fails if a variable is missing or invalid.
    pub async fn with_gateway_and_participants() -> Result<Self, Error> {
        let most = participant_limit()?;
        let mut ports = Self::with_gateway_and_edits().await?;
        ports.table = ports.table.with_most_participants(most);
        Ok(ports)
    }
}

impl<O> Ports<O> {
    /// Combines the table and `outbound` with the system's clock and randomness.
    #[must_use]
    pub fn new(table: Table, outbound: O) -> Self {
        Self {
            table,
            clock: SystemClock,
            chance: Chance,
            edit_window: EDIT_WINDOW,
            outbound,
            counters: Counters::default(),
        }
    }
}

/// Returns about how many bytes the rows of entries have.
fn bytes(entries: &[Entry]) -> usize {
    let bytes = entries.iter().map(|entry| match &entry.draft.content {
        Content::Message { body, .. } => BESIDE_THE_TEXT + body.as_str().len(),
        _ => BESIDE_THE_TEXT,
    });
    bytes.sum()
}

/// Delegates every method of a storage port to the table.
macro_rules! delegate_to_table {
    ($port:ident { $($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* }) => {
        impl<O: Sync> $port for Ports<O> {
            $(fn $method(
                &self,
                $($argument: $type),*
            ) -> impl Future<Output = Result<$answer, InternalError>> + Send {
                $port::$method(&self.table, $($argument),*)
            })*
        }
    };
}

impl<O: Sync> Log for Ports<O> {
    async fn read_from(
        &self,
        conversation: &ConversationId,
        first: Seq,
        limit: usize,
    ) -> Result<Page, InternalError> {
        let page = self.table.read_from(conversation, first, limit).await?;
        self.counters.read(bytes(&page.entries));
        Ok(page)
    }

    async fn read_back(
        &self,
        conversation: &ConversationId,
        last: Seq,
        limit: usize,
    ) -> Result<Page, InternalError> {
        let page = self.table.read_back(conversation, last, limit).await?;
        self.counters.read(bytes(&page.entries));
        Ok(page)
    }

    async fn read_at(
        &self,
        conversation: &ConversationId,
        positions: &[Seq],
    ) -> Result<Vec<Entry>, InternalError> {
        let entries = self.table.read_at(conversation, positions).await?;
        self.counters.read(bytes(&entries));
        Ok(entries)
    }

    fn stored_at(
        &self,
        positions: &[(ConversationId, Seq)],
    ) -> impl Future<Output = Result<Vec<(ConversationId, Seq)>, InternalError>> + Send {
        self.table.stored_at(positions)
    }

    async fn put(
        &self,
        conversation: &ConversationId,
        entry: &Entry,
    ) -> Result<Put, InternalError> {
        let put = Log::put(&self.table, conversation, entry).await?;
        // The entry of this same request is no loss: an earlier attempt stored it.
        if matches!(&put, Put::Taken(winner) if !winner.draft.has_name_of(&entry.draft)) {
            self.counters.lost_put();
        }
        Ok(put)
    }
}

impl<O> Counted for Ports<O> {
    fn counters(&self) -> Counters {
        self.counters.clone()
    }
}

delegate_to_table!(Participants {
    create(conversation: &Conversation, participants: &[Participant]) -> bool;
    conversation(conversation: &ConversationId) -> Option<Conversation>;
    participant(conversation: &ConversationId, user: &UserId) -> Option<Participant>;
    participants(conversation: &ConversationId, after: Option<&UserId>, limit: usize) -> ParticipantPage;
    few_participants(conversation: &ConversationId, most: usize) -> Option<Vec<Participant>>;
    conversations_of(user: &UserId, after: Option<&ConversationId>, limit: usize) -> ConversationPage;
    memberships_of(user: &UserId, conversations: &[ConversationId]) -> Vec<(Conversation, Participant)>;
    participations_of(user: &UserId, conversations: &[ConversationId]) -> Vec<(ConversationId, Participant)>;
});

delegate_to_table!(Reactions {
    standing(conversation: &ConversationId, reaction: &ReactionKey, most: usize) -> Standing;
    reactions(conversation: &ConversationId, range: &ReactionRange, limit: usize) -> ReactionPage;
});

delegate_to_table!(Receipts {
    advance(conversation: &ConversationId, user: &UserId, receipt: Receipt) -> Option<Advanced>;
});

delegate_to_table!(Presences {
    look(user: &UserId, connection: &ConnectionId, now: Timestamp) -> Presence;
    look_away(user: &UserId, connection: &ConnectionId, now: Timestamp) -> Presence;
    show_presence(user: &UserId, shown: bool) -> ();
    presences(users: &[UserId]) -> Vec<(UserId, Presence)>;
});

delegate_to_table!(Subscriptions {
    subscribe(conversation: &ConversationId, subscription: &Subscription) -> ();
    subscribe_to_all(conversations: &[ConversationId], subscription: &Subscription) -> ();
    unsubscribe(conversation: &ConversationId, user: &UserId, connection: &ConnectionId) -> ();
    claim(connection: &Connection, conversations: &[ConversationId], most: usize) -> bool;
    release(conversation: &ConversationId, connection: &ConnectionId) -> ();
    roster(conversation: &ConversationId) -> Roster;
    roster_page(conversation: &ConversationId, after: Option<&UserId>) -> RosterPage;
    small_roster(conversation: &ConversationId, most: usize) -> Option<Roster>;
    places_of(connection: &ConnectionId) -> Vec<ConversationId>;
});

delegate_to_table!(Connections {
    add_connection(user: &UserId, connection: &Connection) -> ();
    remove_connection(user: &UserId, connection: &ConnectionId, conversations: &[ConversationId]) -> ();
    connections_of(user: &UserId) -> Vec<Connection>;
});

delegate_to_table!(Traces {
    traces_of(user: &UserId, place: Option<&Place>) -> TracePage;
    remove_name(conversation: &ConversationId, seq: Seq) -> ();
    remove_reaction_name(conversation: &ConversationId, reaction: &ReactionKey) -> ();
    delete_own(user: &UserId, row: &Own) -> ();
});

impl<O: Sync> Settings for Ports<O> {
    fn edit_window(&self) -> Duration {
        self.edit_window
    }
}

impl<O: Sync> Clock for Ports<O> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.clock.sleep(duration)
    }
}

impl<O: Sync> Random for Ports<O> {
    fn below(&self, bound: u64) -> u64 {
        self.chance.below(bound)
    }

    fn fresh_id(&self) -> String {
        self.chance.fresh_id()
    }
}

impl<O: Outbound + Sync> Outbound for Ports<O> {
    fn push(
        &self,
        connection: &ConnectionId,
        frame: &str,
    ) -> impl Future<Output = Result<(), PushError>> + Send {
        self.outbound.push(connection, frame)
    }

    fn report(&self, fact: Fact) {
        self.counters.note(fact);
    }
}

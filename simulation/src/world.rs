//! The state of one run: the chat's storage and time, faults, plan, connections, history and
//! counts.
//!
//! The ports, the functions, the gateway and the clients depend on this module. It does not depend
//! on them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chat::{
    domain::{ConversationId, UserId},
    fakes::FakeChat,
    ports::Clock as _,
};
use checker::history::{ChangeAnswer, ChangeAttempt, Record};

use crate::{
    connections::Connections,
    faults::{Faults, Place},
    mutants::ClientMutant,
    observer::Observer,
    plan::Plan,
    tasks::Tasks,
};

/// The state of one run.
pub struct World {
    pub chat: FakeChat,
    pub faults: Faults,
    pub tasks: Tasks,
    pub plan: Plan,
    pub mutant: Option<ClientMutant>,
    /// Running functions and changes, and writes in flight of functions that died.
    pub under_way: AtomicU64,
    connections: Mutex<Connections>,
    observer: Mutex<Observer>,
    place: Place,
    places: AtomicU64,
    began: u64,
    history: Mutex<Vec<Record>>,
    tally: Mutex<BTreeMap<&'static str, u64>>,
    trace: Option<Mutex<Vec<String>>>,
}

impl World {
    pub fn new(place: Place, plan: Plan, faults: Faults) -> Self {
        let mut chat = FakeChat::new();
        // So few that most rosters have several pages.
        chat.roster_page = 2;
        Self {
            began: chat.now().millis(),
            chat,
            faults,
            tasks: Tasks::default(),
            mutant: None,
            connections: Mutex::default(),
            observer: Mutex::default(),
            under_way: AtomicU64::new(0),
            plan,
            place: place.within(4),
            places: AtomicU64::new(0),
            history: Mutex::default(),
            tally: Mutex::default(),
            trace: None,
        }
    }

    /// Records a trace as well.
    pub fn record_trace(&mut self) {
        self.trace = Some(Mutex::default());
    }

    /// Calls `then` after a wait.
    pub fn after(self: &Arc<Self>, wait: Duration, then: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let world = Arc::clone(self);
        self.tasks.spawn(async move {
            world.sleep(wait).await;
            then(&world);
        });
    }

    pub async fn sleep(&self, wait: Duration) {
        self.chat.sleep(wait).await;
    }

    /// Returns the milliseconds since the run began.
    pub fn now(&self) -> u64 {
        self.chat.now().millis() - self.began
    }

    /// Returns a place for a request that is not part of the plan, such as creating a conversation.
    pub fn unplanned(&self) -> Place {
        self.place
            .within(self.places.fetch_add(1, Ordering::Relaxed))
    }

    /// Appends a record to the history.
    pub fn record(&self, record: Record) {
        self.trace(|| describe(&record));
        self.history.lock().unwrap().push(record);
    }

    /// Takes the history.
    pub fn take_history(&self) -> Vec<Record> {
        std::mem::take(&mut self.history.lock().unwrap())
    }

    /// Counts an occurrence.
    pub fn count(&self, what: &'static str) {
        *self.tally.lock().unwrap().entry(what).or_default() += 1;
    }

    pub fn tally(&self) -> BTreeMap<&'static str, u64> {
        self.tally.lock().unwrap().clone()
    }

    /// Appends a line to the trace, if one is recorded.
    pub fn trace(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            let now = self.now();
            let line = format!("{:>3}.{:03} {}", now / 1000, now % 1000, line());
            trace.lock().unwrap().push(line);
        }
    }

    /// Returns the lines of the trace.
    pub fn lines(&self) -> Vec<String> {
        self.trace
            .as_ref()
            .map_or(Vec::new(), |trace| trace.lock().unwrap().clone())
    }

    pub fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap()
    }

    pub fn observer(&self) -> MutexGuard<'_, Observer> {
        self.observer.lock().unwrap()
    }

    pub fn is_participant(&self, conversation: &str, user: &str) -> bool {
        let user = UserId::new(user).unwrap();
        self.chat
            .is_participant(&conversation_id(conversation), &user)
    }

    pub fn head(&self, conversation: &str) -> u64 {
        self.chat.head(&conversation_id(conversation))
    }
}

pub fn conversation_id(id: &str) -> ConversationId {
    ConversationId::new(id).unwrap()
}

/// Describes a record as a line of the trace.
fn describe(record: &Record) -> String {
    match record {
        Record::Seed { seed, .. } => format!("seed {seed}"),
        Record::Send { about, id, .. } => {
            format!("{} sends {id} to {}", about.client, about.conversation)
        }
        Record::Sent { about, id, seq } => format!(
            "{}: {id} is acknowledged at {seq} of {}",
            about.client, about.conversation
        ),
        Record::Refused { about, id, code } => format!(
            "{} gives up {id} in {}: {code}",
            about.client, about.conversation
        ),
        Record::Seen { about, seq, event } => {
            let user = event.sender.as_ref().or(event.user.as_ref());
            let user = user.map_or("", String::as_str);
            let what = event.id.as_ref().unwrap_or(&event.event);
            format!(
                "{} sees {seq} of {}: {what} of {user}",
                about.client, about.conversation
            )
        }
        Record::Restart { about, position } => format!(
            "{} restarts in {} at {position}",
            about.client, about.conversation
        ),
        Record::Counted {
            about,
            head,
            messages,
            read_to,
            unread,
        } => format!(
            "{} is shown {messages} messages up to {head} of {}, {unread} of them after {read_to}",
            about.client, about.conversation
        ),
        Record::Receipt {
            about,
            read,
            private,
        } => format!(
            "{} has read {read} of {}{}",
            about.client,
            about.conversation,
            if *private { " in private" } else { "" }
        ),
        Record::Receipted { about, read_to } => format!(
            "{} is answered that its user has read {read_to} of {}",
            about.client, about.conversation
        ),
        Record::Shown { about, of, read_to } => format!(
            "{} is shown that {of} has read {read_to} of {}",
            about.client, about.conversation
        ),
        Record::Remove(attempt) => describe_attempt("removal", attempt),
        Record::Removed(answer) => describe_answer("removal", answer),
        Record::Add(attempt) => describe_attempt("addition", attempt),
        Record::Added(answer) => describe_answer("addition", answer),
        Record::Pushed { connection, event } => {
            format!("{} is pushed {event}", connection.connection)
        }
        Record::Expired(connection) => {
            format!("the token of {} has ended", connection.connection)
        }
        Record::End {
            about,
            position,
            pending,
            ..
        } => format!(
            "{} ends at {position} of {} with {pending} unsent messages",
            about.client, about.conversation
        ),
        Record::React { about, wish } => format!(
            "{} asks for {} to {} in {}: {}",
            about.client, wish.emoji, wish.target, about.conversation, wish.on
        ),
        Record::Reacted { about, wish, seq } => format!(
            "{} is answered {} to {} in {}: {} at {seq:?}",
            about.client, wish.emoji, wish.target, about.conversation, wish.on
        ),
        Record::Log {
            conversation,
            events,
            ..
        } => format!("{conversation} holds {} entries", events.len()),
    }
}

fn describe_attempt(kind: &str, attempt: &ChangeAttempt) -> String {
    format!(
        "{kind} of {} in {} is requested: {}",
        attempt.user,
        attempt.conversation,
        attempt.change.as_deref().unwrap_or_default()
    )
}

fn describe_answer(kind: &str, answer: &ChangeAnswer) -> String {
    format!(
        "{kind} of {} in {} is answered with {:?}: {}",
        answer.user,
        answer.conversation,
        answer.seq,
        answer.change.as_deref().unwrap_or_default()
    )
}

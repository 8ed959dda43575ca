//! A device as `docs/protocol.md` and section 3 of `docs/design.md` want it: its connection, its requests, and what it
//! makes of what it hears. It acts only when something reaches it or a time has come.

mod catching_up;
mod connection;
mod conversation;
mod courier;
mod frames;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use chat::{domain::ConnectionId, request::Route};
use checker::history::{About, Entry, Record};
use serde_json::{Value, json};

use self::{
    conversation::{Conversation, Outgoing},
    frames::Frame,
};
use crate::{
    faults::Place,
    functions::{self, Reply},
    gateway,
    mutants::ClientMutant,
    plan::Plan,
    ports::Ports,
    stage::Stage,
};

/// A request counts as unanswered after this.
const ANSWER_LIMIT: u64 = 10_000;
/// Visible pages ask for what is new at least once a minute.
const PING_EVERY: u64 = 30_000;
const PING_SPREAD: u64 = 30_000;
/// The socket may be away so long before HTTP takes its place.
const SOCKET_PATIENCE: u64 = 5_000;

pub struct Client {
    device: usize,
    name: String,
    user: String,
    by_http_only: bool,
    without_after: bool,
    place: Place,
    /// How often it has done something of a name.
    places: BTreeMap<String, u64>,
    attempts: u64,
    /// Counts its lives: what was asked in an earlier one says nothing now.
    life: u64,
    has_begun: bool,
    alive: bool,
    link: Link,
    dial_failures: u32,
    down_since: u64,
    heard_since_ping: bool,
    questions: BTreeMap<u64, Question>,
    next_question: u64,
    conversations: BTreeMap<String, Conversation>,
    /// Outboxes of the life before, of conversations that are to begin at the head that the list tells.
    kept: BTreeMap<String, VecDeque<Outgoing>>,
    begins_at_head: bool,
    listings: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Link {
    Down,
    Dialing,
    Up(ConnectionId),
}

#[derive(Clone, Debug)]
enum Question {
    Subscribe {
        conversation: String,
        from: u64,
    },
    Send {
        conversation: String,
        message: String,
        number: u64,
    },
    Ping,
}

impl Question {
    fn name(&self) -> String {
        match self {
            Self::Subscribe { conversation, .. } => format!("subscribe {conversation}"),
            Self::Send { message, .. } => format!("frame {message}"),
            Self::Ping => "frame of a ping".to_owned(),
        }
    }
}

impl Client {
    /// Every device of a plan.
    pub fn all(plan: &Plan) -> Vec<Mutex<Self>> {
        let devices = plan.devices.iter().enumerate();
        let clients = devices.map(|(device, planned)| {
            let mine = plan
                .conversations
                .iter()
                .filter(|talk| talk.participants.contains(&planned.user));
            Mutex::new(Self {
                device,
                name: planned.name.clone(),
                user: planned.user.to_owned(),
                by_http_only: planned.by_http_only,
                without_after: planned.without_after,
                place: Place::of_seed(device as u64),
                places: BTreeMap::new(),
                attempts: 0,
                life: 0,
                has_begun: false,
                alive: false,
                link: Link::Down,
                dial_failures: 0,
                down_since: 0,
                heard_since_ping: true,
                questions: BTreeMap::new(),
                next_question: 0,
                conversations: mine
                    .map(|talk| (talk.id.clone(), Conversation::at(0, VecDeque::new())))
                    .collect(),
                kept: BTreeMap::new(),
                begins_at_head: false,
                listings: 0,
            })
        });
        clients.collect()
    }

    /// Comes alive.
    pub fn start(&mut self, stage: &Arc<Stage>, place: Place) {
        self.place = place;
        self.has_begun = true;
        self.begin(stage);
    }

    fn begin(&mut self, stage: &Arc<Stage>) {
        self.alive = true;
        self.down_since = stage.now();
        self.list(stage);
        self.poll_later(stage);
        if !self.by_http_only {
            self.dial(stage);
        }
    }

    /// A place for the next thing of this name that it does: nothing else that it does or leaves changes it.
    fn next_place(&mut self, name: &str) -> Place {
        let count = self.places.entry(name.to_owned()).or_default();
        *count += 1;
        self.place.named(name).within(*count)
    }

    /// Does something after a while, unless it has crashed by then.
    fn after(
        &self,
        stage: &Arc<Stage>,
        ms: u64,
        then: impl FnOnce(&mut Self, &Arc<Stage>) + Send + 'static,
    ) {
        let (device, life) = (self.device, self.life);
        stage.after(Duration::from_millis(ms), move |stage| {
            stage.client(device, |client| {
                if client.life == life {
                    then(client, stage);
                }
            });
        });
    }

    /// Full jitter: up to a bound that doubles from half a second to half a minute.
    fn backoff(&mut self, failures: u32) -> u64 {
        let bound = 500_u64 << failures.clamp(1, 7).saturating_sub(1);
        self.next_place("wait").chance().below(bound.min(30_000))
    }

    /// Sends a request; whether there was a connection to send it on.
    fn ask(&mut self, stage: &Arc<Stage>, question: Question, mut frame: Value) -> bool {
        let Link::Up(connection) = self.link.clone() else {
            return false;
        };
        let number = self.next_question;
        self.next_question += 1;
        let place = self.next_place(&question.name());
        self.questions.insert(number, question);
        frame["ref"] = json!(number.to_string());
        gateway::send(stage, &connection, frame.to_string(), place);
        self.after(stage, ANSWER_LIMIT, move |client, stage| {
            client.unanswered(stage, number)
        });
        true
    }

    /// Asks a route by HTTP; what becomes of it is this life's to know.
    fn ask_by_http<R: Route<Ports> + 'static>(
        &self,
        stage: &Arc<Stage>,
        place: Place,
        fields: Value,
        then: impl FnOnce(&mut Self, &Arc<Stage>, Reply) + Send + 'static,
    ) {
        let (here, user) = (Arc::clone(stage), self.user.clone());
        let (device, life) = (self.device, self.life);
        stage.tasks.spawn(async move {
            let reply = functions::http::<R>(&here, place, &user, fields, ()).await;
            here.client(device, |client| {
                if client.life == life {
                    then(client, &here, reply);
                }
            });
        });
    }

    fn unanswered(&mut self, stage: &Arc<Stage>, number: u64) {
        match self.questions.remove(&number) {
            Some(Question::Subscribe { conversation, .. }) => {
                self.not_subscribed(stage, &conversation, None)
            }
            Some(Question::Send {
                conversation,
                number,
                ..
            }) => self.not_sent(stage, &conversation, number, 0),
            Some(Question::Ping) | None => {}
        }
    }

    /// A frame reaches it.
    pub fn heard(&mut self, stage: &Arc<Stage>, connection: &ConnectionId, text: &str) {
        if self.link != Link::Up(connection.clone()) {
            return;
        }
        self.heard_since_ping = true;
        let frame: Frame = serde_json::from_str(text).unwrap_or_default();
        let number = frame
            .reference
            .as_deref()
            .and_then(|number| number.parse().ok());
        let question = number.and_then(|number: u64| self.questions.remove(&number));
        match frame.event.as_str() {
            "message" | "participantAdded" | "participantRemoved" => {
                let id = frame.conversation.clone();
                self.receive(stage, &id, vec![frame.into_entry()]);
            }
            "added" => self.is_in(stage, &frame.conversation, frame.head),
            "removed" => self.is_out(stage, &frame.conversation),
            "subscribed" => self.subscribed(stage, question, frame),
            "sent" => self.acknowledged(stage, &frame),
            "pong" => self.ponged(stage, &frame),
            "error" => match question {
                Some(Question::Subscribe { conversation, .. }) => {
                    self.not_subscribed(stage, &conversation, Some(&frame))
                }
                Some(Question::Send {
                    conversation,
                    number,
                    ..
                }) => self.send_refused(stage, &conversation, number, &frame),
                Some(Question::Ping) | None => {}
            },
            _ => {}
        }
    }

    /// Everything that is learnt of a log goes through here: each entry is compared with the outbox, and only then the
    /// position may move over it.
    fn receive(&mut self, stage: &Arc<Stage>, id: &str, entries: Vec<Entry>) {
        let believe = stage.mutant == Some(ClientMutant::PositionUnseen);
        for entry in entries {
            let Some(conversation) = self.conversations.get_mut(id) else {
                return;
            };
            let own = entry.sender.as_ref() == Some(&self.user);
            if let Some(message) = entry.id.as_deref().filter(|_| own)
                && let Some(outgoing) = conversation.forget(message)
            {
                stage.count("acknowledgements by one's own push or a catch-up");
                stage.record(self.sent(id, outgoing.id, entry.seq));
            }
            let Some(conversation) = self.conversations.get_mut(id) else {
                return;
            };
            for event in conversation.take(entry, believe) {
                stage.record(Record::Seen {
                    about: self.about(id),
                    seq: event.seq,
                    event,
                });
            }
        }
        self.notice_gap(stage, id);
        self.flush(stage, id);
    }

    fn sent(&self, conversation: &str, id: String, seq: u64) -> Record {
        Record::Sent {
            about: self.about(conversation),
            id,
            seq,
        }
    }

    fn about(&self, conversation: &str) -> About {
        About {
            client: self.name.clone(),
            user: self.user.clone(),
            conversation: conversation.to_owned(),
        }
    }

    fn ids(&self) -> Vec<String> {
        self.conversations.keys().cloned().collect()
    }

    /// Whether it has everything of a conversation, and nothing waits; or has never been there.
    pub fn is_complete(&self, id: &str, head: u64) -> bool {
        if !self.has_begun {
            return true;
        }
        let conversation = self.conversations.get(id);
        self.alive
            && conversation
                .is_some_and(|it| it.position == head && it.outbox.is_empty() && it.held.is_empty())
    }

    /// How it ends.
    pub fn end(&self, stage: &Stage) {
        let conversations = self.conversations.iter().filter(|_| self.has_begun);
        for (id, conversation) in conversations {
            stage.record(Record::End {
                about: self.about(id),
                position: conversation.position,
                pending: conversation.outbox.len() as u64,
            });
        }
    }
}

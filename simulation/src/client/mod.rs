//! A device as `docs/protocol.md` and section 3 of `docs/design.md` require it: its connection, its
//! requests, and its reactions to frames. It acts only on a frame, an answer or a timer.

mod catching_up;
mod connection;
mod conversation;
mod courier;
mod frames;
mod presence;
mod reactions;
mod receipts;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, Weak},
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
    connections::Endpoint,
    faults::Place,
    functions::{self, Reply},
    gateway,
    mutants::ClientMutant,
    ports::Ports,
    world::World,
};

/// A request counts as unanswered after this time, in milliseconds.
const ANSWER_LIMIT: u64 = 10_000;
/// Visible pages ping at least once a minute.
const PING_EVERY: u64 = 30_000;
const PING_SPREAD: u64 = 30_000;
/// After this time without a socket the client falls back to HTTP.
const SOCKET_PATIENCE: u64 = 5_000;

/// A device in a run: a client behind a lock, in its world.
pub struct Device {
    world: Arc<World>,
    client: Mutex<Client>,
}

impl Device {
    /// Creates all devices of the plan.
    pub fn all(world: &Arc<World>) -> Vec<Arc<Self>> {
        let devices = world.plan.devices.iter().enumerate();
        let devices = devices.map(|(device, planned)| {
            Arc::new_cyclic(|me| Self {
                world: Arc::clone(world),
                client: Mutex::new(Client {
                    me: me.clone(),
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
                    conversations: world
                        .plan
                        .conversations
                        .iter()
                        .filter(|conversation| conversation.participants.contains(&planned.user))
                        .map(|planned| {
                            let conversation = Conversation::at(0, VecDeque::new());
                            (planned.id.clone(), conversation)
                        })
                        .collect(),
                    kept: BTreeMap::new(),
                    begins_at_head: false,
                    listings: 0,
                }),
            })
        });
        devices.collect()
    }

    /// Lets the client act.
    pub fn act<T>(&self, act: impl FnOnce(&mut Client, &Arc<World>) -> T) -> T {
        act(&mut self.client.lock().unwrap(), &self.world)
    }
}

impl Endpoint for Device {
    fn dial_failed(&self, life: u64) {
        self.act(|client, world| client.dial_failed(world, life));
    }

    fn opened(&self, life: u64, connection: &ConnectionId) {
        self.act(|client, world| client.opened(world, life, connection));
    }

    fn lost(&self, life: u64, connection: &ConnectionId) {
        self.act(|client, world| client.lost(world, life, connection));
    }

    fn heard(&self, connection: &ConnectionId, frame: &str) {
        self.act(|client, world| client.heard(world, connection, frame));
    }
}

/// The state of one device.
pub struct Client {
    me: Weak<Device>,
    device: usize,
    name: String,
    user: String,
    by_http_only: bool,
    without_after: bool,
    place: Place,
    /// How many places of each name were taken.
    places: BTreeMap<String, u64>,
    attempts: u64,
    /// The number of restarts. Answers to requests of an earlier life are ignored.
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
    /// Outboxes of the previous life, for conversations that begin at the head in the next list.
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
    /// Subscribes to many conversations, each from a position.
    SubscribeToMany(Vec<(String, u64)>),
    Send {
        conversation: String,
        message: String,
        number: u64,
    },
    /// Asks for a reaction to a message with an emoji.
    React {
        conversation: String,
        key: (u64, String),
        number: u64,
    },
    Ping,
}

impl Question {
    fn name(&self) -> String {
        match self {
            Self::Subscribe { conversation, .. } => format!("subscribe {conversation}"),
            Self::SubscribeToMany(_) => "subscribe to many".to_owned(),
            Self::Send { message, .. } => format!("frame {message}"),
            Self::React { conversation, .. } => format!("frame of a reaction in {conversation}"),
            Self::Ping => "frame of a ping".to_owned(),
        }
    }
}

impl Client {
    /// Starts the client for the first time.
    pub fn start(&mut self, world: &Arc<World>, place: Place) {
        self.place = place;
        self.has_begun = true;
        self.begin(world);
    }

    fn begin(&mut self, world: &Arc<World>) {
        self.alive = true;
        self.down_since = world.now();
        self.list(world);
        for id in self.ids() {
            self.read_history(world, &id);
        }
        self.poll_later(world);
        if !self.by_http_only {
            self.dial(world);
        }
    }

    /// Returns the place of the client's next action of this name. Other actions do not change it.
    fn next_place(&mut self, name: &str) -> Place {
        let count = self.places.entry(name.to_owned()).or_default();
        *count += 1;
        self.place.named(name).within(*count)
    }

    /// Calls `then` after a wait, unless the client has crashed in between.
    fn after(
        &self,
        world: &Arc<World>,
        ms: u64,
        then: impl FnOnce(&mut Self, &Arc<World>) + Send + 'static,
    ) {
        let (me, life) = (self.me.clone(), self.life);
        world.after(Duration::from_millis(ms), move |world| {
            act_in_life(&me, life, |client| then(client, world));
        });
    }

    /// Returns a wait with full jitter, up to a bound that doubles from half a second to half a
    /// minute.
    fn backoff(&mut self, failures: u32) -> u64 {
        let bound = 500_u64 << failures.clamp(1, 7).saturating_sub(1);
        self.next_place("wait").chance().below(bound.min(30_000))
    }

    /// Sends a request, and returns whether a connection was open.
    fn ask(&mut self, world: &Arc<World>, question: Question, mut frame: Value) -> bool {
        let Link::Up(connection) = self.link.clone() else {
            return false;
        };
        let number = self.next_question;
        self.next_question += 1;
        let place = self.next_place(&question.name());
        self.questions.insert(number, question);
        frame["ref"] = json!(number.to_string());
        gateway::send(world, &connection, frame.to_string(), place);
        self.after(world, ANSWER_LIMIT, move |client, world| {
            client.unanswered(world, number)
        });
        true
    }

    /// Calls a route over HTTP. The reply is dropped if the client has crashed in between.
    fn ask_by_http<R: Route<Ports> + 'static>(
        &self,
        world: &Arc<World>,
        place: Place,
        fields: Value,
        then: impl FnOnce(&mut Self, &Arc<World>, Reply) + Send + 'static,
    ) {
        let (here, user) = (Arc::clone(world), self.user.clone());
        let (me, life) = (self.me.clone(), self.life);
        world.tasks.spawn(async move {
            let reply = functions::http::<R>(&here, place, &user, fields, ()).await;
            act_in_life(&me, life, |client| then(client, &here, reply));
        });
    }

    fn unanswered(&mut self, world: &Arc<World>, number: u64) {
        match self.questions.remove(&number) {
            Some(Question::Subscribe { conversation, .. }) => {
                self.not_subscribed(world, &conversation, None)
            }
            Some(Question::SubscribeToMany(wanted)) => {
                for (conversation, _) in wanted {
                    self.not_subscribed(world, &conversation, None);
                }
            }
            Some(Question::Send {
                conversation,
                number,
                ..
            }) => self.not_sent(world, &conversation, number, 0),
            Some(Question::React {
                conversation,
                key,
                number,
            }) => self.not_reacted(world, &conversation, (key, number), None),
            Some(Question::Ping) | None => {}
        }
    }

    /// Handles a frame from the server.
    fn heard(&mut self, world: &Arc<World>, connection: &ConnectionId, text: &str) {
        if self.link != Link::Up(connection.clone()) {
            return;
        }
        self.heard_since_ping = true;
        let frame: Frame = serde_json::from_str(text).unwrap_or_default();
        if frame.retry == "reauthenticate" {
            return self.dial_with_new_token(world, connection);
        }
        let number = frame
            .reference
            .as_deref()
            .and_then(|number| number.parse().ok());
        let question = number.and_then(|number: u64| self.questions.remove(&number));
        match frame.event.as_str() {
            "message" | "messageEdited" | "messageDeleted" | "reaction" | "participantAdded"
            | "participantRemoved" => {
                gateway::record_push(world, connection, &frame.event);
                let id = frame.conversation.clone();
                self.receive(world, &id, vec![frame.into_entry()]);
            }
            "added" => {
                gateway::record_push(world, connection, &frame.event);
                self.is_in(world, &frame.conversation, frame.head);
            }
            "removed" => {
                gateway::record_push(world, connection, &frame.event);
                self.is_out(world, &frame.conversation);
            }
            "subscribed" => match question {
                Some(Question::SubscribeToMany(wanted)) => {
                    self.subscribed_to_many(world, wanted, frame);
                }
                question => self.subscribed(world, question, frame),
            },
            "caughtUp" => self.caught_up(world, question, frame),
            "sent" | "edited" | "deleted" => self.acknowledged(world, &frame),
            "reacted" => {
                if let Some(Question::React {
                    conversation,
                    key,
                    number,
                }) = question
                {
                    self.reacted(world, &conversation, (key, number), &frame);
                }
            }
            "pong" => self.ponged(world, &frame),
            "read" => self.shown(world, &frame),
            "typing" => world.count("typing that was shown"),
            "error" => match question {
                Some(Question::Subscribe { conversation, .. }) => {
                    self.not_subscribed(world, &conversation, Some(&frame))
                }
                Some(Question::SubscribeToMany(wanted)) => {
                    for (conversation, _) in wanted {
                        self.not_subscribed(world, &conversation, Some(&frame));
                    }
                }
                Some(Question::Send {
                    conversation,
                    number,
                    ..
                }) => self.send_refused(world, &conversation, number, &frame),
                Some(Question::React {
                    conversation,
                    key,
                    number,
                }) => self.not_reacted(world, &conversation, (key, number), Some(&frame)),
                Some(Question::Ping) | None => {}
            },
            _ => {}
        }
    }

    /// Takes entries of a log. Each entry is compared with the outbox before the position may move
    /// over it.
    fn receive(&mut self, world: &Arc<World>, id: &str, entries: Vec<Entry>) {
        let believe = world.mutant == Some(ClientMutant::PositionUnseen);
        for entry in entries {
            let Some(conversation) = self.conversations.get_mut(id) else {
                return;
            };
            let own = entry.author() == Some(&*self.user);
            if let Some(message) = entry.id.as_deref().filter(|_| own)
                && let Some(outgoing) = conversation.forget(message)
            {
                world.count("acknowledgements by the client's own push or a catch-up");
                world.record(self.sent(id, outgoing.id, entry.seq));
            }
            let Some(conversation) = self.conversations.get_mut(id) else {
                return;
            };
            let seen = conversation.take(entry, believe);
            for event in &seen {
                conversation.fold(event, &self.user);
            }
            for event in seen {
                world.record(Record::Seen {
                    about: self.about(id),
                    seq: event.seq,
                    event,
                });
            }
        }
        self.notice_gap(world, id);
        self.flush(world, id);
        self.ask_for_reactions(world, id);
        if self.next_place(&format!("look {id}")).chance().below(4) == 0 {
            self.look(world, id);
        }
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

    /// Whether the client has a conversation's complete log and an empty outbox, or never started.
    pub fn is_complete(&self, id: &str, head: u64) -> bool {
        if !self.has_begun {
            return true;
        }
        let conversation = self.conversations.get(id);
        self.alive
            && conversation.is_some_and(|conversation| {
                conversation.position == head
                    && conversation.outbox.is_empty()
                    && conversation.held.is_empty()
                    && conversation.read <= conversation.confirmed
                    && conversation.reactions.are_confirmed()
            })
    }

    /// Records the client's final state.
    pub fn end(&self, world: &World) {
        let conversations = self.conversations.iter().filter(|_| self.has_begun);
        for (id, conversation) in conversations {
            world.record(Record::End {
                about: self.about(id),
                position: conversation.position,
                pending: conversation.outbox.len() as u64,
                texts: conversation
                    .texts
                    .iter()
                    .map(|(seq, (_, text))| (seq.to_string(), text.clone()))
                    .collect(),
                reactions: conversation.shown_reactions(),
            });
        }
    }
}

/// Lets the client act, unless it has crashed since `life`.
fn act_in_life(device: &Weak<Device>, life: u64, act: impl FnOnce(&mut Client)) {
    if let Some(device) = device.upgrade() {
        device.act(|client, _| {
            if client.life == life {
                act(client);
            }
        });
    }
}

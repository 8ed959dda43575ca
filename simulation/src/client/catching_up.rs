//! Catches up after every new connection, after a gap, after a limited page, and over HTTP while
//! there is no socket.

use std::sync::Arc;

use chat::routes::{ListConversations, ReadEvents};
use checker::history::Record;
use serde_json::{Value, json};

use super::{
    Client, Link, Question, SOCKET_PATIENCE,
    conversation::{Conversation, Phase},
    frames::Frame,
};
use crate::{functions::Reply, mutants::ClientMutant, world::World};

/// Pushes may overtake each other, so a gap gets this long to close by itself, in milliseconds.
const GAP_PATIENCE: u64 = 500;
/// The interval of HTTP reads while there is no socket, in milliseconds.
const POLL_EVERY: u64 = 5_000;
/// The interval of HTTP reads of a client that never has a socket, in milliseconds.
const ONLY_POLL_EVERY: u64 = 1_000;
/// The interval at which the list is read, in milliseconds. Notices of additions are best effort.
const LIST_EVERY: u64 = 60_000;

impl Client {
    pub(super) fn subscribe(&mut self, world: &Arc<World>, id: &str) {
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        if !matches!(self.link, Link::Up(_))
            || matches!(conversation.phase, Phase::Out | Phase::Asking)
        {
            return;
        }
        conversation.phase = Phase::Asking;
        let from = conversation.position;
        let question = Question::Subscribe {
            conversation: id.to_owned(),
            from,
        };
        self.ask(
            world,
            question,
            json!({"action": "subscribe", "conversation": id, "after": from}),
        );
    }

    /// Subscribes to all conversations in one frame.
    pub(super) fn subscribe_to_all(&mut self, world: &Arc<World>) {
        if !matches!(self.link, Link::Up(_)) {
            return;
        }
        let mut wanted = Vec::new();
        for (id, conversation) in &mut self.conversations {
            if !matches!(conversation.phase, Phase::Out | Phase::Asking) {
                conversation.phase = Phase::Asking;
                wanted.push((id.clone(), conversation.position));
            }
        }
        if wanted.is_empty() {
            return;
        }
        let conversations: Vec<Value> = wanted
            .iter()
            .map(|(id, from)| json!({"conversation": id, "after": from}))
            .collect();
        self.ask(
            world,
            Question::SubscribeToMany(wanted),
            json!({"action": "subscribe", "conversations": conversations, "receipts": true}),
        );
    }

    /// Handles the outcomes one by one, as if each were a reply.
    pub(super) fn subscribed_to_many(
        &mut self,
        world: &Arc<World>,
        wanted: Vec<(String, u64)>,
        frame: Frame,
    ) {
        world.count("subscriptions to many conversations");
        for ((conversation, from), outcome) in wanted.into_iter().zip(frame.conversations) {
            if outcome.code.is_empty() {
                let question = Question::Subscribe { conversation, from };
                self.subscribed(world, Some(question), outcome);
            } else {
                self.not_subscribed(world, &conversation, Some(&outcome));
            }
        }
    }

    pub(super) fn subscribed(
        &mut self,
        world: &Arc<World>,
        question: Option<Question>,
        frame: Frame,
    ) {
        let id = frame.conversation;
        self.receive(world, &id, frame.events);
        self.reads(world, &id, &frame.read);
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        conversation.reported_head = conversation.reported_head.max(frame.head);
        // The entries of a late answer are used, but it does not change the subscription's state.
        let Some(Question::Subscribe { from, .. }) = question else {
            return;
        };
        let missing = frame.limited || conversation.position < frame.head;
        if missing && conversation.position > from {
            conversation.phase = Phase::Wanted;
            conversation.failures = 0;
            self.subscribe(world, &id);
        } else if missing {
            self.subscribe_later(world, &id, None);
        } else {
            conversation.phase = Phase::Live;
            conversation.failures = 0;
            self.notice_gap(world, &id);
            self.flush(world, &id);
            self.ask_for_reactions(world, &id);
        }
    }

    pub(super) fn not_subscribed(&mut self, world: &Arc<World>, id: &str, problem: Option<&Frame>) {
        match problem {
            Some(problem) if problem.retry == "never" => self.is_out(world, id),
            Some(problem) => self.subscribe_later(world, id, problem.retry_after_ms),
            None => {
                if let Some(conversation) = self.conversations.get_mut(id) {
                    conversation.failures += 1;
                    conversation.phase = Phase::Wanted;
                }
                self.subscribe(world, id);
                self.flush(world, id);
            }
        }
    }

    fn subscribe_later(&mut self, world: &Arc<World>, id: &str, wait: Option<u64>) {
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        conversation.failures += 1;
        conversation.phase = Phase::Waiting;
        let failures = conversation.failures;
        let wait = wait.unwrap_or_else(|| self.backoff(failures));
        let id = id.to_owned();
        self.after(world, wait, move |client, world| {
            client.catch_up(world, &id)
        });
    }

    /// Subscribes again, unless a subscription is under way.
    pub(super) fn catch_up(&mut self, world: &Arc<World>, id: &str) {
        if let Some(conversation) = self.conversations.get_mut(id)
            && matches!(conversation.phase, Phase::Live | Phase::Waiting)
        {
            conversation.phase = Phase::Wanted;
        }
        self.subscribe(world, id);
    }

    /// Reads what is missing without subscribing again, or subscribes again: both repair a gap.
    fn repair(&mut self, world: &Arc<World>, id: &str) {
        let subscribes = self.next_place("repair").chance().below(3) == 0;
        let is_up = matches!(self.link, Link::Up(_));
        match self.conversations.get_mut(id) {
            Some(conversation) if conversation.phase == Phase::Live && is_up && !subscribes => {
                conversation.phase = Phase::Asking;
                let from = conversation.position;
                let question = Question::Subscribe {
                    conversation: id.to_owned(),
                    from,
                };
                let frame = json!({"action": "catchUp", "conversation": id, "after": from});
                self.ask(world, question, frame);
            }
            _ => self.catch_up(world, id),
        }
    }

    /// Handles a reply to `catchUp`.
    pub(super) fn caught_up(
        &mut self,
        world: &Arc<World>,
        question: Option<Question>,
        frame: Frame,
    ) {
        world.count("repairs that wrote nothing");
        if frame.subscribed {
            return self.subscribed(world, question, frame);
        }
        world.count("repairs that showed a lost subscription");
        let id = frame.conversation;
        self.receive(world, &id, frame.events);
        if question.is_some()
            && let Some(conversation) = self.conversations.get_mut(&id)
        {
            conversation.phase = Phase::Wanted;
            self.subscribe(world, &id);
        }
    }

    /// Waits for a gap to close by itself, since the missing entries may be in transit, and then
    /// catches up.
    pub(super) fn notice_gap(&mut self, world: &Arc<World>, id: &str) {
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        if conversation.held.is_empty()
            || conversation.gap_noticed
            || conversation.phase != Phase::Live
        {
            return;
        }
        conversation.gap_noticed = true;
        let id = id.to_owned();
        self.after(world, GAP_PATIENCE, move |client, world| {
            let Some(conversation) = client.conversations.get_mut(&id) else {
                return;
            };
            conversation.gap_noticed = false;
            if !conversation.held.is_empty() && conversation.phase == Phase::Live {
                world.count("gaps that were repaired");
                client.repair(world, &id);
            }
        });
    }

    /// Catches up where the server's head is ahead, because the newest entry was missed.
    pub(super) fn ponged(&mut self, world: &Arc<World>, frame: &Frame) {
        self.watched(world, frame);
        if world.mutant == Some(ClientMutant::NoPing) {
            return;
        }
        for (id, head) in &frame.heads {
            if let Some(conversation) = self.conversations.get_mut(id) {
                conversation.reported_head = conversation.reported_head.max(*head);
                if conversation.position < *head {
                    world.count("missed newest entries that a ping showed");
                    self.repair(world, id);
                }
            }
        }
    }

    // --- Participation ---------------------------------------------------------------------------

    /// Notes that the user is a participant.
    pub(super) fn is_in(&mut self, world: &Arc<World>, id: &str, head: u64) {
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.reported_head = conversation.reported_head.max(head);
            if conversation.phase == Phase::Out {
                conversation.phase = Phase::Wanted;
            }
        } else {
            self.begin_conversation(world, id, head);
        }
        if self
            .conversations
            .get(id)
            .is_some_and(|conversation| conversation.phase == Phase::Wanted)
        {
            self.subscribe(world, id);
            self.flush(world, id);
        }
    }

    /// Adds a conversation that the client has not known since its last start.
    fn begin_conversation(&mut self, world: &Arc<World>, id: &str, head: u64) {
        let kept = self.kept.remove(id);
        let position = if kept.is_some() || self.begins_at_head {
            let unsent = kept.iter().flatten().map(|outgoing| outgoing.first_after);
            unsent.min().map_or(head, |after| after.min(head))
        } else {
            0
        };
        let conversation = Conversation::at(position, kept.unwrap_or_default());
        if self.life == 0 {
            self.conversations.insert(id.to_owned(), conversation);
        } else {
            self.restart(world, id.to_owned(), conversation);
            self.read_history(world, id);
        }
    }

    /// Notes that the user is not a participant. Later entries are still taken.
    pub(super) fn is_out(&mut self, world: &Arc<World>, id: &str) {
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.phase = Phase::Out;
        }
        self.flush(world, id);
    }

    // --- HTTP ------------------------------------------------------------------------------------

    /// Reads the list now, and then every minute.
    pub(super) fn list(&mut self, world: &Arc<World>) {
        let place = self.next_place("list");
        self.ask_by_http::<ListConversations>(world, place, json!({}), |client, world, reply| {
            client.listed(world, &reply);
        });
    }

    fn listed(&mut self, world: &Arc<World>, reply: &Reply) {
        if let Reply::Granted(reply) = reply {
            for summary in reply["conversations"].as_array().into_iter().flatten() {
                let id = summary["id"].as_str().unwrap_or_default();
                let number = |name: &str| summary[name].as_u64().unwrap_or(0);
                world.record(Record::Counted {
                    about: self.about(id),
                    head: number("head"),
                    messages: number("messages"),
                    read_to: number("readTo"),
                    unread: number("unread"),
                });
                self.is_in(world, id, number("head"));
                self.confirmed(world, id, number("readTo"));
            }
        }
        let wait = if matches!(reply, Reply::Granted(_)) {
            LIST_EVERY
        } else {
            POLL_EVERY
        };
        self.list_again(world, wait);
    }

    /// Reads the list again after a wait, unless a newer wait has begun.
    fn list_again(&mut self, world: &Arc<World>, wait: u64) {
        self.listings += 1;
        let listing = self.listings;
        self.after(world, wait, move |client, world| {
            if client.listings == listing {
                client.list(world);
            }
        });
    }

    /// Reads all conversations over HTTP every few seconds while there is no socket.
    pub(super) fn poll_later(&mut self, world: &Arc<World>) {
        let wait = if self.by_http_only {
            ONLY_POLL_EVERY
        } else {
            POLL_EVERY
        };
        self.after(world, wait, |client, world| {
            if client.uses_http(world) {
                for id in client.ids() {
                    client.read(world, &id);
                    client.flush(world, &id);
                    client.ask_for_reactions(world, &id);
                }
            }
            client.poll_later(world);
        });
    }

    /// Whether the client uses HTTP instead of the socket.
    pub(super) fn uses_http(&self, world: &World) -> bool {
        let patient = world.now() < self.down_since + SOCKET_PATIENCE;
        self.by_http_only || !matches!(self.link, Link::Up(_)) && !patient
    }

    pub(super) fn read(&mut self, world: &Arc<World>, id: &str) {
        let place = self.next_place(&format!("read {id}"));
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        if conversation.polling || conversation.phase == Phase::Out {
            return;
        }
        conversation.polling = true;
        let fields = json!({"conversation": id, "after": conversation.position});
        let id = id.to_owned();
        self.ask_by_http::<ReadEvents>(world, place, fields, move |client, world, reply| {
            client.has_read(world, &id, reply);
        });
    }

    fn has_read(&mut self, world: &Arc<World>, id: &str, reply: Reply) {
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.polling = false;
        }
        match reply {
            Reply::Granted(page) => self.take_page(world, id, page),
            Reply::Refused(problem) if problem["retry"] == "never" => self.is_out(world, id),
            Reply::Refused(_) | Reply::Unanswered => {}
        }
    }

    fn take_page(&mut self, world: &Arc<World>, id: &str, page: Value) {
        let page: Frame = serde_json::from_value(page).unwrap_or_default();
        world.count("pages that were read over HTTP");
        self.receive(world, id, page.events);
        if page.limited {
            self.read(world, id);
        }
    }
}

//! The connection of a client: handshakes, losses, crashes, restarts and pings.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use chat::domain::ConnectionId;
use checker::history::Record;
use serde_json::json;

use super::{
    ANSWER_LIMIT, Client, Link, PING_EVERY, PING_SPREAD, Question,
    conversation::{Conversation, Phase},
};
use crate::{connections::Caller, faults::Place, gateway, world::World};

impl Client {
    pub(super) fn dial(&mut self, world: &Arc<World>) {
        if self.link == Link::Down && self.alive {
            self.link = Link::Dialing;
            let place = self.next_place("dial");
            let caller = Caller {
                device: self.device,
                life: self.life,
                endpoint: self.me.clone(),
            };
            gateway::dial(world, caller, place);
        }
    }

    /// Dials again after a failed handshake.
    pub(super) fn dial_failed(&mut self, world: &Arc<World>, life: u64) {
        if life != self.life {
            return;
        }
        self.link = Link::Down;
        self.dial_failures += 1;
        let wait = self.backoff(self.dial_failures);
        self.after(world, wait, Self::dial);
    }

    /// Subscribes after a successful handshake.
    pub(super) fn opened(&mut self, world: &Arc<World>, life: u64, connection: &ConnectionId) {
        if life != self.life {
            let place = self.next_place("close");
            return gateway::close(world, connection, place);
        }
        world.trace(|| format!("{connection} is open"));
        self.link = Link::Up(connection.clone());
        self.dial_failures = 0;
        self.heard_since_ping = true;
        self.ping_later(world);
        self.list(world);
        self.greet(world);
        if self.next_place("subscribe").chance().below(2) == 0 {
            return self.subscribe_to_all(world);
        }
        for id in self.ids() {
            self.subscribe(world, &id);
        }
    }

    /// Dials again after the connection ended.
    pub(super) fn lost(&mut self, world: &Arc<World>, life: u64, connection: &ConnectionId) {
        if life == self.life && self.link == Link::Up(connection.clone()) {
            self.disconnected(world);
            self.dial_failures += 1;
            let wait = self.backoff(self.dial_failures);
            self.after(world, wait, Self::dial);
        }
    }

    /// Closes a connection whose token has ended, and dials again.
    pub(super) fn dial_with_new_token(&mut self, world: &Arc<World>, connection: &ConnectionId) {
        world.count("connections that were replaced because their token ended");
        let place = self.next_place("close");
        gateway::close(world, connection, place);
        self.disconnected(world);
        self.dial(world);
    }

    pub(super) fn disconnected(&mut self, world: &Arc<World>) {
        self.link = Link::Down;
        self.down_since = world.now();
        self.questions.clear();
        self.conversations
            .values_mut()
            .for_each(Conversation::disconnected);
    }

    /// Lets the network cut the connection.
    pub fn cut(&mut self, world: &Arc<World>) {
        if let Link::Up(connection) = self.link.clone() {
            let place = self.next_place("cut");
            gateway::cut(world, &connection, place);
        }
    }

    /// Crashes the client. It restarts after a while from its saved state, from the head in the
    /// list, or from nothing.
    pub fn crash(&mut self, world: &Arc<World>, place: Place) {
        if !self.alive {
            return;
        }
        let chance = place.within(1).chance();
        world.trace(|| format!("{} crashes", self.name));
        world.count("clients that restarted");
        self.cut(world);
        self.disconnected(world);
        self.alive = false;
        self.life += 1;
        let manner = chance.below(3);
        self.after(world, 100 + chance.below(15_000), move |client, world| {
            client.start_again(world, manner)
        });
    }

    pub(super) fn start_again(&mut self, world: &Arc<World>, manner: u64) {
        let kept = std::mem::take(&mut self.conversations);
        if manner == 2 {
            self.kept.clear();
        }
        self.begins_at_head = manner == 1;
        for (id, conversation) in kept {
            match manner {
                // The head in the list, but not beyond the position of an unsent message.
                1 => {
                    self.kept.insert(id, conversation.outbox);
                }
                0 => {
                    let began = Conversation::at(conversation.position, conversation.outbox);
                    self.restart(world, id, began);
                }
                _ => self.restart(world, id, Conversation::at(0, VecDeque::new())),
            }
        }
        self.begin(world);
    }

    pub(super) fn restart(&mut self, world: &World, id: String, conversation: Conversation) {
        world.record(Record::Restart {
            about: self.about(&id),
            position: conversation.position,
        });
        self.conversations.insert(id, conversation);
    }

    pub(super) fn ping_later(&mut self, world: &Arc<World>) {
        let wait = PING_EVERY + self.next_place("ping").chance().below(PING_SPREAD);
        let Link::Up(connection) = self.link.clone() else {
            return;
        };
        self.after(world, wait, move |client, world| {
            if client.link == Link::Up(connection) {
                client.ping(world);
            }
        });
    }

    pub(super) fn ping(&mut self, world: &Arc<World>) {
        for id in self.ids() {
            self.look(world, &id);
        }
        let followed = self
            .conversations
            .iter()
            .filter(|(_, conversation)| conversation.phase != Phase::Out);
        let positions: BTreeMap<&String, u64> = followed
            .map(|(id, conversation)| (id, conversation.position))
            .collect();
        self.heard_since_ping = false;
        let frame = json!({"action": "ping", "positions": positions});
        let frame = self.with_presence(world, frame);
        self.ask(world, Question::Ping, frame);
        self.ping_later(world);
        let Link::Up(connection) = self.link.clone() else {
            return;
        };
        let life = self.life;
        // Any frame proves that the connection is alive.
        self.after(world, ANSWER_LIMIT, move |client, world| {
            if !client.heard_since_ping && client.link == Link::Up(connection.clone()) {
                client.lost(world, life, &connection);
            }
        });
    }
}

//! The connection of a device: dialled, lost, cut, with the device or without it, and kept alive by pings.

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
use crate::{faults::Place, gateway, stage::Stage};

impl Client {
    pub(super) fn dial(&mut self, stage: &Arc<Stage>) {
        if self.link == Link::Down && self.alive {
            self.link = Link::Dialing;
            let place = self.next_place("dial");
            gateway::dial(stage, self.device, self.life, place);
        }
    }

    /// The handshake has failed.
    pub fn dial_failed(&mut self, stage: &Arc<Stage>, life: u64) {
        if life != self.life {
            return;
        }
        self.link = Link::Down;
        self.dial_failures += 1;
        let wait = self.backoff(self.dial_failures);
        self.after(stage, wait, Self::dial);
    }

    /// The handshake has succeeded.
    pub fn opened(&mut self, stage: &Arc<Stage>, life: u64, connection: &ConnectionId) {
        if life != self.life {
            let place = self.next_place("close");
            return gateway::close(stage, connection, place);
        }
        stage.tell(|| format!("{connection} is open"));
        self.link = Link::Up(connection.clone());
        self.dial_failures = 0;
        self.heard_since_ping = true;
        self.ping_later(stage);
        self.list(stage);
        for id in self.ids() {
            self.subscribe(stage, &id);
        }
    }

    /// The connection has ended.
    pub fn lost(&mut self, stage: &Arc<Stage>, life: u64, connection: &ConnectionId) {
        if life == self.life && self.link == Link::Up(connection.clone()) {
            self.disconnected(stage);
            self.dial_failures += 1;
            let wait = self.backoff(self.dial_failures);
            self.after(stage, wait, Self::dial);
        }
    }

    pub(super) fn disconnected(&mut self, stage: &Arc<Stage>) {
        self.link = Link::Down;
        self.down_since = stage.now();
        self.questions.clear();
        self.conversations
            .values_mut()
            .for_each(Conversation::disconnected);
    }

    /// The network ends its connection.
    pub fn cut(&mut self, stage: &Arc<Stage>) {
        if let Link::Up(connection) = self.link.clone() {
            let place = self.next_place("cut");
            gateway::cut(stage, &connection, place);
        }
    }

    /// It is gone from one moment to the next, and comes back after a while: with what it had kept, at a head that it is
    /// told, or as if it had never been there.
    pub fn crash(&mut self, stage: &Arc<Stage>, place: Place) {
        if !self.alive {
            return;
        }
        let chance = place.within(1).chance();
        stage.tell(|| format!("{} crashes", self.name));
        stage.count("clients that began anew");
        self.cut(stage);
        self.disconnected(stage);
        self.alive = false;
        self.life += 1;
        let manner = chance.below(3);
        self.after(stage, 100 + chance.below(15_000), move |client, stage| {
            client.begin_anew(stage, manner)
        });
    }

    pub(super) fn begin_anew(&mut self, stage: &Arc<Stage>, manner: u64) {
        let kept = std::mem::take(&mut self.conversations);
        if manner == 2 {
            self.kept.clear();
        }
        self.begins_at_head = manner == 1;
        for (id, conversation) in kept {
            match manner {
                // The position that the list tells, but not past anything unsent.
                1 => {
                    self.kept.insert(id, conversation.outbox);
                }
                0 => {
                    let began = Conversation::at(conversation.position, conversation.outbox);
                    self.restart(stage, id, began);
                }
                _ => self.restart(stage, id, Conversation::at(0, VecDeque::new())),
            }
        }
        self.begin(stage);
    }

    pub(super) fn restart(&mut self, stage: &Stage, id: String, conversation: Conversation) {
        stage.record(Record::Restart {
            about: self.about(&id),
            position: conversation.position,
        });
        self.conversations.insert(id, conversation);
    }

    pub(super) fn ping_later(&mut self, stage: &Arc<Stage>) {
        let wait = PING_EVERY + self.next_place("ping").chance().below(PING_SPREAD);
        let Link::Up(connection) = self.link.clone() else {
            return;
        };
        self.after(stage, wait, move |client, stage| {
            if client.link == Link::Up(connection) {
                client.ping(stage);
            }
        });
    }

    pub(super) fn ping(&mut self, stage: &Arc<Stage>) {
        let followed = self
            .conversations
            .iter()
            .filter(|(_, it)| it.phase != Phase::Out);
        let positions: BTreeMap<&String, u64> =
            followed.map(|(id, it)| (id, it.position)).collect();
        self.heard_since_ping = false;
        let frame = json!({"action": "ping", "positions": positions});
        self.ask(stage, Question::Ping, frame);
        self.ping_later(stage);
        let Link::Up(connection) = self.link.clone() else {
            return;
        };
        let life = self.life;
        // Any frame proves life.
        self.after(stage, ANSWER_LIMIT, move |client, stage| {
            if !client.heard_since_ping && client.link == Link::Up(connection.clone()) {
                client.lost(stage, life, &connection);
            }
        });
    }
}

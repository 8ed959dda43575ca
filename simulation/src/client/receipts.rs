//! Receipts and typing. A receipt may be lost, late or repeated: the client compares its position
//! with the server's and sends it again.

use std::sync::Arc;

use chat::routes::Receipt;
use checker::history::Record;
use serde_json::{Value, json};

use super::{Client, Link, frames::Frame};
use crate::{
    faults::{Kind, Place},
    functions::Reply,
    gateway,
    world::World,
};

/// A position beyond the end of every log.
const INVENTED: u64 = 1_000_000;

impl Client {
    /// Lets the user read everything that the client has, and says so.
    pub(super) fn look(&mut self, world: &Arc<World>, id: &str) {
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.read = conversation.read.max(conversation.position);
        }
        self.confirm(world, id);
    }

    /// Sends a receipt if the server does not know how far the user has read.
    pub(super) fn confirm(&mut self, world: &Arc<World>, id: &str) {
        let place = self.next_place(&format!("receipt {id}"));
        let uses_http = self.uses_http(world);
        let Some(conversation) = self.conversations.get_mut(id).filter(|_| self.alive) else {
            return;
        };
        // One receipt over HTTP at a time: the checker knows an answer by the receipt before it.
        if conversation.read <= conversation.confirmed || conversation.receipting {
            return;
        }
        let chance = place.chance();
        let private = chance.below(3) == 0;
        let by_http = uses_http || chance.below(3) == 0;
        let mut read = conversation.read;
        if world.faults.injects(Kind::PositionInvented, place) {
            read += INVENTED;
        }
        let fields =
            json!({"action": "receipt", "conversation": id, "read": read, "private": private});
        if by_http {
            conversation.receipting = true;
        } else if !matches!(self.link, Link::Up(_)) {
            return;
        }
        world.record(Record::Receipt {
            about: self.about(id),
            read,
            private,
        });
        if by_http {
            return self.confirm_by_http(world, id, place.within(1), fields);
        }
        if let Link::Up(connection) = self.link.clone() {
            gateway::send(world, &connection, fields.to_string(), place.within(1));
        }
    }

    fn confirm_by_http(&mut self, world: &Arc<World>, id: &str, place: Place, fields: Value) {
        let id = id.to_owned();
        self.ask_by_http::<Receipt>(world, place, fields, move |client, world, reply| {
            let about = client.about(&id);
            let Some(conversation) = client.conversations.get_mut(&id) else {
                return;
            };
            conversation.receipting = false;
            if let Reply::Granted(answer) = reply {
                let read_to = answer["readTo"].as_u64().unwrap_or(0);
                conversation.confirmed = read_to;
                world.record(Record::Receipted { about, read_to });
            }
        });
    }

    /// Takes the server's word for how far the user has read.
    pub(super) fn confirmed(&mut self, world: &Arc<World>, id: &str, read_to: u64) {
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.confirmed = read_to;
            if conversation.read > read_to {
                world.count("positions that were ahead of the server's");
            }
        }
        self.confirm(world, id);
    }

    /// Notes how far a participant has read.
    pub(super) fn shown(&mut self, world: &Arc<World>, frame: &Frame) {
        let of = frame.user.clone().unwrap_or_default();
        if of == self.user
            && let Some(conversation) = self.conversations.get_mut(&frame.conversation)
        {
            conversation.confirmed = conversation.confirmed.max(frame.read_to);
        }
        world.record(Record::Shown {
            about: self.about(&frame.conversation),
            of,
            read_to: frame.read_to,
        });
    }

    /// Takes the positions of the participants of a conversation.
    pub(super) fn reads(&mut self, world: &Arc<World>, id: &str, reads: &Value) {
        for (of, read_to) in reads.as_object().into_iter().flatten() {
            world.record(Record::Shown {
                about: self.about(id),
                of: of.clone(),
                read_to: read_to.as_u64().unwrap_or(0),
            });
        }
        if let Some(own) = reads[&self.user].as_u64() {
            self.confirmed(world, id, own);
        }
    }

    /// Types. Nothing depends on it.
    pub(super) fn types(&mut self, world: &Arc<World>, id: &str) {
        let place = self.next_place(&format!("type {id}"));
        let position = self
            .conversations
            .get(id)
            .map_or(0, |conversation| conversation.position);
        if let Link::Up(connection) = self.link.clone() {
            let frame = json!({"action": "typing", "conversation": id, "after": position});
            gateway::send(world, &connection, frame.to_string(), place);
        }
    }
}

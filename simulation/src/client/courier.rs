//! Sends messages, one at a time per conversation, over the socket or HTTP. Retries as the server
//! advises.

use std::sync::Arc;

use chat::{
    request::Route,
    routes::{DeleteMessage, EditMessage, SendMessage},
};
use checker::history::{Entry, Record};
use serde_json::json;

use super::{
    ANSWER_LIMIT, Client, Link, Question,
    conversation::{Attempt, Outgoing, OutgoingKind, Phase},
    frames::Frame,
};
use crate::{
    faults::{Kind, Place},
    functions::Reply,
    mutants::ClientMutant,
    plan::Meeting,
    ports::Ports,
    world::World,
};

/// A position beyond the end of every log.
const INVENTED: u64 = 1_000_000;
/// The wait before a retry that needs a catch-up first, in milliseconds.
const RESYNC_WAIT: u64 = 500;

impl Client {
    /// Puts a new message into the outbox.
    pub fn say(&mut self, world: &Arc<World>, id: &str, message: &str) {
        if !self.alive || !self.conversations.contains_key(id) {
            return;
        }
        self.types(world, id);
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        let position = conversation.position;
        let chance = self.place.named(message).chance();
        let replies = position > 0 && chance.below(4) == 0;
        conversation.outbox.push_back(Outgoing {
            id: message.to_owned(),
            body: format!("{message} of {}", self.name),
            kind: OutgoingKind::Message {
                reply_to: replies.then(|| 1 + chance.below(position)),
            },
            first_after: position,
            attempts: 0,
        });
        self.flush(world, id);
    }

    /// Puts an edit or a deletion of a message into the outbox: mostly of an own one, sometimes of
    /// whatever is at a position.
    pub fn revise(&mut self, world: &Arc<World>, id: &str, change: &str, deletes: bool) {
        let Some(conversation) = self.conversations.get_mut(id).filter(|_| self.alive) else {
            return;
        };
        let chance = self.place.named(change).chance();
        let own = &conversation.own;
        let target = if own.is_empty() || chance.below(6) == 0 {
            1 + chance.below(conversation.position + 1)
        } else {
            let place = usize::try_from(chance.below(own.len() as u64)).unwrap_or(0);
            own[place]
        };
        self.change(world, id, change, (target, deletes));
    }

    /// Changes the newest message of an author, as other devices do at the same moment.
    pub fn meet(
        &mut self,
        world: &Arc<World>,
        id: &str,
        name: &str,
        (author, meeting): (&str, Meeting),
    ) {
        let known = self.conversations.get(id).filter(|_| self.alive);
        let Some(target) = known.and_then(|conversation| conversation.newest_of(author)) else {
            return;
        };
        world.count("changes of a message at the same moment");
        match meeting {
            Meeting::Delete => self.change(world, id, name, (target, true)),
            Meeting::Edit => self.change(world, id, name, (target, false)),
            Meeting::React => self.click(world, id, name, target),
        }
    }

    /// Puts an edit or a deletion of the message at `target` into the outbox.
    fn change(
        &mut self,
        world: &Arc<World>,
        id: &str,
        change: &str,
        (target, deletes): (u64, bool),
    ) {
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        let first_after = conversation.position;
        conversation.outbox.push_back(Outgoing {
            id: change.to_owned(),
            body: if deletes {
                String::new()
            } else {
                format!("{change} of {}", self.name)
            },
            kind: if deletes {
                OutgoingKind::Deletion { target }
            } else {
                OutgoingKind::Edit { target }
            },
            first_after,
            attempts: 0,
        });
        world.count("edits and deletions");
        self.flush(world, id);
    }

    /// Sends the next message, unless an attempt is in flight or has to wait.
    pub(super) fn flush(&mut self, world: &Arc<World>, id: &str) {
        let uses_http = self.uses_http(world);
        let connected = matches!(self.link, Link::Up(_));
        let Some(conversation) = self.conversations.get_mut(id).filter(|_| self.alive) else {
            return;
        };
        // A push or a catch-up may have acknowledged the message in flight already.
        if let Some(attempt) = &conversation.in_flight
            && conversation
                .outbox
                .iter()
                .any(|outgoing| outgoing.id == attempt.id)
        {
            return;
        }
        conversation.in_flight = None;
        let ready =
            matches!(conversation.phase, Phase::Live | Phase::Out) || conversation.failures > 0;
        if world.now() < conversation.rests_until || !(uses_http || connected && ready) {
            return;
        }
        let position = conversation.position;
        let reported = conversation.reported_head;
        let Some(outgoing) = conversation.outbox.front_mut() else {
            return;
        };
        let count = outgoing.attempts;
        let place = self.place.named(&outgoing.id).within(count);
        // `after` is the position at the first attempt, or the current one.
        let chance = place.chance();
        let mut after = if chance.below(3) == 0 {
            outgoing.first_after.min(position)
        } else {
            position
        };
        if world.mutant == Some(ClientMutant::PositionHead) {
            after = position.max(reported);
        }
        if outgoing.attempts == 0 {
            outgoing.first_after = position;
            after = after.max(position);
        } else {
            world.count("messages that were sent again");
        }
        if world.faults.injects(Kind::PositionInvented, place) {
            after += INVENTED;
        }
        outgoing.attempts += 1;
        self.attempts += 1;
        let number = self.attempts;
        let (message, body) = (outgoing.id.clone(), outgoing.body.clone());
        let kind = outgoing.kind;
        conversation.in_flight = Some(Attempt {
            id: message.clone(),
            number,
            by_socket: !uses_http,
        });
        let about = self.about(id);
        world.record(Record::Send {
            about,
            id: message.clone(),
            body: body.clone(),
            target: kind.target(),
        });
        let mut request = match kind {
            OutgoingKind::Message { reply_to } => {
                json!({"action": "sendMessage", "body": body, "replyTo": reply_to})
            }
            OutgoingKind::Edit { target } => {
                json!({"action": "editMessage", "body": body, "target": target})
            }
            OutgoingKind::Deletion { target } => {
                json!({"action": "deleteMessage", "target": target})
            }
        };
        request["conversation"] = json!(id);
        request["id"] = json!(message);
        request["after"] = json!(after);
        let is_short = world
            .plan
            .conversations
            .iter()
            .any(|planned| planned.id == id && planned.is_short);
        if self.without_after && is_short {
            request["after"] = json!(null);
        }
        world.trace(|| {
            format!(
                "  over {}, after {}",
                if uses_http { "HTTP" } else { "the socket" },
                request["after"]
            )
        });
        if uses_http {
            world.count("messages sent over HTTP");
            let place = place.within(1);
            match kind {
                OutgoingKind::Message { .. } => {
                    self.send_by_http::<SendMessage>(world, id, (number, place), request);
                }
                OutgoingKind::Edit { .. } => {
                    self.send_by_http::<EditMessage>(world, id, (number, place), request);
                }
                OutgoingKind::Deletion { .. } => {
                    self.send_by_http::<DeleteMessage>(world, id, (number, place), request);
                }
            }
        } else {
            world.count("messages sent over a socket");
            self.ask(
                world,
                Question::Send {
                    conversation: id.to_owned(),
                    message,
                    number,
                },
                request,
            );
        }
    }

    fn send_by_http<R: Route<Ports> + 'static>(
        &mut self,
        world: &Arc<World>,
        id: &str,
        (number, place): (u64, Place),
        request: serde_json::Value,
    ) {
        let begun = world.now();
        let id = id.to_owned();
        self.ask_by_http::<R>(world, place, request, move |client, world, reply| {
            let rest = (begun + ANSWER_LIMIT).saturating_sub(world.now());
            match reply {
                Reply::Granted(sent) => {
                    client.acknowledged(world, &serde_json::from_value(sent).unwrap_or_default());
                }
                Reply::Refused(problem) => {
                    let problem = serde_json::from_value(problem).unwrap_or_default();
                    client.send_refused(world, &id, number, &problem);
                }
                Reply::Unanswered => client.not_sent(world, &id, number, rest),
            }
        });
    }

    /// Handles an acknowledgement, which replaces the push of the client's own message.
    pub(super) fn acknowledged(&mut self, world: &Arc<World>, frame: &Frame) {
        let message = frame.id.clone().unwrap_or_default();
        world.record(self.sent(&frame.conversation, message.clone(), frame.seq));
        let Some(conversation) = self.conversations.get_mut(&frame.conversation) else {
            return;
        };
        // The deletion of a deleted message is answered with the entry of another request.
        let is_other = frame.event == "deleted" && frame.duplicate;
        if let Some(outgoing) = conversation.forget(&message).filter(|_| !is_other) {
            let mut entry = Entry {
                event: "message".to_owned(),
                seq: frame.seq,
                id: Some(message),
                sender: Some(self.user.clone()),
                body: Some(outgoing.body),
                user: None,
                target: outgoing.kind.target(),
                emoji: None,
                on: None,
                by: None,
                edited: None,
                deleted: None,
                sent_at: frame.sent_at.clone(),
            };
            match outgoing.kind {
                OutgoingKind::Message { .. } => {}
                OutgoingKind::Edit { .. } => entry.event = "messageEdited".to_owned(),
                OutgoingKind::Deletion { .. } => {
                    entry.event = "messageDeleted".to_owned();
                    (entry.sender, entry.body) = (None, None);
                    entry.by = Some(self.user.clone());
                }
            }
            self.receive(world, &frame.conversation, vec![entry]);
        }
        self.flush(world, &frame.conversation);
    }

    pub(super) fn send_refused(
        &mut self,
        world: &Arc<World>,
        id: &str,
        number: u64,
        problem: &Frame,
    ) {
        let Some(attempt) = self.attempt(id, number) else {
            return;
        };
        if problem.retry == "never" {
            world.count("messages that were refused for good");
            world.record(Record::Refused {
                about: self.about(id),
                id: attempt.id.clone(),
                code: problem.code.clone(),
            });
            if let Some(conversation) = self.conversations.get_mut(id) {
                conversation.forget(&attempt.id);
            }
            return self.flush(world, id);
        }
        if problem.retry == "resync" {
            self.catch_up(world, id);
            self.rest(
                world,
                id,
                problem.retry_after_ms.unwrap_or(RESYNC_WAIT),
                true,
            );
        } else {
            self.rest(
                world,
                id,
                problem.retry_after_ms.unwrap_or(RESYNC_WAIT),
                false,
            );
        }
    }

    /// Handles an unanswered attempt: the next one follows after a wait, or at once on a new
    /// connection.
    pub(super) fn not_sent(&mut self, world: &Arc<World>, id: &str, number: u64, rest: u64) {
        if self.attempt(id, number).is_some() {
            self.rest(world, id, rest, true);
        }
    }

    /// Ends the attempt of this number, if it is in flight.
    fn attempt(&mut self, id: &str, number: u64) -> Option<Attempt> {
        let conversation = self.conversations.get_mut(id)?;
        conversation
            .in_flight
            .take_if(|attempt| attempt.number == number)
    }

    fn rest(&mut self, world: &Arc<World>, id: &str, ms: u64, ends_on_reconnect: bool) {
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        conversation.rests_until = world.now() + ms;
        conversation.rest_ends_on_reconnect = ends_on_reconnect;
        let id = id.to_owned();
        self.after(world, ms, move |client, world| client.flush(world, &id));
    }
}

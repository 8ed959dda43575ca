//! Sending: one message of a conversation at a time, by whichever way there is, and again as the answer advises.

use std::sync::Arc;

use chat::routes::SendMessage;
use checker::history::{Entry, Record};
use serde_json::json;

use super::{
    ANSWER_LIMIT, Client, Link, Question,
    conversation::{Attempt, Outgoing, Phase},
    frames::Frame,
};
use crate::{
    faults::{Kind, Place},
    functions::Reply,
    mutants::ClientMutant,
    stage::Stage,
};

/// More than any log has entries.
const INVENTED: u64 = 1_000_000;
/// The wait before a send is tried again that needs a catch-up first.
const RESYNC_WAIT: u64 = 500;

impl Client {
    /// Somebody writes a message.
    pub fn say(&mut self, stage: &Arc<Stage>, id: &str, message: &str) {
        let Some(conversation) = self.conversations.get_mut(id).filter(|_| self.alive) else {
            return;
        };
        let position = conversation.position;
        conversation.outbox.push_back(Outgoing {
            id: message.to_owned(),
            body: format!("{message} of {}", self.name),
            first_after: position,
            attempts: 0,
        });
        self.flush(stage, id);
    }

    /// Sends what is next, unless something is on its way or has to wait.
    pub(super) fn flush(&mut self, stage: &Arc<Stage>, id: &str) {
        let uses_http = self.uses_http(stage);
        let connected = matches!(self.link, Link::Up(_));
        let Some(conversation) = self.conversations.get_mut(id).filter(|_| self.alive) else {
            return;
        };
        // A push or a catch-up may have acknowledged what still waits for its answer.
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
        if stage.now() < conversation.rests_until || !(uses_http || connected && ready) {
            return;
        }
        let position = conversation.position;
        let reported = conversation.reported_head;
        let Some(outgoing) = conversation.outbox.front_mut() else {
            return;
        };
        let count = outgoing.attempts;
        let place = self.place.named(&outgoing.id).within(count);
        // Where it says that it is: at its first attempt, or as far as it has seen since.
        let chance = place.chance();
        let mut after = if chance.below(3) == 0 {
            outgoing.first_after.min(position)
        } else {
            position
        };
        if stage.mutant == Some(ClientMutant::PositionHead) {
            after = position.max(reported);
        }
        if outgoing.attempts == 0 {
            outgoing.first_after = position;
            after = after.max(position);
        } else {
            stage.count("messages that were sent again");
        }
        if stage.faults.strikes(Kind::PositionInvented, place) {
            after += INVENTED;
        }
        outgoing.attempts += 1;
        self.attempts += 1;
        let number = self.attempts;
        let (message, body) = (outgoing.id.clone(), outgoing.body.clone());
        conversation.in_flight = Some(Attempt {
            id: message.clone(),
            number,
            by_socket: !uses_http,
        });
        let about = self.about(id);
        stage.record(Record::Send {
            about,
            id: message.clone(),
            body: body.clone(),
        });
        let mut request = json!({"action": "sendMessage", "conversation": id, "id": message, "body": body, "after": after});
        let is_short = stage
            .plan
            .conversations
            .iter()
            .any(|talk| talk.id == id && talk.is_short);
        if self.without_after && is_short {
            request["after"] = json!(null);
        }
        stage.tell(|| {
            format!(
                "  by {}, after {}",
                if uses_http { "HTTP" } else { "its socket" },
                request["after"]
            )
        });
        if uses_http {
            stage.count("messages sent by HTTP");
            self.send_by_http(stage, id, (number, place.within(1)), request);
        } else {
            stage.count("messages sent by a socket");
            self.ask(
                stage,
                Question::Send {
                    conversation: id.to_owned(),
                    message,
                    number,
                },
                request,
            );
        }
    }

    fn send_by_http(
        &mut self,
        stage: &Arc<Stage>,
        id: &str,
        (number, place): (u64, Place),
        request: serde_json::Value,
    ) {
        let begun = stage.now();
        let id = id.to_owned();
        self.ask_by_http::<SendMessage>(stage, place, request, move |client, stage, reply| {
            let rest = (begun + ANSWER_LIMIT).saturating_sub(stage.now());
            match reply {
                Reply::Granted(sent) => {
                    client.acknowledged(stage, &serde_json::from_value(sent).unwrap_or_default());
                }
                Reply::Refused(problem) => {
                    let problem = serde_json::from_value(problem).unwrap_or_default();
                    client.send_refused(stage, &id, number, &problem);
                }
                Reply::Unanswered => client.not_sent(stage, &id, number, rest),
            }
        });
    }

    /// The acknowledgement tells as much as a push of the message would.
    pub(super) fn acknowledged(&mut self, stage: &Arc<Stage>, frame: &Frame) {
        let message = frame.id.clone().unwrap_or_default();
        stage.record(self.sent(&frame.conversation, message.clone(), frame.seq));
        let Some(conversation) = self.conversations.get_mut(&frame.conversation) else {
            return;
        };
        if let Some(outgoing) = conversation.forget(&message) {
            let entry = Entry {
                event: "message".to_owned(),
                seq: frame.seq,
                id: Some(message),
                sender: Some(self.user.clone()),
                body: Some(outgoing.body),
                user: None,
                sent_at: frame.sent_at.clone(),
            };
            self.receive(stage, &frame.conversation, vec![entry]);
        }
        self.flush(stage, &frame.conversation);
    }

    pub(super) fn send_refused(
        &mut self,
        stage: &Arc<Stage>,
        id: &str,
        number: u64,
        problem: &Frame,
    ) {
        let Some(attempt) = self.attempt(id, number) else {
            return;
        };
        if problem.retry == "never" {
            stage.count("messages that were refused for good");
            stage.record(Record::Refused {
                about: self.about(id),
                id: attempt.id.clone(),
                code: problem.code.clone(),
            });
            if let Some(conversation) = self.conversations.get_mut(id) {
                conversation.forget(&attempt.id);
            }
            return self.flush(stage, id);
        }
        if problem.retry == "resync" {
            self.catch_up(stage, id);
            self.rest(
                stage,
                id,
                problem.retry_after_ms.unwrap_or(RESYNC_WAIT),
                true,
            );
        } else {
            self.rest(
                stage,
                id,
                problem.retry_after_ms.unwrap_or(RESYNC_WAIT),
                false,
            );
        }
    }

    /// An attempt is unanswered: another may follow after a while, or at once on a new connection.
    pub(super) fn not_sent(&mut self, stage: &Arc<Stage>, id: &str, number: u64, rest: u64) {
        if self.attempt(id, number).is_some() {
            self.rest(stage, id, rest, true);
        }
    }

    /// Ends the attempt of this number, if it is the one under way.
    fn attempt(&mut self, id: &str, number: u64) -> Option<Attempt> {
        let conversation = self.conversations.get_mut(id)?;
        conversation
            .in_flight
            .take_if(|attempt| attempt.number == number)
    }

    fn rest(&mut self, stage: &Arc<Stage>, id: &str, ms: u64, ends_on_reconnect: bool) {
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        conversation.rests_until = stage.now() + ms;
        conversation.rest_ends_on_reconnect = ends_on_reconnect;
        let id = id.to_owned();
        self.after(stage, ms, move |client, stage| client.flush(stage, &id));
    }
}

//! Catching up: after every new connection, after a gap, after a page that was limited, and by HTTP while there is no
//! socket.

use std::sync::Arc;

use chat::routes::{ListConversations, ReadEvents};
use serde_json::{Value, json};

use super::{
    Client, Link, Question, SOCKET_PATIENCE,
    conversation::{Conversation, Phase},
    frames::Frame,
};
use crate::{
    functions::{self, Reply},
    mutants::ClientMutant,
    stage::Stage,
};

/// Pushes may overtake each other; a gap older than this is one.
const GAP_PATIENCE: u64 = 500;
/// Between two rounds by HTTP.
const POLL_EVERY: u64 = 5_000;
/// The same where there never is a socket.
const ONLY_POLL_EVERY: u64 = 1_000;
/// Between two looks at the list, since what tells of being added is best effort.
const LIST_EVERY: u64 = 60_000;

impl Client {
    pub(super) fn subscribe(&mut self, stage: &Arc<Stage>, id: &str) {
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
            stage,
            question,
            json!({"action": "subscribe", "conversation": id, "after": from}),
        );
    }

    pub(super) fn subscribed(
        &mut self,
        stage: &Arc<Stage>,
        question: Option<Question>,
        frame: Frame,
    ) {
        let id = frame.conversation;
        self.receive(stage, &id, frame.events);
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        conversation.reported_head = conversation.reported_head.max(frame.head);
        // An answer that nobody waits for any more is read all the same, and decides nothing.
        let Some(Question::Subscribe { from, .. }) = question else {
            return;
        };
        let missing = frame.limited || conversation.position < frame.head;
        if missing && conversation.position > from {
            conversation.phase = Phase::Wanted;
            conversation.failures = 0;
            self.subscribe(stage, &id);
        } else if missing {
            self.subscribe_later(stage, &id, None);
        } else {
            conversation.phase = Phase::Live;
            conversation.failures = 0;
            self.notice_gap(stage, &id);
            self.flush(stage, &id);
        }
    }

    pub(super) fn not_subscribed(&mut self, stage: &Arc<Stage>, id: &str, problem: Option<&Frame>) {
        match problem {
            Some(problem) if problem.retry == "never" => self.is_out(stage, id),
            Some(problem) => self.subscribe_later(stage, id, problem.retry_after_ms),
            None => {
                if let Some(conversation) = self.conversations.get_mut(id) {
                    conversation.failures += 1;
                    conversation.phase = Phase::Wanted;
                }
                self.subscribe(stage, id);
                self.flush(stage, id);
            }
        }
    }

    fn subscribe_later(&mut self, stage: &Arc<Stage>, id: &str, wait: Option<u64>) {
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        conversation.failures += 1;
        conversation.phase = Phase::Waiting;
        let failures = conversation.failures;
        let wait = wait.unwrap_or_else(|| self.backoff(failures));
        let id = id.to_owned();
        self.after(stage, wait, move |client, stage| {
            client.catch_up(stage, &id)
        });
    }

    /// Subscribes again, unless that is under way.
    pub(super) fn catch_up(&mut self, stage: &Arc<Stage>, id: &str) {
        if let Some(conversation) = self.conversations.get_mut(id)
            && matches!(conversation.phase, Phase::Live | Phase::Waiting)
        {
            conversation.phase = Phase::Wanted;
        }
        self.subscribe(stage, id);
    }

    /// Something is ahead of a gap: what is missing may still be on its way.
    pub(super) fn notice_gap(&mut self, stage: &Arc<Stage>, id: &str) {
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
        self.after(stage, GAP_PATIENCE, move |client, stage| {
            let Some(conversation) = client.conversations.get_mut(&id) else {
                return;
            };
            conversation.gap_noticed = false;
            if !conversation.held.is_empty() && conversation.phase == Phase::Live {
                stage.count("gaps that were repaired");
                client.catch_up(stage, &id);
            }
        });
    }

    /// Heads that are ahead: something newest has been missed.
    pub(super) fn ponged(&mut self, stage: &Arc<Stage>, frame: &Frame) {
        if stage.mutant == Some(ClientMutant::NoPing) {
            return;
        }
        for (id, head) in &frame.heads {
            if let Some(conversation) = self.conversations.get_mut(id) {
                conversation.reported_head = conversation.reported_head.max(*head);
                if conversation.position < *head {
                    stage.count("missed newest entries that a ping showed");
                    self.catch_up(stage, id);
                }
            }
        }
    }

    // --- Who takes part ----------------------------------------------------------------------------------------

    /// It is told that its user takes part.
    pub(super) fn is_in(&mut self, stage: &Arc<Stage>, id: &str, head: u64) {
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.reported_head = conversation.reported_head.max(head);
            if conversation.phase == Phase::Out {
                conversation.phase = Phase::Wanted;
            }
        } else {
            self.begin_conversation(stage, id, head);
        }
        if self
            .conversations
            .get(id)
            .is_some_and(|it| it.phase == Phase::Wanted)
        {
            self.subscribe(stage, id);
            self.flush(stage, id);
        }
    }

    /// It hears of a conversation for the first time in this life.
    fn begin_conversation(&mut self, stage: &Arc<Stage>, id: &str, head: u64) {
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
            self.restart(stage, id.to_owned(), conversation);
        }
    }

    /// It is told that its user takes no part. What reaches it nevertheless is still looked at.
    pub(super) fn is_out(&mut self, stage: &Arc<Stage>, id: &str) {
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.phase = Phase::Out;
        }
        self.flush(stage, id);
    }

    // --- By HTTP -----------------------------------------------------------------------------------------------

    /// Reads the list, once now and then every minute.
    pub(super) fn list(&mut self, stage: &Arc<Stage>) {
        let place = self.next_place("list");
        let (here, device, life, user) =
            (Arc::clone(stage), self.device, self.life, self.user.clone());
        stage.tasks.spawn(async move {
            let reply =
                functions::http::<ListConversations>(&here, place, &user, json!({}), ()).await;
            here.client(device, |client| {
                if client.life == life {
                    client.listed(&here, &reply);
                }
            });
        });
    }

    fn listed(&mut self, stage: &Arc<Stage>, reply: &Reply) {
        if let Reply::Granted(reply) = reply {
            for summary in reply["conversations"].as_array().into_iter().flatten() {
                let id = summary["id"].as_str().unwrap_or_default();
                self.is_in(stage, id, summary["head"].as_u64().unwrap_or(0));
            }
        }
        let wait = if matches!(reply, Reply::Granted(_)) {
            LIST_EVERY
        } else {
            POLL_EVERY
        };
        self.list_again(stage, wait);
    }

    /// Only the last reading of a list is followed by another.
    fn list_again(&mut self, stage: &Arc<Stage>, wait: u64) {
        self.listings += 1;
        let listing = self.listings;
        self.after(stage, wait, move |client, stage| {
            if client.listings == listing {
                client.list(stage);
            }
        });
    }

    /// While there is no socket, everything is read by HTTP every few seconds.
    pub(super) fn poll_later(&mut self, stage: &Arc<Stage>) {
        let wait = if self.by_http_only {
            ONLY_POLL_EVERY
        } else {
            POLL_EVERY
        };
        self.after(stage, wait, |client, stage| {
            if client.uses_http(stage) {
                for id in client.ids() {
                    client.read(stage, &id);
                    client.flush(stage, &id);
                }
            }
            client.poll_later(stage);
        });
    }

    /// Whether HTTP stands in for the socket.
    pub(super) fn uses_http(&self, stage: &Stage) -> bool {
        let patient = stage.now() < self.down_since + SOCKET_PATIENCE;
        self.by_http_only || !matches!(self.link, Link::Up(_)) && !patient
    }

    pub(super) fn read(&mut self, stage: &Arc<Stage>, id: &str) {
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
        self.ask_by_http::<ReadEvents>(stage, place, fields, move |client, stage, reply| {
            client.has_read(stage, &id, reply);
        });
    }

    fn has_read(&mut self, stage: &Arc<Stage>, id: &str, reply: Reply) {
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.polling = false;
        }
        match reply {
            Reply::Granted(page) => self.take_page(stage, id, page),
            Reply::Refused(problem) if problem["retry"] == "never" => self.is_out(stage, id),
            Reply::Refused(_) | Reply::Unanswered => {}
        }
    }

    fn take_page(&mut self, stage: &Arc<Stage>, id: &str, page: Value) {
        let page: Frame = serde_json::from_value(page).unwrap_or_default();
        stage.count("pages that were read by HTTP");
        self.receive(stage, id, page.events);
        if page.limited {
            self.read(stage, id);
        }
    }
}

//! Reactions. The client knows what it wants, and asks until it is so: one request at a time for each
//! message and emoji, and the latest wish counts. What others do is folded from the log and from
//! pages of history, in whatever order they come.

use std::{collections::BTreeMap, sync::Arc};

use chat::routes::{React, ReadMessages, WithdrawReaction};
use checker::history::{Entry, Reaction, Record, Wish};
use serde_json::{Value, json};

use super::{
    Client, Link, Question,
    conversation::{Conversation, Phase},
    frames::Frame,
};
use crate::{functions::Reply, mutants::ClientMutant, world::World};

/// Two of them differ only in their skin tone, and one has a variation selector.
const EMOJI: [&str; 3] = ["👍", "👍🏻", "❤\u{fe0f}"];
/// The wait before a request is repeated, in milliseconds.
const WAIT: u64 = 1_000;
/// Messages on a page of history.
const PAGE: u64 = 20;

/// The message and the emoji, without variation selectors.
type Key = (u64, String);

/// What a client knows and wants of the reactions in a conversation.
#[derive(Clone, Debug, Default)]
pub struct Reactions {
    /// For each message, emoji and user the newest entry, and whether it adds the reaction.
    known: BTreeMap<(u64, String, String), (u64, bool)>,
    wishes: BTreeMap<Key, Wanted>,
    /// Whether all pages of history were read.
    pub has_history: bool,
    /// Whether a page of history is being read.
    reading: bool,
}

/// What the user wants, until the server says that it is so.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    on: bool,
    /// The number of the request that is under way, and whether it is over the socket.
    in_flight: Option<(u64, bool)>,
    rests_until: u64,
}

impl Reactions {
    /// Whether the server knows everything that the user wants.
    pub fn are_confirmed(&self) -> bool {
        self.wishes.is_empty()
    }

    /// Keeps an entry, unless something newer is known.
    pub fn fold(&mut self, entry: &Entry) {
        if let (Some(wish), Some(user)) = (entry.wish(), &entry.user) {
            self.keep(
                (wish.target, wish.emoji, user.clone()),
                (entry.seq, wish.on),
            );
        }
    }

    fn keep(&mut self, key: (u64, String, String), state: (u64, bool)) {
        let known = self.known.entry(key).or_default();
        *known = (*known).max(state);
    }

    /// Forgets the requests on a connection that has ended.
    pub fn disconnected(&mut self) {
        for wanted in self.wishes.values_mut() {
            wanted.in_flight.take_if(|(_, by_socket)| *by_socket);
        }
    }

    /// Returns the reactions that the client shows.
    pub fn shown(&self, is_deleted: impl Fn(u64) -> bool) -> Vec<Reaction> {
        let on = self.known.iter().filter(|(_, (_, on))| *on);
        let shown = on.filter(|((target, ..), _)| !is_deleted(*target));
        shown
            .map(|((target, emoji, user), (seq, _))| Reaction {
                target: *target,
                emoji: emoji.clone(),
                user: user.clone(),
                seq: *seq,
            })
            .collect()
    }
}

impl Client {
    /// Changes the user's reaction to a message: mostly to a known one.
    pub fn react(&mut self, world: &Arc<World>, id: &str, click: &str) {
        let Some(conversation) = self.conversations.get(id).filter(|_| self.alive) else {
            return;
        };
        let chance = self.place.named(click).chance();
        let known: Vec<u64> = conversation.texts.keys().copied().collect();
        let target = if known.is_empty() || chance.below(8) == 0 {
            1 + chance.below(conversation.position + 1)
        } else {
            // Few messages, so that devices meet.
            let newest = known.len().saturating_sub(4);
            known[newest + usize::try_from(chance.below(4)).unwrap_or(0) % (known.len() - newest)]
        };
        self.click(world, id, click, target);
    }

    /// Changes the user's reaction with some emoji to the message at `target`.
    pub(super) fn click(&mut self, world: &Arc<World>, id: &str, click: &str, target: u64) {
        let user = self.user.clone();
        let chance = self.place.named(click).named("emoji").chance();
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        let emoji = EMOJI[usize::try_from(chance.below(3)).unwrap_or(0)];
        let key = (target, emoji.replace('\u{fe0f}', ""));
        let state = (target, key.1.clone(), user);
        let known = conversation.reactions.known.get(&state);
        let is_on = known.is_some_and(|(_, on)| *on);
        let on = if chance.below(4) == 0 { is_on } else { !is_on };
        let wanted = conversation.reactions.wishes.entry(key).or_insert(Wanted {
            on,
            in_flight: None,
            rests_until: 0,
        });
        wanted.on = on;
        world.count("clicks on reactions");
        self.ask_for_reactions(world, id);
        if chance.below(4) == 0 {
            self.read_page(world, id, 1 + chance.below(target + PAGE));
        }
    }

    /// Sends what the user wants, unless a request is under way or has to wait.
    pub(super) fn ask_for_reactions(&mut self, world: &Arc<World>, id: &str) {
        let uses_http = self.uses_http(world);
        let connected = matches!(self.link, Link::Up(_));
        let Some(conversation) = self.conversations.get_mut(id).filter(|_| self.alive) else {
            return;
        };
        let is_ready = matches!(conversation.phase, Phase::Live | Phase::Out);
        if !(uses_http || connected && is_ready) {
            return;
        }
        let now = world.now();
        let due = conversation
            .reactions
            .wishes
            .iter()
            .filter(|(_, wanted)| wanted.in_flight.is_none() && wanted.rests_until <= now);
        let due: Vec<Key> = due.map(|(key, _)| key.clone()).collect();
        for key in due {
            self.ask_for_reaction(world, id, key, uses_http);
        }
    }

    fn ask_for_reaction(&mut self, world: &Arc<World>, id: &str, key: Key, by_http: bool) {
        self.attempts += 1;
        let number = self.attempts;
        let place = self.next_place(&format!("react {id}"));
        let chance = place.chance();
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        let after = conversation.position;
        let Some(wanted) = conversation.reactions.wishes.get_mut(&key) else {
            return;
        };
        wanted.in_flight = Some((number, !by_http));
        let on = wanted.on;
        let (target, emoji) = key.clone();
        let wish = Wish {
            target,
            emoji: emoji.clone(),
            on,
        };
        let about = self.about(id);
        world.record(Record::React { about, wish });
        let shown = if emoji == "❤" {
            "❤\u{fe0f}".to_owned()
        } else {
            emoji
        };
        let is_short = world
            .plan
            .conversations
            .iter()
            .any(|planned| planned.id == id && planned.is_short);
        let after = (!(is_short && chance.below(4) == 0)).then_some(after);
        let mut request = json!({"conversation": id, "target": target, "emoji": shown,
            "after": after});
        if !by_http {
            request["action"] = json!("react");
            request["on"] = json!(on);
            let question = Question::React {
                conversation: id.to_owned(),
                key,
                number,
            };
            self.ask(world, question, request);
            return;
        }
        let id = id.to_owned();
        let then = move |client: &mut Self, world: &Arc<World>, reply: Reply| match reply {
            Reply::Granted(reply) => {
                let frame = serde_json::from_value(reply).unwrap_or_default();
                client.reacted(world, &id, (key, number), &frame);
            }
            Reply::Refused(problem) => {
                let problem = serde_json::from_value(problem).unwrap_or_default();
                client.not_reacted(world, &id, (key, number), Some(&problem));
            }
            Reply::Unanswered => client.not_reacted(world, &id, (key, number), None),
        };
        if on {
            self.ask_by_http::<React>(world, place.within(1), request, then);
        } else {
            self.ask_by_http::<WithdrawReaction>(world, place.within(1), request, then);
        }
    }

    /// Handles an answer. The connection that asked is not pushed the entry, so the answer stands for
    /// it.
    pub(super) fn reacted(
        &mut self,
        world: &Arc<World>,
        id: &str,
        (key, number): (Key, u64),
        frame: &Frame,
    ) {
        let seq = (frame.seq > 0).then_some(frame.seq);
        let wish = Wish {
            target: key.0,
            emoji: key.1.clone(),
            on: frame.on.unwrap_or_default(),
        };
        if seq.is_none() {
            world.count("reactions that were so already");
        }
        world.record(Record::Reacted {
            about: self.about(id),
            wish: wish.clone(),
            seq,
        });
        if let Some(conversation) = self.conversations.get_mut(id) {
            let wishes = &mut conversation.reactions.wishes;
            if let Some(wanted) = wishes
                .get_mut(&key)
                .filter(|wanted| wanted.is_asked(number))
            {
                wanted.in_flight = None;
                if wanted.on == wish.on {
                    wishes.remove(&key);
                }
            }
        }
        if let Some(seq) = seq {
            let entry = Entry {
                event: "reaction".to_owned(),
                seq,
                id: None,
                sender: None,
                body: None,
                target: Some(wish.target),
                emoji: Some(wish.emoji),
                on: Some(wish.on),
                by: None,
                edited: None,
                deleted: None,
                user: Some(self.user.clone()),
                sent_at: None,
            };
            self.receive(world, id, vec![entry]);
        }
        self.ask_for_reactions(world, id);
    }

    /// Handles an error or a missing answer.
    pub(super) fn not_reacted(
        &mut self,
        world: &Arc<World>,
        id: &str,
        (key, number): (Key, u64),
        problem: Option<&Frame>,
    ) {
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        let wishes = &mut conversation.reactions.wishes;
        let Some(wanted) = wishes
            .get_mut(&key)
            .filter(|wanted| wanted.is_asked(number))
        else {
            return;
        };
        wanted.in_flight = None;
        let wait = problem
            .and_then(|problem| problem.retry_after_ms)
            .unwrap_or(WAIT);
        wanted.rests_until = world.now() + wait;
        let advice = problem.map_or("", |problem| problem.retry.as_str());
        if advice == "never" {
            world.count("reactions that were refused for good");
            wishes.remove(&key);
            return;
        }
        if advice == "resync" {
            self.catch_up(world, id);
        }
        let id = id.to_owned();
        self.after(world, wait, move |client, world| {
            client.ask_for_reactions(world, &id);
        });
    }

    // --- History ---------------------------------------------------------------------------------

    /// Reads all pages of history, so that the client knows the reactions from before its position.
    pub(super) fn read_history(&mut self, world: &Arc<World>, id: &str) {
        let is_needed = |conversation: &&mut Conversation| {
            let Reactions {
                has_history,
                reading,
                ..
            } = conversation.reactions;
            !has_history && !reading && conversation.began > 0
        };
        if let Some(conversation) = self.conversations.get_mut(id).filter(is_needed) {
            conversation.reactions.reading = true;
            self.read_history_before(world, id, None);
        }
    }

    fn read_history_before(&mut self, world: &Arc<World>, id: &str, before: Option<u64>) {
        let place = self.next_place(&format!("history {id}"));
        let fields =
            json!({"conversation": id, "before": before, "limit": PAGE, "reactions": true});
        let id = id.to_owned();
        self.ask_by_http::<ReadMessages>(world, place, fields, move |client, world, reply| {
            match reply {
                Reply::Granted(page) => {
                    client.take_history(world, &id, &page);
                    match page["before"].as_u64() {
                        Some(before) => client.read_history_before(world, &id, Some(before)),
                        None => client.has_history(&id, true),
                    }
                }
                Reply::Refused(problem) if problem["retry"] == "never" => {
                    client.has_history(&id, false);
                }
                Reply::Refused(_) | Reply::Unanswered => {
                    client.after(world, WAIT, move |client, world| {
                        client.read_history_before(world, &id, before);
                    });
                }
            }
        });
    }

    fn has_history(&mut self, id: &str, has_history: bool) {
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.reactions.reading = false;
            conversation.reactions.has_history = has_history;
        }
    }

    /// Reads one page of history. Nothing depends on it.
    fn read_page(&mut self, world: &Arc<World>, id: &str, before: u64) {
        let place = self.next_place(&format!("page {id}"));
        let fields =
            json!({"conversation": id, "before": before, "limit": PAGE, "reactions": true});
        let id = id.to_owned();
        self.ask_by_http::<ReadMessages>(world, place, fields, move |client, world, reply| {
            if let Reply::Granted(page) = reply {
                client.take_history(world, &id, &page);
            }
        });
    }

    /// Folds the messages and the reactions of a page, which may be older or newer than what the
    /// client knows.
    fn take_history(&mut self, world: &Arc<World>, id: &str, page: &Value) {
        world.count("pages of history with reactions");
        let without_seq = world.mutant == Some(ClientMutant::StateWithoutSeq);
        let user = self.user.clone();
        let Some(conversation) = self.conversations.get_mut(id) else {
            return;
        };
        let messages = page["messages"].clone();
        let messages: Vec<Entry> = serde_json::from_value(messages).unwrap_or_default();
        for message in &messages {
            conversation.fold(message, &user);
        }
        let rows = page["reactions"].clone();
        let rows: Vec<Reaction> = serde_json::from_value(rows).unwrap_or_default();
        for row in rows {
            let seq = if without_seq {
                row.seq.max(conversation.position)
            } else {
                row.seq
            };
            let key = (row.target, row.emoji, row.user);
            conversation.reactions.keep(key, (seq, true));
        }
    }
}

impl Wanted {
    /// Whether this request is the one under way.
    fn is_asked(&self, number: u64) -> bool {
        self.in_flight.is_some_and(|(asked, _)| asked == number)
    }
}

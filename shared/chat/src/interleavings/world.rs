//! The world of a scenario: a conversation of three users, the entries that one of them has seen,
//! and the promises that must hold at the end.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use serde_json::{Value, json};

use super::{
    messages::{self, DELETED},
    reactions,
};
use crate::{
    domain::{Change, ConversationId, Counters},
    fakes::FakeChat,
    ports::{Participants as _, Random as _},
    request::Route,
    routes::{
        AddParticipant, DeleteMessage, EditMessage, React, ReadMessages, RemoveParticipant,
        SendMessage,
    },
};

/// A promise of the design, named as in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// The log has no holes.
    Dense,
    /// A message is stored at most once.
    Once,
    /// The counters of every entry are those of the messages up to it.
    Count,
    /// An acknowledgement has the position of its message.
    Acked,
    /// An entry that is stored after an acknowledged removal is not sent by the removed user, and
    /// does not reach them.
    Fence,
    /// The participants' rows agree with the log: a user whose newest change is a removal has no
    /// row.
    Agree,
    /// A subscriber has received every acknowledged message.
    Seen,
    /// Every message is what the log says: the newest edit, unless it was deleted. So are the
    /// reactions, each of which is given and withdrawn in turn.
    Fold,
    /// No reaction is stored behind the deletion of its message.
    Living,
    /// A subscriber that has the whole log shows every message as it is stored.
    Picture,
    /// If no request was killed or rejected, every message was acknowledged.
    Live,
}

/// The `after` of a sender.
#[derive(Clone, Copy, Debug)]
pub enum After {
    /// No `after`.
    Missing,
    /// A fixed position.
    At(u64),
    /// The watched user's position: everything up to it was seen without a gap.
    Position,
}

/// The user whose client is watched. Bob owns the conversation; Carol is a participant.
pub const WATCHED: &str = "ada";

/// The sender and id of a message, or the kind and user of a change.
type Name = (String, String);

/// A conversation of Ada, Bob and Carol.
pub struct World {
    /// The chat, in an unsteady runtime.
    pub chat: FakeChat,
    conversation: ConversationId,
    seen: RefCell<BTreeMap<u64, Name>>,
    /// What reached the watched client about the text of each message.
    picture: messages::Picture,
    /// What reached the watched client about reactions.
    reactions: reactions::Picture,
    /// The acknowledged reactions: the user and the position.
    reacted: RefCell<BTreeSet<(String, u64)>>,
    wanted: RefCell<BTreeSet<Name>>,
    acknowledged: RefCell<BTreeSet<(Name, u64)>>,
    joined: Cell<bool>,
    /// The position of Ada's removal, and the head when it was acknowledged.
    pub removed_at: Cell<Option<(u64, u64)>>,
    disturbed: Cell<bool>,
}

impl World {
    /// Creates a world with `history` messages of Bob in the log.
    pub fn new(seed: u64, history: usize) -> Self {
        let mut chat = FakeChat::unsteady(seed);
        // Two users to a page, so that the three users take two.
        chat.roster_page = 2;
        let conversation = chat.conversation("c", &["bob", WATCHED, "carol"]);
        chat.history(&conversation, "bob", history);
        // Pending puts of the history are completed first.
        while chat.land() {}
        Self {
            chat,
            conversation,
            seen: RefCell::default(),
            picture: messages::Picture::default(),
            reactions: reactions::Picture::default(),
            reacted: RefCell::default(),
            wanted: RefCell::default(),
            acknowledged: RefCell::default(),
            joined: Cell::new(false),
            removed_at: Cell::new(None),
            disturbed: Cell::new(false),
        }
    }

    /// Returns the newest position.
    pub fn head(&self) -> u64 {
        self.chat.log(&self.conversation).len() as u64
    }

    /// Sends a message at a random time. Returns whether it was acknowledged.
    pub async fn send(&self, user: &str, id: &str, after: After) -> bool {
        self.random_pause().await;
        let name = (user.to_owned(), id.to_owned());
        self.wanted.borrow_mut().insert(name.clone());
        let after = match after {
            After::Missing => None,
            After::At(position) => Some(position),
            After::Position if self.seen().values().any(|seen| *seen == name) => return true,
            After::Position => Some(self.position()),
        };
        let fields = json!({"conversation": "c", "id": id, "body": id, "after": after});
        let sending = self.chat.ask_later::<SendMessage>(user, fields);
        let Some(reply) = self.survived(self.chat.runtime.mortal(sending).await) else {
            return false;
        };
        let seq = reply["seq"].as_u64().unwrap();
        self.acknowledged.borrow_mut().insert((name, seq));
        true
    }

    /// Stores a message of the watched user at 1, which edits and deletions name.
    pub fn own_message(&self) {
        self.chat.history(&self.conversation, WATCHED, 1);
        while self.chat.land() {}
    }

    /// As Ada, edits the message at 1 at a random time. The text is the id.
    pub async fn edit(&self, id: &str, after: After) {
        let fields = json!({"conversation": "c", "id": id, "target": 1, "body": id});
        self.revise::<EditMessage>(WATCHED, fields, after).await;
    }

    /// As Bob, deletes the message at 1 at a random time.
    pub async fn delete(&self, after: After) {
        let fields = json!({"conversation": "c", "id": "y", "target": 1});
        self.revise::<DeleteMessage>("bob", fields, after).await;
    }

    /// Makes the reaction of a user to the message at 1 exist or not, at a random time.
    pub async fn react(&self, user: &str, on: bool, after: u64) {
        self.random_pause().await;
        let fields = json!({"conversation": "c", "target": 1, "emoji": "👍", "on": on,
            "after": after});
        let reacting = self.chat.ask_later::<React>(user, fields);
        let reply = self.survived(self.chat.runtime.mortal(reacting).await);
        let seq = reply.and_then(|reply| reply["seq"].as_u64());
        let acknowledged = seq.map(|seq| (user.to_owned(), seq));
        self.reacted.borrow_mut().extend(acknowledged);
    }

    async fn revise<R: Route<FakeChat>>(&self, user: &str, mut fields: Value, after: After) {
        self.random_pause().await;
        let name = (user.to_owned(), fields["id"].as_str().unwrap().to_owned());
        fields["after"] = match after {
            After::Missing => Value::Null,
            After::At(position) => json!(position),
            After::Position => json!(self.position()),
        };
        let sending = self.chat.ask_later::<R>(user, fields);
        if let Some(reply) = self.survived(self.chat.runtime.mortal(sending).await) {
            let seq = reply["seq"].as_u64().unwrap();
            self.acknowledged.borrow_mut().insert((name, seq));
        }
    }

    /// Subscribes the watched client at a random time from its position, page after page. Returns
    /// whether all requests succeeded.
    pub async fn subscribe(&self) -> bool {
        self.random_pause().await;
        loop {
            let after = self.position();
            let frame = json!({"action": "subscribe", "conversation": "c", "after": after});
            let frame = frame.to_string();
            let reply = self.chat.text_later("ada-1", &frame);
            let reply = self.chat.runtime.mortal(reply).await;
            let Some(reply) = reply.filter(|reply| reply["event"] == "subscribed") else {
                self.disturbed.set(true);
                return false;
            };
            self.see(reply["events"].as_array().unwrap());
            self.joined.set(true);
            if reply["limited"] == false {
                return true;
            }
        }
    }

    /// Reads the newest message as the watched user at a random time.
    pub async fn history(&self) {
        self.random_pause().await;
        let fields = json!({"conversation": "c", "limit": 1, "reactions": true});
        let reading = self.chat.ask_later::<ReadMessages>(WATCHED, fields);
        if let Some(page) = self.survived(self.chat.runtime.mortal(reading).await) {
            for reaction in page["reactions"].as_array().unwrap() {
                self.reactions.see(reaction);
            }
            self.see(page["messages"].as_array().unwrap());
        }
    }

    /// As Bob, removes Ada at a random time. Repeats the request until it is acknowledged.
    pub async fn remove(&self) {
        self.random_pause().await;
        let reply = loop {
            let fields = json!({"conversation": "c", "user": WATCHED});
            let removing = self.chat.ask_later::<RemoveParticipant>("bob", fields);
            if let Some(reply) = self.survived(self.chat.runtime.mortal(removing).await) {
                break reply;
            }
        };
        // Frames that were pushed until now may belong to entries before the removal.
        self.seen();
        // A removal without effect follows an earlier one, whose entry may not be visible yet.
        let head = self.head();
        let before = || self.changes().find(|(_, takes_part)| !takes_part);
        let seq = reply["seq"]
            .as_u64()
            .unwrap_or_else(|| before().map_or(head + 1, |(seq, _)| seq));
        self.removed_at.set(Some((seq, head)));
    }

    /// As Bob, adds Ada at a random time. The request may be killed.
    pub async fn add(&self) {
        self.random_pause().await;
        let fields = json!({"conversation": "c", "user": WATCHED});
        let adding = self.chat.ask_later::<AddParticipant>("bob", fields);
        self.survived(self.chat.runtime.mortal(adding).await);
    }

    /// Returns the changes of Ada's participation, newest first: the position, and whether she
    /// joins.
    fn changes(&self) -> impl Iterator<Item = (u64, bool)> {
        let log = self.chat.log(&self.conversation).into_iter().rev();
        log.filter_map(|entry| {
            let change = entry.change()?;
            let joins = matches!(change, Change::Joins(_));
            (change.user().as_str() == WATCHED).then_some((entry.seq.number(), joins))
        })
    }

    /// As Bob, adds Ada again, and returns the entry's position.
    pub async fn add_again(&self) -> u64 {
        let fields = json!({"conversation": "c", "user": WATCHED});
        let added = self.chat.ask_later::<AddParticipant>("bob", fields).await;
        added.unwrap()["seq"].as_u64().unwrap()
    }

    /// Waits for a random number of pauses.
    async fn random_pause(&self) {
        for _ in 0..self.chat.below(12) {
            self.chat.runtime.pause().await;
        }
    }

    /// Returns the reply of a request, unless it was killed or rejected.
    fn survived(&self, outcome: Option<Result<Value, Value>>) -> Option<Value> {
        let reply = outcome.and_then(Result::ok);
        self.disturbed.set(self.disturbed.get() || reply.is_none());
        reply
    }

    fn see(&self, entries: &[Value]) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for entry in entries {
            let name = match (&entry["sender"], &entry["id"]) {
                (Value::Null, Value::Null) => (text(&entry["event"]), text(&entry["user"])),
                (Value::Null, id) => (text(&entry["by"]), text(id)),
                (sender, id) => (text(sender), text(id)),
            };
            let seq = entry["seq"].as_u64().unwrap();
            self.seen.borrow_mut().insert(seq, name);
            if entry["event"] == "reaction" {
                self.reactions.see(entry);
            }
            self.picture.see(seq, entry);
        }
    }

    /// Returns the entries that reached the watched client, by position.
    pub fn seen(&self) -> BTreeMap<u64, Name> {
        let pushed = self.chat.pushed().into_iter();
        let entries = pushed.map(|(_, frame)| frame);
        let entries: Vec<Value> = entries.filter(|frame| !frame["seq"].is_null()).collect();
        self.see(&entries);
        self.seen.borrow().clone()
    }

    /// Returns the position up to which there is no gap.
    pub fn position(&self) -> u64 {
        let seen = self.seen();
        (1..).take_while(|seq| seen.contains_key(seq)).count() as u64
    }

    /// Returns the broken promises. Must be called after all tasks have ended.
    pub fn broken(&self) -> Vec<Promise> {
        while self.chat.land() {}
        let log = self.chat.log(&self.conversation);
        let name = |sender: &str, id: &str| (sender.to_owned(), id.to_owned());
        let stored: BTreeMap<u64, Name> = log
            .iter()
            .map(|entry| {
                let draft = &entry.draft;
                let name = name(draft.sender.as_str(), draft.id.as_str());
                (entry.seq.number(), name)
            })
            .collect();
        let seen = self.seen();
        let acknowledged = self.acknowledged.borrow();
        let (removal, late) = self.removed_at.get().unwrap_or((u64::MAX, u64::MAX));
        // Ada may be added again after the removal, and then sees the whole log.
        let again = self.changes().take_while(|(seq, _)| *seq > removal);
        let back = again.filter(|(_, joins)| *joins).last();
        let back = back.map_or(u64::MAX, |(seq, _)| seq);
        let known = |name: &Name| {
            acknowledged.iter().any(|(acked, _)| acked == name)
                || seen.values().any(|seen| seen == name)
        };

        let dense = stored.keys().copied().eq(1..=log.len() as u64);
        let once = stored.values().collect::<BTreeSet<_>>().len() == log.len();
        let mut counters = Counters::START;
        let count = log.iter().all(|entry| {
            counters = counters.followed_by(entry.seq, &entry.draft.content);
            entry.counters == counters
        });
        let reacted = self.reacted.borrow();
        let has = |(user, seq): &(String, u64)| {
            let entry = log.iter().find(|entry| entry.seq.number() == *seq);
            entry.is_some_and(|entry| {
                entry.draft.sender.as_str() == user && entry.reaction().is_some()
            })
        };
        let acked = acknowledged
            .iter()
            .all(|(name, seq)| stored.get(seq) == Some(name))
            && reacted.iter().all(has);
        let fence = stored
            .range(late.saturating_add(1)..)
            .take_while(|(seq, _)| **seq < back)
            .all(|(seq, (sender, _))| {
                sender != WATCHED && (back < u64::MAX || !seen.contains_key(seq))
            });
        let watched = self.chat.identity(WATCHED).user;
        let row = self.chat.participant(&self.conversation, &watched);
        let takes_part = self.chat.run(row).unwrap().is_some();
        let agree = takes_part == self.changes().next().is_none_or(|(_, joins)| joins);
        let messages = messages::stored(&log);
        let rows = reactions::stored(self.chat.reaction_rows(&self.conversation));
        let fold =
            messages == messages::folded(&log) && reactions::folded(&log).as_ref() == Some(&rows);
        let is_deleted = |seq| messages.get(&seq).is_some_and(|shown| shown.0 == DELETED);
        let living = log.iter().all(|entry| {
            let of_deleted = entry.reaction().is_some_and(|reaction| {
                let deletion = messages::deletion_of(&log, reaction.key().target);
                deletion.is_some_and(|deletion| deletion < entry.seq)
            });
            !of_deleted
        });
        let has_all = seen.keys().copied().eq(1..=log.len() as u64);
        let picture = !self.joined.get()
            || !has_all
            || self.changes().next().is_some()
            || self.picture.shows(&messages) && self.reactions.shows(&rows, is_deleted);
        let received = !self.joined.get()
            || self.changes().next().is_some()
            || acknowledged.iter().all(|(_, seq)| seen.contains_key(seq))
                && reacted.iter().all(|(_, seq)| seen.contains_key(seq));
        let live = self.disturbed.get()
            || self.changes().next().is_some()
            || self.wanted.borrow().iter().all(known);
        [
            (dense, Promise::Dense),
            (once, Promise::Once),
            (count, Promise::Count),
            (acked, Promise::Acked),
            (fence, Promise::Fence),
            (agree, Promise::Agree),
            (received, Promise::Seen),
            (fold, Promise::Fold),
            (living, Promise::Living),
            (picture, Promise::Picture),
            (live, Promise::Live),
        ]
        .into_iter()
        .filter(|(kept, _)| !kept)
        .map(|(_, promise)| promise)
        .collect()
    }
}

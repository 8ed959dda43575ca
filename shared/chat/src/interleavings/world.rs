//! A conversation on a world: what its people do, what the one who is watched has seen, and what must be true then.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use serde_json::{Value, json};

use crate::{
    domain::{Change, ConversationId},
    fakes::FakeChat,
    ports::{Participants as _, Random as _},
    routes::{AddParticipant, ReadMessages, RemoveParticipant, SendMessage},
};

/// A promise, by its name in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// The log has no hole.
    Dense,
    /// A message is stored at most once.
    Once,
    /// An acknowledgement names the place where the message is.
    Acked,
    /// Nothing stored after an answered removal is by the removed, or reaches him.
    Fence,
    /// Somebody takes part if the last that the log says of him is not his removal.
    Agree,
    /// A subscriber has every message that was acknowledged.
    Seen,
    /// Where nobody died and nobody was refused, everything was acknowledged.
    Live,
}

/// What a sender says that he has read.
#[derive(Clone, Copy, Debug)]
pub enum After {
    /// Nothing.
    Missing,
    /// This position.
    At(u64),
    /// What has been seen on the watched page without a gap.
    Position,
}

/// The user whose page is watched. Bob owns the conversation, and Carol takes part.
pub const WATCHED: &str = "ada";

/// Who sent a message, and its id; of an entry of another kind, its kind and whom it concerns.
type Name = (String, String);

/// Ada, Bob and Carol in a conversation.
pub struct World {
    /// With an unsteady world.
    pub chat: FakeChat,
    conversation: ConversationId,
    seen: RefCell<BTreeMap<u64, Name>>,
    wanted: RefCell<BTreeSet<Name>>,
    acknowledged: RefCell<BTreeSet<(Name, u64)>>,
    joined: Cell<bool>,
    /// Where Ada's removal stands, and the head when it was answered.
    pub removed_at: Cell<Option<(u64, u64)>>,
    disturbed: Cell<bool>,
}

impl World {
    /// With so many messages of Bob's in the log.
    pub fn new(seed: u64, history: usize) -> Self {
        let chat = FakeChat::unsteady(seed);
        let conversation = chat.conversation("c", &["bob", WATCHED, "carol"]);
        chat.history(&conversation, "bob", history);
        // What a put of the history leaves behind is of no interest.
        while chat.land() {}
        Self {
            chat,
            conversation,
            seen: RefCell::default(),
            wanted: RefCell::default(),
            acknowledged: RefCell::default(),
            joined: Cell::new(false),
            removed_at: Cell::new(None),
            disturbed: Cell::new(false),
        }
    }

    /// The newest position.
    pub fn head(&self) -> u64 {
        self.chat.log(&self.conversation).len() as u64
    }

    /// A user sends a message at some moment; whether it was acknowledged.
    pub async fn send(&self, user: &str, id: &str, after: After) -> bool {
        self.some_moment().await;
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

    /// The watched page subscribes at some moment, from what it has seen, page after page. Whether that was granted.
    pub async fn subscribe(&self) -> bool {
        self.some_moment().await;
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

    /// The watched page reads the newest message at some moment.
    pub async fn history(&self) {
        self.some_moment().await;
        let fields = json!({"conversation": "c", "limit": 1});
        let reading = self.chat.ask_later::<ReadMessages>(WATCHED, fields);
        if let Some(page) = self.survived(self.chat.runtime.mortal(reading).await) {
            self.see(page["messages"].as_array().unwrap());
        }
    }

    /// Bob removes Ada at some moment, again until it is answered.
    pub async fn remove(&self) {
        self.some_moment().await;
        let reply = loop {
            let fields = json!({"conversation": "c", "user": WATCHED});
            let removing = self.chat.ask_later::<RemoveParticipant>("bob", fields);
            if let Some(reply) = self.survived(self.chat.runtime.mortal(removing).await) {
                break reply;
            }
        };
        // What was pushed until now may have been stored until now.
        self.seen();
        // A removal that found nobody comes right after the one before it, whose entry may be just about to be seen.
        let head = self.head();
        let before = || self.told().find(|(_, takes_part)| !takes_part);
        let seq = reply["seq"]
            .as_u64()
            .unwrap_or_else(|| before().map_or(head + 1, |(seq, _)| seq));
        self.removed_at.set(Some((seq, head)));
    }

    /// Bob adds Ada at some moment, or dies in the middle of it.
    pub async fn add(&self) {
        self.some_moment().await;
        let fields = json!({"conversation": "c", "user": WATCHED});
        let adding = self.chat.ask_later::<AddParticipant>("bob", fields);
        self.survived(self.chat.runtime.mortal(adding).await);
    }

    /// What the log tells of Ada's participation, the newest first: where, and whether she takes part from there on.
    fn told(&self) -> impl Iterator<Item = (u64, bool)> {
        let log = self.chat.log(&self.conversation).into_iter().rev();
        log.filter_map(|entry| {
            let change = entry.draft.change()?;
            let joins = matches!(change, Change::Joins(_));
            (change.user().as_str() == WATCHED).then_some((entry.seq.number(), joins))
        })
    }

    /// Bob adds Ada again; where that stands in the log.
    pub async fn add_again(&self) -> u64 {
        let fields = json!({"conversation": "c", "user": WATCHED});
        let added = self.chat.ask_later::<AddParticipant>("bob", fields).await;
        added.unwrap()["seq"].as_u64().unwrap()
    }

    /// Each begins at a moment of its own.
    async fn some_moment(&self) {
        for _ in 0..self.chat.below(12) {
            self.chat.runtime.pause().await;
        }
    }

    /// The reply to a request, unless its function died or refused it.
    fn survived(&self, outcome: Option<Result<Value, Value>>) -> Option<Value> {
        let reply = outcome.and_then(Result::ok);
        self.disturbed.set(self.disturbed.get() || reply.is_none());
        reply
    }

    fn see(&self, entries: &[Value]) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for entry in entries {
            let name = match &entry["sender"] {
                Value::Null => (text(&entry["event"]), text(&entry["user"])),
                sender => (text(sender), text(&entry["id"])),
            };
            let seq = entry["seq"].as_u64().unwrap();
            self.seen.borrow_mut().insert(seq, name);
        }
    }

    /// What has reached the watched page, by position.
    pub fn seen(&self) -> BTreeMap<u64, Name> {
        let pushed = self.chat.pushed().into_iter();
        let entries = pushed.map(|(_, frame)| frame);
        let entries: Vec<Value> = entries.filter(|frame| !frame["seq"].is_null()).collect();
        self.see(&entries);
        self.seen.borrow().clone()
    }

    /// How far that goes without a gap.
    pub fn position(&self) -> u64 {
        let seen = self.seen();
        (1..).take_while(|seq| seen.contains_key(seq)).count() as u64
    }

    /// The promises that were broken, once everybody has ended.
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
        // From there on she may be back, and then sees all of the log.
        let again = self.told().take_while(|(seq, _)| *seq > removal);
        let back = again.filter(|(_, joins)| *joins).last();
        let back = back.map_or(u64::MAX, |(seq, _)| seq);
        let known = |name: &Name| {
            acknowledged.iter().any(|(acked, _)| acked == name)
                || seen.values().any(|seen| seen == name)
        };

        let dense = stored.keys().copied().eq(1..=log.len() as u64);
        let once = stored.values().collect::<BTreeSet<_>>().len() == log.len();
        let acked = acknowledged
            .iter()
            .all(|(name, seq)| stored.get(seq) == Some(name));
        let fence = stored
            .range(late.saturating_add(1)..)
            .take_while(|(seq, _)| **seq < back)
            .all(|(seq, (sender, _))| {
                sender != WATCHED && (back < u64::MAX || !seen.contains_key(seq))
            });
        let watched = self.chat.identity(WATCHED).user;
        let row = self.chat.participant(&self.conversation, &watched);
        let takes_part = self.chat.run(row).unwrap().is_some();
        let agree = takes_part == self.told().next().is_none_or(|(_, joins)| joins);
        let saw = !self.joined.get()
            || self.told().next().is_some()
            || acknowledged.iter().all(|(_, seq)| seen.contains_key(seq));
        let live = self.disturbed.get()
            || self.told().next().is_some()
            || self.wanted.borrow().iter().all(known);
        [
            (dense, Promise::Dense),
            (once, Promise::Once),
            (acked, Promise::Acked),
            (fence, Promise::Fence),
            (agree, Promise::Agree),
            (saw, Promise::Seen),
            (live, Promise::Live),
        ]
        .into_iter()
        .filter(|(kept, _)| !kept)
        .map(|(_, promise)| promise)
        .collect()
    }
}

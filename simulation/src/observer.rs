//! Promises that only an observer inside the simulation can check:
//!
//! - *notified*: a subscriber whose token has not ended is pushed every entry after the head that its
//!   subscription returned, before the entry is acknowledged, unless the fan-out ran out of time.
//!   (Otherwise the clients' repairs would hide a broken fan-out.)
//! - *signals*: what a user types or has read is pushed to others only if the user is among the
//!   participants that were read for it.
//! - *presence*: nobody watches a conversation in which they never were; a user who hides neither is
//!   seen nor sees others; a device that looks away does not end the presence of another one.
//! - *pushed*: a push that the gateway is too busy for is attempted four times if there is time.

mod presences;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chat::{
    domain::{ConnectionId, ConversationId, Timestamp, UserId},
    ports::Presence,
};
use serde_json::Value;

pub use self::presences::Hidden;
use self::presences::Presences;

use crate::connections::Connections;

/// How long a fan-out may take.
const FAN_OUT: Duration = Duration::from_secs(3);
/// How far an index may lag behind its table.
const INDEX_LAG: Duration = Duration::from_secs(1);

/// A violation that the checker cannot see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub promise: &'static str,
    pub what: String,
}

type Row = (String, String);

#[derive(Default)]
pub struct Observer {
    /// The position from which each connection is pushed entries, by conversation and connection.
    subscribed: BTreeMap<Row, u64>,
    /// When each subscription row was first put.
    put: BTreeMap<Row, Timestamp>,
    /// How often each subscription row was deleted.
    deleted: BTreeMap<Row, u64>,
    /// How often a change of a participant began or ended, by conversation and user.
    changed: BTreeMap<Row, u64>,
    /// How many changes of a participant are under way, by conversation and user.
    changing: BTreeMap<Row, u64>,
    /// The connections to which each entry's push was attempted, by conversation and position.
    tried: BTreeMap<(String, u64), BTreeSet<String>>,
    /// Entries that were acknowledged after a complete fan-out, with the connection that it
    /// skipped.
    acknowledged: BTreeMap<(String, u64), Option<String>>,
    /// The frame that was parsed last, and its entry.
    frame: (String, Option<(String, u64)>),
    /// Who looks and who hides.
    pub presences: Presences,
    broken: Vec<Finding>,
}

/// A requested subscription, and its disturbances so far.
pub struct Asked {
    row: Row,
    before: (u64, u64),
}

/// The timing of a function's fan-out.
#[derive(Clone, Copy)]
pub struct FanOut {
    /// When the roster was read, after which the fan-out begins.
    pub began: Option<Timestamp>,
    pub now: Timestamp,
    /// The function's deadline.
    pub deadline: Timestamp,
}

impl FanOut {
    /// Whether the function had time to push to all subscribers.
    fn is_complete(&self, began: Timestamp) -> bool {
        self.now.since(began) < FAN_OUT && self.now < self.deadline
    }
}

impl Observer {
    /// Returns the subscriptions that a frame requests.
    pub fn asks(&self, connection: &ConnectionId, text: &str) -> Vec<Asked> {
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        if frame["action"] != "subscribe" {
            return Vec::new();
        }
        let many = frame["conversations"].as_array().into_iter().flatten();
        let wanted = many.chain([&frame]);
        let conversations = wanted.filter_map(|wanted| wanted["conversation"].as_str());
        conversations
            .map(|conversation| {
                let row = (conversation.to_owned(), connection.to_string());
                let before = self.disturbances(&row);
                Asked { row, before }
            })
            .collect()
    }

    /// Returns how often the row was deleted, and how often its user's participation changed.
    fn disturbances(&self, row: &Row) -> (u64, u64) {
        let (conversation, connection) = row;
        let changed = self
            .changed
            .get(&(conversation.clone(), user_of(connection).to_owned()));
        (
            self.deleted.get(row).copied().unwrap_or(0),
            changed.copied().unwrap_or(0),
        )
    }

    /// Records an attempt to push a frame. `signallers` are the participants as the function read
    /// them.
    pub fn pushed(
        &mut self,
        connection: &ConnectionId,
        frame: &str,
        signallers: &BTreeSet<UserId>,
    ) {
        if self.frame.0 != frame {
            let read: Value = serde_json::from_str(frame).unwrap_or_default();
            self.check_signal(connection, &read, signallers);
            let entry = read["conversation"].as_str().zip(read["seq"].as_u64());
            self.frame = (
                frame.to_owned(),
                entry.map(|(id, seq)| (id.to_owned(), seq)),
            );
        }
        if let Some(entry) = &self.frame.1 {
            self.tried
                .entry(entry.clone())
                .or_default()
                .insert(connection.to_string());
        }
    }

    /// What somebody types or has read reaches others only while they are a participant.
    fn check_signal(
        &mut self,
        connection: &ConnectionId,
        frame: &Value,
        signallers: &BTreeSet<UserId>,
    ) {
        let user = frame["user"].as_str().unwrap_or_default();
        let is_signal = frame["event"] == "typing" || frame["event"] == "read";
        let is_own = user_of(connection.as_str()) == user;
        let is_participant = signallers.iter().any(|other| other.as_str() == user);
        if is_signal && !is_own && !is_participant {
            self.broken.push(Finding {
                promise: "signals",
                what: format!(
                    "{connection} is pushed a frame of {user}, who is no participant: {frame}"
                ),
            });
        }
    }

    /// Records a violation.
    pub fn found(&mut self, promise: &'static str, what: String) {
        self.broken.push(Finding { promise, what });
    }

    /// Records that a user looks away on a connection, and their presence afterwards.
    pub fn looked_away(&mut self, user: &UserId, connection: &ConnectionId, presence: Presence) {
        let ended = self.presences.looks_away(user, connection, presence);
        if let Some(what) = ended {
            self.found("presence", what);
        }
    }

    /// Records the reply to a frame of `caller`. `hidden` are the users who hid when it arrived.
    pub fn replied(&mut self, caller: &UserId, hidden: &Hidden, reply: &Value) {
        if let Some(what) = self.presences.wrongly_seen(caller, hidden, reply) {
            self.found("presence", what);
        }
    }

    /// Records that a subscription row is put.
    pub fn row_put(
        &mut self,
        conversation: &ConversationId,
        connection: &ConnectionId,
        now: Timestamp,
    ) {
        let row = (conversation.to_string(), connection.to_string());
        self.put.entry(row).or_insert(now);
    }

    /// Whether a row is so recent that an index may not have it yet.
    pub fn is_recent(
        &self,
        conversation: &ConversationId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> bool {
        let row = (conversation.to_string(), connection.to_string());
        self.put
            .get(&row)
            .is_some_and(|put| now.since(*put) < INDEX_LAG)
    }

    /// Records that a subscription row is deleted.
    pub fn row_deleted(&mut self, conversation: &ConversationId, connection: &ConnectionId) {
        let row = (conversation.to_string(), connection.to_string());
        self.subscribed.remove(&row);
        self.put.remove(&row);
        *self.deleted.entry(row).or_default() += 1;
    }

    /// Records the beginning of a change, and returns whether it overlaps another one of the user.
    ///
    /// Entries that are stored while the user is removed need not be pushed to them. So only
    /// subscriptions after the change count.
    pub fn change_begins(&mut self, conversation: &str, user: &str) -> bool {
        let overlaps = self.is_changing(conversation, user);
        *self.disturb(conversation, user) += 1;
        overlaps
    }

    /// Records the end of a change.
    pub fn change_ends(&mut self, conversation: &str, user: &str) {
        *self.disturb(conversation, user) -= 1;
    }

    /// Forgets the user's subscriptions, and returns the number of their changes under way.
    fn disturb(&mut self, conversation: &str, user: &str) -> &mut u64 {
        let row = (conversation.to_owned(), user.to_owned());
        *self.changed.entry(row.clone()).or_default() += 1;
        self.subscribed
            .retain(|(id, connection), _| id != conversation || user_of(connection) != user);
        self.changing.entry(row).or_default()
    }

    /// Takes the violations found so far.
    pub fn take_broken(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.broken)
    }

    fn is_changing(&self, conversation: &str, user: &str) -> bool {
        let row = (conversation.to_owned(), user.to_owned());
        self.changing.get(&row).is_some_and(|changes| *changes > 0)
    }

    /// Records a function's reply.
    pub fn answered(
        &mut self,
        connections: &Connections,
        origin: Option<&ConnectionId>,
        asked: Vec<Asked>,
        reply: &Value,
        fan_out: FanOut,
    ) {
        let number = |name: &str| reply[name].as_u64();
        match reply["event"].as_str() {
            Some("subscribed") => {
                for Asked { row, before } in asked {
                    let many = reply["conversations"].as_array().into_iter().flatten();
                    let mut outcomes = many.chain([reply]);
                    let outcome = outcomes.find(|outcome| outcome["conversation"] == row.0);
                    let Some(head) = outcome.and_then(|outcome| outcome["head"].as_u64()) else {
                        continue;
                    };
                    let is_changing = self.is_changing(&row.0, user_of(&row.1));
                    if self.disturbances(&row) == before && !is_changing {
                        let from = self
                            .subscribed
                            .get(&row)
                            .map_or(head, |from| (*from).min(head));
                        self.subscribed.insert(row.clone(), from);
                        self.check_from(connections, fan_out.now, &row, from);
                    }
                }
            }
            // A reaction that was so already has no entry.
            Some("reacted") if number("seq").is_none() => {}
            Some("sent" | "edited" | "deleted" | "reacted") => {
                let conversation = reply["conversation"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let seq = number("seq").unwrap_or(0);
                if fan_out.began.is_none_or(|began| fan_out.is_complete(began)) {
                    let entry = (conversation, seq);
                    self.acknowledged
                        .insert(entry.clone(), origin.map(ToString::to_string));
                    self.check_entry(connections, fan_out.now, &entry);
                }
            }
            _ => {}
        }
    }

    fn check_entry(&mut self, connections: &Connections, now: Timestamp, entry: &(String, u64)) {
        let rows = self.subscribed.iter();
        let rows: Vec<Row> = rows
            .filter(|((conversation, _), from)| *conversation == entry.0 && **from < entry.1)
            .map(|(row, _)| row.clone())
            .collect();
        for row in rows {
            self.check(connections, now, &row, entry.1);
        }
    }

    fn check_from(&mut self, connections: &Connections, now: Timestamp, row: &Row, from: u64) {
        let later = (row.0.clone(), from + 1)..=(row.0.clone(), u64::MAX);
        let entries: Vec<u64> = self
            .acknowledged
            .range(later)
            .map(|((_, seq), _)| *seq)
            .collect();
        for seq in entries {
            self.check(connections, now, row, seq);
        }
    }

    fn check(&mut self, connections: &Connections, now: Timestamp, row: &Row, seq: u64) {
        let (conversation, connection) = row;
        let entry = (conversation.clone(), seq);
        let tried = self.tried.get(&entry);
        let skipped = self.acknowledged.get(&entry).and_then(Option::as_ref) == Some(connection);
        if skipped || tried.is_some_and(|tried| tried.contains(connection)) {
            return;
        }
        let id = ConnectionId::new(connection.as_str()).unwrap();
        if connections.is_served(&id, now) {
            self.broken.push(Finding {
                promise: "notified",
                what: format!(
                    "{connection} is subscribed to {conversation}, but {seq} was acknowledged without being returned or pushed to it"
                ),
            });
        }
    }

    /// Records that a function returned, with the pushes that it gave up because the gateway was
    /// busy.
    pub fn returned(&mut self, fan_out: FanOut, given_up: Vec<(ConnectionId, String)>) {
        if !fan_out
            .began
            .is_some_and(|began| fan_out.is_complete(began))
        {
            return;
        }
        for (connection, frame) in given_up {
            self.broken.push(Finding {
                promise: "pushed",
                what: format!(
                    "the gateway was busy, but the push to {connection} was not attempted four times: {frame}"
                ),
            });
        }
    }
}

/// Returns the user of a connection: connections are named after devices, and devices after users.
fn user_of(connection: &str) -> &str {
    connection.split('-').next().unwrap_or(connection)
}

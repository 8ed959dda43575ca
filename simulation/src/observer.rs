//! What can be seen from inside only, and what is promised of it:
//!
//! - *told*: whoever has subscribed is told of everything that is stored past what the subscription answered, before it
//!   is acknowledged, unless the fan-out ran out of time. (That a client repairs what it misses would hide it.)
//! - *pushed*: a push that the gateway is too busy for is tried again while there is time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Duration,
};

use chat::{
    domain::{ConnectionId, ConversationId, Timestamp},
    ports::Clock as _,
};
use serde_json::Value;

use crate::ports::Ports;

/// How long a fan-out may take.
const FAN_OUT: Duration = Duration::from_secs(3);
/// How late an index may be.
const INDEX_LAG: Duration = Duration::from_secs(1);

/// A promise that was broken where the checker cannot see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub promise: &'static str,
    pub what: String,
}

type Row = (String, String);

#[derive(Default)]
pub struct Observer {
    /// Where each connection is told from, by conversation and connection.
    subscribed: BTreeMap<Row, u64>,
    /// When a row was first put.
    put: BTreeMap<Row, Timestamp>,
    /// How often a row was deleted.
    deleted: BTreeMap<Row, u64>,
    /// How often somebody was about to be added or removed, or had been, by conversation and user.
    changed: BTreeMap<Row, u64>,
    /// By how many changes somebody is about to be added or removed.
    changing: BTreeMap<Row, u64>,
    /// Frames that were tried to be pushed: connections by conversation and position.
    tried: BTreeMap<(String, u64), BTreeSet<String>>,
    /// Entries that were acknowledged after a whole fan-out, which spared this connection.
    acknowledged: BTreeMap<(String, u64), Option<String>>,
    frame: (String, Option<(String, u64)>),
    pub broken: Vec<Seen>,
}

/// A subscription that is being asked for, and what had been of it by then.
pub struct Asked {
    row: Row,
    before: (u64, u64),
}

impl Observer {
    /// What a frame asks for, if it is a subscription.
    pub fn asks(&self, connection: &ConnectionId, text: &str) -> Option<Asked> {
        let frame: Value = serde_json::from_str(text).ok()?;
        let conversation = frame["conversation"]
            .as_str()
            .filter(|_| frame["action"] == "subscribe")?;
        let row = (conversation.to_owned(), connection.to_string());
        let before = self.disturbances(&row);
        Some(Asked { row, before })
    }

    /// How often the row was deleted, and how often its user came or went.
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

    /// A push is tried.
    pub fn pushed(&mut self, connection: &ConnectionId, frame: &str) {
        if self.frame.0 != frame {
            let read: Value = serde_json::from_str(frame).unwrap_or_default();
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

    /// The row of a subscription comes, or comes again.
    pub fn row_put(
        &mut self,
        conversation: &ConversationId,
        connection: &ConnectionId,
        now: Timestamp,
    ) {
        let row = (conversation.to_string(), connection.to_string());
        self.put.entry(row).or_insert(now);
    }

    /// Whether a row is so young that an index may not have it yet.
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

    /// The row of a subscription goes.
    pub fn row_deleted(&mut self, conversation: &ConversationId, connection: &ConnectionId) {
        let row = (conversation.to_string(), connection.to_string());
        self.subscribed.remove(&row);
        self.put.remove(&row);
        *self.deleted.entry(row).or_default() += 1;
    }

    /// Somebody is to be added or removed: what is stored while he is out need not be told to him, so that only what he
    /// subscribes to when that is over counts. Whether another change of his is under way.
    pub fn change_begins(&mut self, conversation: &str, user: &str) -> bool {
        let overlaps = self.is_changing(conversation, user);
        *self.disturb(conversation, user) += 1;
        overlaps
    }

    /// He has been added or removed.
    pub fn change_ends(&mut self, conversation: &str, user: &str) {
        *self.disturb(conversation, user) -= 1;
    }

    /// Forgets what he has subscribed to. By how many changes he is about to be added or removed.
    fn disturb(&mut self, conversation: &str, user: &str) -> &mut u64 {
        let row = (conversation.to_owned(), user.to_owned());
        *self.changed.entry(row.clone()).or_default() += 1;
        self.subscribed
            .retain(|(id, connection), _| id != conversation || user_of(connection) != user);
        self.changing.entry(row).or_default()
    }

    fn is_changing(&self, conversation: &str, user: &str) -> bool {
        let row = (conversation.to_owned(), user.to_owned());
        self.changing.get(&row).is_some_and(|changes| *changes > 0)
    }

    /// A function has an answer.
    pub fn answered(
        &mut self,
        ports: &Ports,
        origin: Option<&ConnectionId>,
        asked: Option<Asked>,
        reply: &Value,
        deadline: Timestamp,
    ) {
        let number = |name: &str| reply[name].as_u64();
        match (reply["event"].as_str(), asked) {
            (Some("subscribed"), Some(Asked { row, before })) => {
                let is_changing = self.is_changing(&row.0, user_of(&row.1));
                if self.disturbances(&row) == before && !is_changing {
                    let head = number("head").unwrap_or(0);
                    let from = self
                        .subscribed
                        .get(&row)
                        .map_or(head, |from| (*from).min(head));
                    self.subscribed.insert(row.clone(), from);
                    self.check_from(ports, &row, from);
                }
            }
            (Some("sent"), _) => {
                let conversation = reply["conversation"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let seq = number("seq").unwrap_or(0);
                if reply["duplicate"] == true {
                    ports.stage.count("duplicates that were recognised");
                }
                let began = Timestamp::from_millis(ports.roster_at.load(Ordering::Relaxed));
                let now = ports.now();
                let whole = ports.roster_at.load(Ordering::Relaxed) == 0
                    || now.since(began) < FAN_OUT && now < deadline;
                if whole {
                    let entry = (conversation, seq);
                    self.acknowledged
                        .insert(entry.clone(), origin.map(ToString::to_string));
                    self.check_entry(ports, &entry);
                }
            }
            _ => {}
        }
    }

    fn check_entry(&mut self, ports: &Ports, entry: &(String, u64)) {
        let rows = self.subscribed.iter();
        let rows: Vec<Row> = rows
            .filter(|((conversation, _), from)| *conversation == entry.0 && **from < entry.1)
            .map(|(row, _)| row.clone())
            .collect();
        for row in rows {
            self.check(ports, &row, entry.1);
        }
    }

    fn check_from(&mut self, ports: &Ports, row: &Row, from: u64) {
        let later = (row.0.clone(), from + 1)..=(row.0.clone(), u64::MAX);
        let entries: Vec<u64> = self
            .acknowledged
            .range(later)
            .map(|((_, seq), _)| *seq)
            .collect();
        for seq in entries {
            self.check(ports, row, seq);
        }
    }

    fn check(&mut self, ports: &Ports, row: &Row, seq: u64) {
        let (conversation, connection) = row;
        let entry = (conversation.clone(), seq);
        let tried = self.tried.get(&entry);
        let spared = self.acknowledged.get(&entry).and_then(Option::as_ref) == Some(connection);
        if spared || tried.is_some_and(|tried| tried.contains(connection)) {
            return;
        }
        let id = ConnectionId::new(connection.as_str()).unwrap();
        if ports.stage.gateway().age(&id, ports.now()).is_some() {
            self.broken.push(Seen {
                promise: "told",
                what: format!(
                    "{connection} is subscribed to {conversation}, and {seq} was acknowledged and neither answered nor pushed to it"
                ),
            });
        }
    }

    /// A function has ended by itself.
    pub fn ended(&mut self, ports: &Ports, deadline: Timestamp) {
        let now = ports.now();
        let began = Timestamp::from_millis(ports.roster_at.load(Ordering::Relaxed));
        if now >= deadline || now.since(began) >= FAN_OUT {
            return;
        }
        for (connection, frame) in ports.given_up() {
            self.broken.push(Seen {
                promise: "pushed",
                what: format!("the gateway was busy, and {connection} was not tried again though there was time: {frame}"),
            });
        }
    }
}

/// Connections are named after devices, and devices after users.
fn user_of(connection: &str) -> &str {
    connection.split('-').next().unwrap_or(connection)
}

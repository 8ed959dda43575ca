//! A client's state of one conversation. Position and outbox are saved together when it crashes.

use std::collections::{BTreeMap, VecDeque};

use checker::history::Entry;

/// A message that is neither acknowledged nor given up.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub id: String,
    pub body: String,
    /// The position of the message that this one replies to.
    pub reply_to: Option<u64>,
    /// The client's position when the message was first sent.
    pub first_after: u64,
    pub attempts: u64,
}

/// The state of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The client has to subscribe.
    Wanted,
    /// The client has sent `subscribe`.
    Asking,
    /// The client subscribes again after a wait.
    Waiting,
    /// The client is subscribed and has caught up.
    Live,
    /// The server said that the user is not a participant.
    Out,
}

/// An unanswered attempt to send.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub id: String,
    pub number: u64,
    pub by_socket: bool,
}

/// The state of one conversation.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub position: u64,
    pub outbox: VecDeque<Outgoing>,
    /// Entries after a gap.
    pub held: BTreeMap<u64, Entry>,
    pub phase: Phase,
    pub in_flight: Option<Attempt>,
    /// No attempt before this time.
    pub rests_until: u64,
    /// Whether a new connection ends the rest.
    pub rest_ends_on_reconnect: bool,
    /// Whether the client is waiting for a gap to close by itself.
    pub gap_noticed: bool,
    /// Consecutive failures to catch up.
    pub failures: u32,
    /// The newest head that the server reported. It does not prove that the client has the entries.
    pub reported_head: u64,
    /// Whether a read over HTTP is under way.
    pub polling: bool,
    /// The position up to which the user has read on this device.
    pub read: u64,
    /// The position up to which the server says that the user has read.
    pub confirmed: u64,
    /// Whether the answer to a receipt over HTTP is outstanding.
    pub receipting: bool,
}

impl Conversation {
    pub fn at(position: u64, outbox: VecDeque<Outgoing>) -> Self {
        Self {
            position,
            outbox,
            held: BTreeMap::new(),
            phase: Phase::Wanted,
            in_flight: None,
            rests_until: 0,
            rest_ends_on_reconnect: false,
            gap_noticed: false,
            failures: 0,
            reported_head: 0,
            polling: false,
            read: 0,
            confirmed: 0,
            receipting: false,
        }
    }

    /// Takes an entry, and returns the entries that become visible, in order. If `believe` is set,
    /// the position moves over gaps. The caller must first remove the client's own message from the
    /// outbox.
    pub fn take(&mut self, entry: Entry, believe: bool) -> Vec<Entry> {
        if entry.seq <= self.position {
            return Vec::new();
        }
        if believe {
            self.position = entry.seq;
            return vec![entry];
        }
        self.reported_head = self.reported_head.max(entry.seq);
        self.held.insert(entry.seq, entry);
        let mut seen = Vec::new();
        while let Some(next) = self.held.remove(&(self.position + 1)) {
            self.position = next.seq;
            seen.push(next);
        }
        seen
    }

    /// Removes a message from the outbox.
    pub fn forget(&mut self, id: &str) -> Option<Outgoing> {
        let place = self.outbox.iter().position(|outgoing| outgoing.id == id)?;
        self.outbox.remove(place)
    }

    /// Forgets the requests on a connection that has ended.
    pub fn disconnected(&mut self) {
        if self.phase != Phase::Out {
            self.phase = Phase::Wanted;
        }
        if self
            .in_flight
            .as_ref()
            .is_some_and(|attempt| attempt.by_socket)
        {
            self.in_flight = None;
        }
        if self.rest_ends_on_reconnect {
            self.rests_until = 0;
        }
        self.failures = 0;
    }
}

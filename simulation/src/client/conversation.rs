//! What a device knows of one conversation: its position and its outbox, which are one state, and are kept as one when
//! it crashes.

use std::collections::{BTreeMap, VecDeque};

use checker::history::Entry;

/// A message that is neither acknowledged nor refused.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub id: String,
    pub body: String,
    /// The position when it was first sent.
    pub first_after: u64,
    pub attempts: u64,
}

/// Whether the device is told of what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is to subscribe.
    Wanted,
    /// It has asked to.
    Asking,
    /// It asks again after a while.
    Waiting,
    /// It is subscribed and has caught up.
    Live,
    /// It was told that its user takes no part.
    Out,
}

/// An attempt to send that is not answered.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub id: String,
    pub number: u64,
    pub by_socket: bool,
}

#[derive(Clone, Debug)]
pub struct Conversation {
    pub position: u64,
    pub outbox: VecDeque<Outgoing>,
    /// Entries ahead of a gap.
    pub held: BTreeMap<u64, Entry>,
    pub phase: Phase,
    pub in_flight: Option<Attempt>,
    /// No attempt before this time.
    pub rests_until: u64,
    /// Whether that time ends with a new connection.
    pub rest_ends_on_reconnect: bool,
    /// Whether a gap is being waited out.
    pub gap_noticed: bool,
    /// Attempts in a row to catch up that brought nothing.
    pub failures: u32,
    /// The newest head that was reported, which proves nothing.
    pub reported_head: u64,
    /// Whether it is being read by HTTP.
    pub polling: bool,
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
        }
    }

    /// Takes an entry; what becomes visible by it, in order. One's own message must have been taken out of the outbox.
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

    /// Takes a message out of the outbox.
    pub fn forget(&mut self, id: &str) -> Option<Outgoing> {
        let place = self.outbox.iter().position(|outgoing| outgoing.id == id)?;
        self.outbox.remove(place)
    }

    /// Nothing is known of requests that were made on a connection that is gone.
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

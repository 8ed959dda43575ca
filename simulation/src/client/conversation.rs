//! A client's state of one conversation. Position and outbox are saved together when it crashes.

use std::collections::{BTreeMap, VecDeque};

use checker::history::{Entry, Reaction};

use super::reactions::Reactions;

/// A message that is neither acknowledged nor given up.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub id: String,
    /// The text; empty for a deletion.
    pub body: String,
    pub kind: OutgoingKind,
    /// The client's position when the message was first sent.
    pub first_after: u64,
    pub attempts: u64,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutgoingKind {
    /// A message, which may reply to another one.
    Message { reply_to: Option<u64> },
    /// An edit of the message at this position.
    Edit { target: u64 },
    /// A deletion of the message at this position.
    Deletion { target: u64 },
}

impl OutgoingKind {
    /// Returns the position of the message to change.
    pub fn target(self) -> Option<u64> {
        match self {
            Self::Message { .. } => None,
            Self::Edit { target } | Self::Deletion { target } => Some(target),
        }
    }
}

/// What is known of a message's text: the position of the edit that brought it (0 for the original
/// text), or `GONE` after a deletion.
pub type Text = (u64, String);
/// Wins over every edit.
const GONE: u64 = u64::MAX;

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
    /// The texts of messages by position, as far as the client knows them.
    pub texts: BTreeMap<u64, Text>,
    /// The senders of messages by position, as far as the client knows them.
    pub senders: BTreeMap<u64, String>,
    /// The position at which the client began to read the log, and so to know the reactions.
    pub began: u64,
    pub reactions: Reactions,
    /// The positions of the user's own messages that the client has seen.
    pub own: Vec<u64>,
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
            texts: BTreeMap::new(),
            senders: BTreeMap::new(),
            began: position,
            reactions: Reactions::default(),
            own: Vec::new(),
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

    /// Keeps what an entry says about the text of a message, unless something newer is known.
    pub fn fold(&mut self, entry: &Entry, user: &str) {
        self.reactions.fold(entry);
        if let Some(sender) = entry.author().filter(|_| entry.event == "message") {
            if sender == user {
                self.own.push(entry.seq);
            }
            self.senders.insert(entry.seq, sender.to_owned());
        }
        let (target, text) = match (&*entry.event, entry.body.clone()) {
            ("message", _) if entry.deleted.is_some() => (entry.seq, (GONE, String::new())),
            ("message", body) => {
                let edit = entry.edited.as_ref().map_or(0, |edit| edit.seq);
                (entry.seq, (edit, body.unwrap_or_default()))
            }
            ("messageDeleted", _) => (entry.target.unwrap_or(0), (GONE, String::new())),
            // Without a text, a later entry has replaced it.
            ("messageEdited", Some(body)) => (entry.target.unwrap_or(0), (entry.seq, body)),
            _ => return,
        };
        let known = self.texts.entry(target).or_insert_with(|| text.clone());
        if known.0 < text.0 {
            *known = text;
        }
    }

    /// Returns the reactions that the client shows, if it knows all of them.
    pub fn shown_reactions(&self) -> Option<Vec<Reaction>> {
        let knows_all = self.began == 0 || self.reactions.has_history;
        knows_all.then(|| self.reactions.shown(|seq| self.is_deleted(seq)))
    }

    /// Returns the newest message of `sender` that the client knows and that is not deleted.
    pub fn newest_of(&self, sender: &str) -> Option<u64> {
        let mut newest = self.senders.iter().rev();
        let found = newest.find(|(seq, other)| *other == sender && !self.is_deleted(**seq));
        found.map(|(seq, _)| *seq)
    }

    fn is_deleted(&self, seq: u64) -> bool {
        self.texts.get(&seq).is_some_and(|(edit, _)| *edit == GONE)
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
        self.reactions.disconnected();
    }
}

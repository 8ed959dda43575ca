//! The verdict on a history: counts and violations.

use std::{collections::BTreeSet, fmt};

use crate::history::Record;

/// A guarantee of `docs/design.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// A log is 1, 2, 3 … without a hole, and a later reading never changes an entry.
    Dense,
    /// No (sender, id) is stored twice.
    Once,
    /// Every entry was requested by a client.
    Asked,
    /// An acknowledged message is stored at the acknowledged position, as it was sent.
    Acknowledged,
    /// Two acknowledgements of one message name the same position.
    Place,
    /// A message that was refused for good is not stored.
    Refused,
    /// Every client sees the log's entries in order, without gap or repetition.
    Order,
    /// No entry after a removal is sent by, or reaches, the removed user.
    Fence,
    /// Every client of a participant ends with the complete log and an empty outbox.
    Complete,
    /// Messages and unread messages are counted as the log has them.
    Counted,
    /// Positions of participants are of the log, only grow, and are shown only if their user
    /// allows it.
    Read,
    /// At rest, every message and every reaction is the fold of its entries, and no text of a deleted
    /// message is left.
    Fold,
    /// Nothing is pushed to a connection after its token has ended.
    Expired,
}

impl fmt::Display for Promise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dense => "dense: a log is 1, 2, 3 … without a hole, and never changes",
            Self::Once => "once: no message is stored twice",
            Self::Asked => "asked: every entry was requested by a client",
            Self::Acknowledged => {
                "acknowledged: an acknowledged message is stored there, as it was sent"
            }
            Self::Place => "place: all acknowledgements of a message name one position",
            Self::Refused => "refused: a message that was refused for good is not stored",
            Self::Order => "order: every client sees the log in order, without gap or repetition",
            Self::Fence => {
                "fence: no entry behind a removal is sent by or reaches the removed user"
            }
            Self::Complete => {
                "complete: every participant ends with the whole log and an empty outbox"
            }
            Self::Counted => {
                "counted: messages and unread messages are counted as the log has them"
            }
            Self::Read => {
                "read: positions of participants are true, only grow, and private ones are not shown"
            }
            Self::Fold => {
                "fold: every message and reaction is the fold of its entries, and a deleted text is nowhere"
            }
            Self::Expired => "expired: nothing is pushed to a connection after its token has ended",
        })
    }
}

/// One way in which a promise is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The broken promise.
    pub promise: Promise,
    /// A sentence that describes the violation.
    pub what: String,
    /// The records that show the violation, in order, as `line: record`.
    pub trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "broken: {}\n  {}", self.promise, self.what)?;
        self.trace
            .iter()
            .try_for_each(|line| write!(formatter, "\n    {line}"))
    }
}

/// The size of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Clients.
    pub clients: usize,
    /// Conversations.
    pub conversations: usize,
    /// Attempts to send.
    pub sends: usize,
    /// Acknowledged messages; repeated acknowledgements of one message count once.
    pub acknowledged: usize,
    /// Entries that clients moved over.
    pub seen: usize,
    /// Answered removals.
    pub removals: usize,
}

impl Counts {
    /// Counts the records of a history.
    #[must_use]
    pub fn of(records: &[(usize, Record)]) -> Self {
        let mut counts = Self::default();
        let mut clients = BTreeSet::new();
        let mut conversations = BTreeSet::new();
        let mut acknowledged = BTreeSet::new();
        for (_, record) in records {
            match record {
                Record::Send { about, .. } => {
                    counts.sends += 1;
                    clients.insert(&about.client);
                }
                Record::Sent { about, id, .. } => {
                    acknowledged.insert((&about.conversation, &about.user, id));
                }
                Record::Seen { about, .. } => {
                    counts.seen += 1;
                    clients.insert(&about.client);
                }
                Record::End { about, .. } | Record::Restart { about, .. } => {
                    clients.insert(&about.client);
                }
                Record::Removed(_) => counts.removals += 1,
                Record::Log { conversation, .. } => {
                    conversations.insert(conversation);
                }
                _ => {}
            }
        }
        counts.clients = clients.len();
        counts.conversations = conversations.len();
        counts.acknowledged = acknowledged.len();
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} clients, {} conversations, {} sends, {} acknowledged, {} seen, {} removals",
            self.clients,
            self.conversations,
            self.sends,
            self.acknowledged,
            self.seen,
            self.removals
        )
    }
}

/// The result of checking a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The size of the history.
    pub counts: Counts,
    /// The violations, shortest traces first.
    pub violations: Vec<Violation>,
    /// The seed that reproduces the history, and how to run it again.
    pub seed: Option<(u64, String)>,
}

/// Prints the counts, and either `no violation` or the shortest trace for each broken promise.
impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.counts)?;
        if self.violations.is_empty() {
            return write!(formatter, ": no violation");
        }
        write!(formatter, ": {} violations", self.violations.len())?;
        if let Some((seed, about)) = &self.seed {
            write!(formatter, "\nseed {seed} {about}")?;
        }
        let mut shown = BTreeSet::new();
        for violation in &self.violations {
            if shown.insert(violation.promise) {
                write!(formatter, "\n{violation}")?;
            }
        }
        Ok(())
    }
}

//! What is said of a history.

use std::{collections::BTreeSet, fmt};

use crate::history::Record;

/// What was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// A log is 1, 2, 3 … without a hole, and what was once read of it stays.
    Dense,
    /// No (sender, id) stands in a log twice.
    Once,
    /// Nothing stands in a log that nobody asked for.
    Asked,
    /// What was acknowledged stands in the log, at that position, as it was sent.
    Acknowledged,
    /// Two acknowledgements of one message name the same position.
    Place,
    /// What was refused for good is not in the log.
    Refused,
    /// Every client sees the log's entries, in order, without gap or repeat.
    Order,
    /// Nothing behind a removal is by the removed user or reaches him.
    Fence,
    /// In the end every participant has everything, and nothing waits.
    Complete,
}

impl fmt::Display for Promise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dense => "dense: a log is 1, 2, 3 … without a hole, and stays",
            Self::Once => "once: no message is stored twice",
            Self::Asked => "asked: nothing is stored that nobody asked for",
            Self::Acknowledged => {
                "acknowledged: what was acknowledged is stored there, as it was sent"
            }
            Self::Place => "place: an acknowledgement names its place for ever",
            Self::Refused => "refused: what was refused for good is not stored",
            Self::Order => "order: every client sees the log, in order, without gap or repeat",
            Self::Fence => "fence: nothing behind a removal is by the removed or reaches him",
            Self::Complete => {
                "complete: in the end every participant has everything, and nothing waits"
            }
        })
    }
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// How, in a sentence.
    pub what: String,
    /// The lines that matter, in order, as `line: record`.
    pub story: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "broken: {}\n  {}", self.promise, self.what)?;
        self.story
            .iter()
            .try_for_each(|line| write!(formatter, "\n    {line}"))
    }
}

/// How much was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Devices.
    pub clients: usize,
    /// Conversations.
    pub conversations: usize,
    /// Attempts to send.
    pub sends: usize,
    /// Messages that were acknowledged, each once however often that was.
    pub acknowledged: usize,
    /// Entries that positions moved over.
    pub seen: usize,
    /// Removals that were answered.
    pub removals: usize,
}

impl Counts {
    /// Counts what is in a history.
    #[must_use]
    pub fn of(records: &[(usize, Record)]) -> Self {
        let mut counts = Self::default();
        let mut clients = BTreeSet::new();
        let mut conversations = BTreeSet::new();
        let mut acknowledged = BTreeSet::new();
        for (_, record) in records {
            match record {
                Record::Send { client, .. } => {
                    counts.sends += 1;
                    clients.insert(client);
                }
                Record::Sent {
                    conversation,
                    user,
                    id,
                    ..
                } => {
                    acknowledged.insert((conversation, user, id));
                }
                Record::Seen { client, .. } => {
                    counts.seen += 1;
                    clients.insert(client);
                }
                Record::End { client, .. } | Record::Restart { client, .. } => {
                    clients.insert(client);
                }
                Record::Removed { .. } => counts.removals += 1,
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

/// What was judged and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How much was judged.
    pub counts: Counts,
    /// The broken promises, those with the shortest stories first.
    pub violations: Vec<Violation>,
    /// What the history says of its seed.
    pub seed: Option<(u64, String)>,
}

/// The counts, and `no violation` or the shortest story of each promise that was broken.
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
        let mut told = BTreeSet::new();
        for violation in &self.violations {
            if told.insert(violation.promise) {
                write!(formatter, "\n{violation}")?;
            }
        }
        Ok(())
    }
}

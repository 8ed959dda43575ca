//! Indexes a history by conversation: the records of each message, change and client, and the log.

use std::collections::BTreeMap;

use crate::{
    changes::Changes,
    history::{Entry, Record},
};

/// The history has no log of a conversation, so the history cannot be checked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the history has no `log` of conversation {0}; a participant must read the whole log at the end"
)]
pub struct MissingLog(pub String);

/// The lines of each message or client.
type Lines<'a, K> = BTreeMap<K, Vec<usize>>;

/// The records of one conversation. Lines are indexes into the records.
#[derive(Debug, Default)]
pub struct Evidence<'a> {
    /// The log as it was last read.
    pub log: &'a [Entry],
    /// The line of that reading.
    pub log_line: usize,
    /// The lines of all readings of the log.
    pub readings: Vec<usize>,
    /// Lines of `send` by user and id.
    pub sends: Lines<'a, (&'a str, &'a str)>,
    /// Lines of `sent` by user and id.
    pub acknowledgements: Lines<'a, (&'a str, &'a str)>,
    /// Lines of `refused` by user and id.
    pub rejections: Lines<'a, (&'a str, &'a str)>,
    /// Lines of `react` by user.
    pub reacts: Lines<'a, &'a str>,
    /// Lines of `reacted`.
    pub reacted: Vec<usize>,
    /// Lines of `seen`, `restart` and `end` by client.
    pub views: Lines<'a, &'a str>,
    /// Lines of `counted`.
    pub counts: Vec<usize>,
    /// Lines of `receipt`, `receipted` and `shown`.
    pub receipts: Vec<usize>,
    /// The changes of participants by user.
    pub changes: BTreeMap<&'a str, Changes<'a>>,
    /// The newest observed position, at each line at which it grew.
    heads: BTreeMap<usize, u64>,
}

impl<'a> Evidence<'a> {
    /// Returns the entry at a position.
    pub fn at(&self, seq: u64) -> Option<&'a Entry> {
        let place = usize::try_from(seq.checked_sub(1)?).ok()?;
        let there = self.log.get(place).filter(|entry| entry.seq == seq);
        there.or_else(|| self.log.iter().find(|entry| entry.seq == seq))
    }

    /// Returns the newest position that any record before `line` mentions.
    pub fn head_before(&self, line: usize) -> u64 {
        self.heads
            .range(..line)
            .next_back()
            .map_or(0, |(_, head)| *head)
    }

    fn observe(&mut self, line: usize, seq: u64) {
        let newest = self.heads.last_key_value().map_or(0, |(_, head)| *head);
        if seq > newest {
            self.heads.insert(line, seq);
        }
    }

    fn take(&mut self, line: usize, record: &'a Record) {
        match record {
            Record::Seed { .. } | Record::Pushed { .. } | Record::Expired(_) => {}
            Record::Send { about, id, .. } => {
                let sends = self.sends.entry((&about.user, id));
                sends.or_default().push(line);
            }
            Record::Sent { about, id, seq } => {
                let acknowledgements = self.acknowledgements.entry((&about.user, id));
                acknowledgements.or_default().push(line);
                self.observe(line, *seq);
            }
            Record::Refused { about, id, .. } => {
                let rejections = self.rejections.entry((&about.user, id));
                rejections.or_default().push(line);
            }
            Record::React { about, .. } => {
                self.reacts.entry(&about.user).or_default().push(line);
            }
            Record::Reacted { seq, .. } => {
                self.reacted.push(line);
                self.observe(line, seq.unwrap_or(0));
            }
            Record::Seen { about, seq, .. } => {
                self.views.entry(&about.client).or_default().push(line);
                self.observe(line, *seq);
            }
            Record::Restart { about, .. } | Record::End { about, .. } => {
                self.views.entry(&about.client).or_default().push(line);
            }
            Record::Counted { head, .. } => {
                self.counts.push(line);
                self.observe(line, *head);
            }
            Record::Receipt { .. } | Record::Receipted { .. } | Record::Shown { .. } => {
                self.receipts.push(line);
            }
            Record::Remove(attempt) | Record::Add(attempt) => {
                let adds = matches!(record, Record::Add(_));
                let changes = self.changes.entry(&attempt.user).or_default();
                changes.ask(line, adds, attempt.change.as_deref());
            }
            Record::Removed(answer) | Record::Added(answer) => {
                let adds = matches!(record, Record::Added(_));
                let changes = self.changes.entry(&answer.user).or_default();
                changes.answer(line, adds, answer.change.as_deref(), answer.seq);
                self.observe(line, answer.seq.unwrap_or(0));
            }
            Record::Log { events, .. } => {
                self.readings.push(line);
                (self.log, self.log_line) = (events, line);
            }
        }
    }
}

/// Sorts a history by conversation.
///
/// # Errors
/// Fails on the first conversation whose log the history does not contain.
pub fn gather(records: &[(usize, Record)]) -> Result<BTreeMap<&str, Evidence<'_>>, MissingLog> {
    let mut gathered: BTreeMap<&str, Evidence<'_>> = BTreeMap::new();
    for (line, (_, record)) in records.iter().enumerate() {
        if let Some(conversation) = record.conversation() {
            gathered.entry(conversation).or_default().take(line, record);
        }
    }
    match gathered
        .iter()
        .find(|(_, evidence)| evidence.readings.is_empty())
    {
        Some((conversation, _)) => Err(MissingLog((*conversation).to_owned())),
        None => Ok(gathered),
    }
}

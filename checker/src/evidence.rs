//! A history by what is asked of it: which lines are about a message, about a change, and what the logs are.

use std::collections::BTreeMap;

use crate::{
    changes::Changes,
    history::{Entry, Record},
};

/// A history cannot be judged without the logs themselves.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the history has no `log` of conversation {0}: a participant must read it whole at the end"
)]
pub struct MissingLog(pub String);

/// Of a message or of a client.
type Lines<'a, K> = BTreeMap<K, Vec<usize>>;

/// What is known of one conversation. Lines are indexes into the records.
#[derive(Debug, Default)]
pub struct Evidence<'a> {
    /// The log: what was read last.
    pub log: &'a [Entry],
    /// The line of that.
    pub log_line: usize,
    /// All readings of it.
    pub readings: Vec<usize>,
    /// Lines of `send` by user and id.
    pub sends: Lines<'a, (&'a str, &'a str)>,
    /// Lines of `sent` by user and id.
    pub acknowledgements: Lines<'a, (&'a str, &'a str)>,
    /// Lines of `refused` by user and id.
    pub refusals: Lines<'a, (&'a str, &'a str)>,
    /// Lines of `seen`, `restart` and `end` by client.
    pub views: Lines<'a, &'a str>,
    /// Who was added and removed, by user.
    pub changes: BTreeMap<&'a str, Changes<'a>>,
    /// The newest position that was known of at each line, where it grew.
    heads: BTreeMap<usize, u64>,
}

impl<'a> Evidence<'a> {
    /// The entry at a position.
    pub fn at(&self, seq: u64) -> Option<&'a Entry> {
        let place = usize::try_from(seq.checked_sub(1)?).ok()?;
        let there = self.log.get(place).filter(|entry| entry.seq == seq);
        there.or_else(|| self.log.iter().find(|entry| entry.seq == seq))
    }

    /// The newest position that anybody had known of before a line.
    pub fn head_before(&self, line: usize) -> u64 {
        self.heads
            .range(..line)
            .next_back()
            .map_or(0, |(_, head)| *head)
    }

    fn knows(&mut self, line: usize, seq: u64) {
        let newest = self.heads.last_key_value().map_or(0, |(_, head)| *head);
        if seq > newest {
            self.heads.insert(line, seq);
        }
    }

    fn take(&mut self, line: usize, record: &'a Record) {
        match record {
            Record::Seed { .. } => {}
            Record::Send { user, id, .. } => {
                self.sends.entry((user, id)).or_default().push(line);
            }
            Record::Sent { user, id, seq, .. } => {
                self.acknowledgements
                    .entry((user, id))
                    .or_default()
                    .push(line);
                self.knows(line, *seq);
            }
            Record::Refused { user, id, .. } => {
                self.refusals.entry((user, id)).or_default().push(line);
            }
            Record::Seen { client, seq, .. } => {
                self.views.entry(client).or_default().push(line);
                self.knows(line, *seq);
            }
            Record::Restart { client, .. } | Record::End { client, .. } => {
                self.views.entry(client).or_default().push(line);
            }
            Record::Remove { user, change, .. } | Record::Add { user, change, .. } => {
                let adds = matches!(record, Record::Add { .. });
                let changes = self.changes.entry(user).or_default();
                changes.ask(line, adds, change.as_deref());
            }
            Record::Removed {
                user, seq, change, ..
            }
            | Record::Added {
                user, seq, change, ..
            } => {
                let adds = matches!(record, Record::Added { .. });
                let changes = self.changes.entry(user).or_default();
                changes.answer(line, adds, change.as_deref(), *seq);
                self.knows(line, seq.unwrap_or(0));
            }
            Record::Log { events, .. } => {
                self.readings.push(line);
                (self.log, self.log_line) = (events, line);
            }
        }
    }
}

/// Sorts a history by conversations.
///
/// # Errors
/// The first conversation whose log was not read.
pub fn gather(records: &[(usize, Record)]) -> Result<BTreeMap<&str, Evidence<'_>>, MissingLog> {
    let mut gathered: BTreeMap<&str, Evidence<'_>> = BTreeMap::new();
    for (line, (_, record)) in records.iter().enumerate() {
        if let Some(conversation) = conversation(record) {
            gathered.entry(conversation).or_default().take(line, record);
        }
    }
    match gathered.iter().find(|(_, it)| it.readings.is_empty()) {
        Some((conversation, _)) => Err(MissingLog((*conversation).to_owned())),
        None => Ok(gathered),
    }
}

fn conversation(record: &Record) -> Option<&str> {
    match record {
        Record::Seed { .. } => None,
        Record::Send { conversation, .. }
        | Record::Sent { conversation, .. }
        | Record::Refused { conversation, .. }
        | Record::Seen { conversation, .. }
        | Record::Restart { conversation, .. }
        | Record::Remove { conversation, .. }
        | Record::Removed { conversation, .. }
        | Record::Add { conversation, .. }
        | Record::Added { conversation, .. }
        | Record::End { conversation, .. }
        | Record::Log { conversation, .. } => Some(conversation),
    }
}

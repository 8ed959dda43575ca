//! Reads a log.
//!
//! A read is not a snapshot: entries may be stored while it runs, and it may find a later one
//! without an earlier one. So only the dense run from the start of a read is used.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{Content, ConversationId, Counters, Draft, Emoji, Entry, ReactionChange, Seq, UserId},
    error::{InternalError, Rejection, RequestError},
    mutant::mutant,
    ports::Log,
};

/// Entries in which a repetition is looked for if the sender gave no `after`.
pub const NEWEST: usize = 100;
/// Entries that may follow `after`; a sender further behind must catch up first.
const FURTHEST_BEHIND: usize = 1_000;
/// Entries from `after` on that are read while it is not yet known whether the sender is a
/// participant. It is small, because anyone can cause this read, and larger than 2, because most
/// senders are at most a few entries behind.
const NEAR: usize = 4;

/// The entries that a writer has read: all from the start of the read up to `head`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Ascending, without a gap.
    pub entries: Vec<Entry>,
    /// The position of the last entry, or the position before the read if there are no entries.
    pub head: Seq,
}

impl Tail {
    /// Returns the counters of the entry at `head`, which a writer of the next entry continues.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.entries
            .last()
            .map_or(Counters::START, |entry| entry.counters)
    }

    /// Returns the entry that comes from the same request as `draft`, if there is one.
    #[must_use]
    pub fn repeated(&self, draft: &Draft) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.draft.has_name_of(draft))
    }

    /// Returns whether the newest of these entries that concerns `user`'s participation is a
    /// removal.
    #[must_use]
    pub fn removes(&self, user: &UserId) -> bool {
        let newest = self
            .entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.draft.content {
                Content::ParticipantRemoved { user: removed, .. } if removed == user => Some(true),
                Content::ParticipantAdded { user: added, .. } if added == user => Some(false),
                _ => None,
            });
        newest.unwrap_or(false) && !mutant!(NoFence)
    }

    /// Returns whether one of these entries deletes the message at `target`.
    #[must_use]
    pub fn deletes(&self, target: Seq) -> bool {
        self.entries.iter().any(|entry| {
            matches!(&entry.draft.content,
                Content::MessageDeleted { target: deleted } if *deleted == target)
        })
    }

    /// Returns the emoji with which some user reacts to the message at `target` after the last of
    /// these entries.
    #[must_use]
    pub fn emoji_of(&self, target: Seq) -> BTreeSet<Emoji> {
        let mut newest = BTreeMap::new();
        for change in self.entries.iter().filter_map(Entry::reaction) {
            let key = change.key();
            if key.target == target {
                let key = (key.emoji.clone(), key.user.clone());
                newest.insert(key, matches!(change, ReactionChange::Given(_)));
            }
        }
        let given = newest.into_iter().filter(|(_, given)| *given);
        given.map(|((emoji, _), _)| emoji).collect()
    }
}

/// The first entries that a sender with `after` must know before it appends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearTail {
    tail: Tail,
    more: bool,
}

/// Reads the first few entries past `after`. [`rest_of_tail`] reads the others.
///
/// The read is bounded, so it may run while the sender's participation is checked.
///
/// # Errors
/// `unknown_position` if `after` is not a position of this log.
pub async fn near_tail(
    log: &impl Log,
    conversation: &ConversationId,
    after: Seq,
) -> Result<NearTail, RequestError> {
    let first = after.max(Seq::START.next());
    let page = log.read_from(conversation, first, NEAR).await?;
    let tail = dense_run(after, page.entries).ok_or(Rejection::UnknownPosition)?;
    let more = page.more;
    Ok(NearTail { tail, more })
}

/// Reads what a sender must know before it appends: everything past the `after` of `near`. A sender
/// who keeps up has read it already.
///
/// # Errors
/// `resync_required` if more than a page was stored since `after`.
pub async fn rest_of_tail(
    log: &impl Log,
    conversation: &ConversationId,
    near: NearTail,
) -> Result<Tail, RequestError> {
    let NearTail { mut tail, more } = near;
    if !more {
        return Ok(tail);
    }
    // Starts with the last entry of `near`, which proves that the two reads meet.
    let last = tail.entries.pop().map_or(Seq::START, |last| last.seq);
    let limit = FURTHEST_BEHIND.saturating_sub(tail.entries.len());
    let first = last.max(Seq::START.next());
    let page = log.read_from(conversation, first, limit).await?;
    let rest = dense_run(last, page.entries).ok_or_else(|| {
        InternalError::new("reading a log on", "an entry that was there is missing")
    })?;
    if page.more {
        return Err(Rejection::ResyncRequired.into());
    }
    tail.head = rest.head;
    tail.entries.extend(rest.entries);
    Ok(tail)
}

/// Reads the newest entries: what a sender without `after` must know before it appends.
///
/// A descending read reaches older entries last, and all of them were stored before the newest one,
/// so it is always dense.
///
/// # Errors
/// An [`InternalError`] if the log cannot be read.
pub async fn newest_tail(
    log: &impl Log,
    conversation: &ConversationId,
) -> Result<Tail, InternalError> {
    let newest = if mutant!(SmallWindow) { 2 } else { NEWEST };
    let page = log.read_back(conversation, Seq::MAX, newest).await?;
    let head = page.entries.first().map_or(Seq::START, |entry| entry.seq);
    Ok(Tail {
        entries: page.entries.into_iter().rev().collect(),
        head,
    })
}

/// Returns the newest position.
///
/// # Errors
/// An [`InternalError`] if the log cannot be read.
pub async fn head(log: &impl Log, conversation: &ConversationId) -> Result<Seq, InternalError> {
    Ok(newest(log, conversation).await?.0)
}

/// Returns the newest position and its counters.
///
/// # Errors
/// An [`InternalError`] if the log cannot be read.
pub async fn newest(
    log: &impl Log,
    conversation: &ConversationId,
) -> Result<(Seq, Counters), InternalError> {
    let page = log.read_back(conversation, Seq::MAX, 1).await?;
    let newest = page.entries.first();
    Ok(newest.map_or((Seq::START, Counters::START), |entry| {
        (entry.seq, entry.counters)
    }))
}

/// Entries past a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// Ascending, without a gap.
    pub entries: Vec<Entry>,
    /// The position of the last entry, or the one after which was read.
    pub head: Seq,
    /// The counters at `head`.
    pub counters: Counters,
    /// Whether there may be more.
    pub more: bool,
}

/// Reads at most `limit` entries past `after`.
///
/// # Errors
/// `unknown_position` if `after` is not a position of this log.
pub async fn read_after(
    log: &impl Log,
    conversation: &ConversationId,
    after: Seq,
    limit: usize,
) -> Result<Later, RequestError> {
    // The entry at `after` proves the position. It is read in addition to the requested ones.
    let proof = usize::from(after > Seq::START);
    let first = after.max(Seq::START.next());
    let page = log
        .read_from(conversation, first, limit.saturating_add(proof))
        .await?;
    let mut tail = dense_run(after, page.entries).ok_or(Rejection::UnknownPosition)?;
    let counters = tail.counters();
    tail.entries.drain(..proof.min(tail.entries.len()));
    Ok(Later {
        entries: tail.entries,
        head: tail.head,
        counters,
        more: page.more,
    })
}

/// Returns the entries without a gap from the start of a read that began at `after`. Returns `None`
/// if `after` is not 0 and its own entry is missing.
pub(super) fn dense_run(after: Seq, entries: Vec<Entry>) -> Option<Tail> {
    let mut expected = after.max(Seq::START.next());
    let mut head = Seq::START;
    let mut run = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.seq != expected && !mutant!(TornMax) {
            break;
        }
        head = entry.seq;
        expected = head.next();
        run.push(entry);
    }
    if mutant!(AfterUnverified) {
        head = head.max(after);
    }
    (head >= after).then_some(Tail { entries: run, head })
}

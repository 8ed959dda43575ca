//! Reading a log. A read is no snapshot: entries may be stored while it runs, and it may see a later one without an
//! earlier one. So here only the dense run from the start of a read counts.

use crate::{
    domain::{Content, ConversationId, Draft, Entry, Seq, UserId},
    error::{InternalError, Rejection, RequestError},
    mutant::mutant,
    ports::Log,
};

/// Entries that a sender without `after` is compared with.
pub const NEWEST: usize = 100;
/// Entries that a sender may be behind before he must catch up first.
const FURTHEST_BEHIND: usize = 1_000;

/// What a writer has read: everything up to `head` from where it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Ascending, without a gap.
    pub entries: Vec<Entry>,
    /// The position of the last of them, or the position from which it was read if there are none.
    pub head: Seq,
}

impl Tail {
    /// The entry that comes from the same request as `draft`, if it is in here.
    #[must_use]
    pub fn repeated(&self, draft: &Draft) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.draft.has_name_of(draft))
    }

    /// Whether the last that is told of `user` in here is his removal.
    #[must_use]
    pub fn removes(&self, user: &UserId) -> bool {
        let told = self
            .entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.draft.content {
                Content::ParticipantRemoved { user: removed, .. } if removed == user => Some(true),
                Content::ParticipantAdded { user: added, .. } if added == user => Some(false),
                _ => None,
            });
        told.unwrap_or(false) && !mutant!(NoFence)
    }
}

/// What a sender must have read before it may append: everything past `after`, or the newest page.
///
/// # Errors
/// `unknown_position` if `after` is none of this log; `resync_required` if more than a page was stored since.
pub async fn tail(
    log: &impl Log,
    conversation: &ConversationId,
    after: Option<Seq>,
) -> Result<Tail, RequestError> {
    let Some(after) = after else {
        return Ok(newest(log, conversation).await?);
    };
    let page = log
        .read_from(conversation, after.max(Seq::START.next()), FURTHEST_BEHIND)
        .await?;
    let tail = dense_run(after, page.entries).ok_or(Rejection::UnknownPosition)?;
    if page.more {
        Err(Rejection::ResyncRequired.into())
    } else {
        Ok(tail)
    }
}

/// The newest entries. A descending read meets its oldest entries last, when all of them have long been there, so it is
/// dense by itself.
async fn newest(log: &impl Log, conversation: &ConversationId) -> Result<Tail, InternalError> {
    let newest = if mutant!(SmallWindow) { 2 } else { NEWEST };
    let page = log.read_back(conversation, Seq::MAX, newest).await?;
    let head = page.entries.first().map_or(Seq::START, |entry| entry.seq);
    Ok(Tail {
        entries: page.entries.into_iter().rev().collect(),
        head,
    })
}

/// The newest position.
///
/// # Errors
/// Only a [`InternalError`].
pub async fn head(log: &impl Log, conversation: &ConversationId) -> Result<Seq, InternalError> {
    let page = log.read_back(conversation, Seq::MAX, 1).await?;
    Ok(page.entries.first().map_or(Seq::START, |entry| entry.seq))
}

/// Entries past `after`, at most `limit` of them, and whether there may be more.
///
/// # Errors
/// `unknown_position` if `after` is none of this log.
pub async fn read_after(
    log: &impl Log,
    conversation: &ConversationId,
    after: Seq,
    limit: usize,
) -> Result<(Tail, bool), RequestError> {
    // A position is proven by the entry that is there, which comes in addition to those that are asked for.
    let proof = usize::from(after > Seq::START);
    let first = after.max(Seq::START.next());
    let page = log
        .read_from(conversation, first, limit.saturating_add(proof))
        .await?;
    let mut tail = dense_run(after, page.entries).ok_or(Rejection::UnknownPosition)?;
    tail.entries.drain(..proof.min(tail.entries.len()));
    Ok((tail, page.more))
}

/// The entries that follow each other from the start of a read that began at `after`; nothing if `after` itself, which
/// must be the first entry unless it is 0, is not there.
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

//! Reading a log. A read is no snapshot: entries may be stored while it runs, and it may see a later one without an
//! earlier one. So here only the dense run from the start of a read counts.

use crate::{
    domain::{Content, ConversationId, Draft, Event, Seq, UserId},
    failure::{Failure, Fault, Rejection},
    mistake::{Mistake, made},
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
    pub events: Vec<Event>,
    /// The position of the last of them, or the position from which it was read if there are none.
    pub head: Seq,
}

impl Tail {
    /// The entry that comes from the same request as `draft`, if it is in here.
    #[must_use]
    pub fn repeated(&self, draft: &Draft) -> Option<&Event> {
        self.events
            .iter()
            .find(|event| event.draft.has_name_of(draft))
    }

    /// Whether the last that is told of `user` in here is his removal.
    #[must_use]
    pub fn removes(&self, user: &UserId) -> bool {
        let told = self
            .events
            .iter()
            .rev()
            .find_map(|event| match &event.draft.content {
                Content::ParticipantRemoved { user: removed, .. } if removed == user => Some(true),
                Content::ParticipantAdded { user: added, .. } if added == user => Some(false),
                _ => None,
            });
        told.unwrap_or(false) && !made(Mistake::NoFence)
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
) -> Result<Tail, Failure> {
    let Some(after) = after else {
        return Ok(newest(log, conversation).await?);
    };
    let page = log
        .read_from(conversation, after.max(Seq::START.next()), FURTHEST_BEHIND)
        .await?;
    let tail = dense_run(after, page.events).ok_or(Rejection::UnknownPosition)?;
    if page.more {
        Err(Rejection::ResyncRequired.into())
    } else {
        Ok(tail)
    }
}

/// The newest entries. A descending read meets its oldest entries last, when all of them have long been there, so it is
/// dense by itself.
async fn newest(log: &impl Log, conversation: &ConversationId) -> Result<Tail, Fault> {
    let newest = if made(Mistake::SmallWindow) {
        2
    } else {
        NEWEST
    };
    let page = log.read_back(conversation, Seq::MAX, newest).await?;
    let head = page.events.first().map_or(Seq::START, |event| event.seq);
    Ok(Tail {
        events: page.events.into_iter().rev().collect(),
        head,
    })
}

/// The newest position.
///
/// # Errors
/// Only a [`Fault`].
pub async fn head(log: &impl Log, conversation: &ConversationId) -> Result<Seq, Fault> {
    let page = log.read_back(conversation, Seq::MAX, 1).await?;
    Ok(page.events.first().map_or(Seq::START, |event| event.seq))
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
) -> Result<(Tail, bool), Failure> {
    // A position is proven by the entry that is there, which comes in addition to those that are asked for.
    let proof = usize::from(after > Seq::START);
    let first = after.max(Seq::START.next());
    let page = log
        .read_from(conversation, first, limit.saturating_add(proof))
        .await?;
    let mut tail = dense_run(after, page.events).ok_or(Rejection::UnknownPosition)?;
    tail.events.drain(..proof.min(tail.events.len()));
    Ok((tail, page.more))
}

/// The entries that follow each other from the start of a read that began at `after`; nothing if `after` itself, which
/// must be the first entry unless it is 0, is not there.
pub(super) fn dense_run(after: Seq, events: Vec<Event>) -> Option<Tail> {
    let mut expected = after.max(Seq::START.next());
    let mut head = Seq::START;
    let mut run = Vec::with_capacity(events.len());
    for event in events {
        if event.seq != expected && !made(Mistake::TornMax) {
            break;
        }
        head = event.seq;
        expected = head.next();
        run.push(event);
    }
    if made(Mistake::AfterUnverified) {
        head = head.max(after);
    }
    (head >= after).then_some(Tail { events: run, head })
}

//! Appending to a log.

use std::time::Duration;

use super::read::{Tail, dense_run};
use crate::{
    domain::{ConversationId, Draft, Entry, Seq, Timestamp},
    error::{InternalError, Rejection, RequestError},
    mutant::mutant,
    ports::{Clock, Log, Put, Random},
};

/// The longest wait, in milliseconds, of a writer that has lost its place more than once.
const LONGEST_WAIT_MS: u64 = 64;
/// Entries that are read at once when a writer has lost its place.
const REREAD: usize = 1_000;

/// Where a request is stored, now or since an earlier attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The entry as it is stored.
    pub entry: Entry,
    /// Whether it was there already.
    pub duplicate: bool,
}

/// Stores a message behind everything that its writer has read, or finds where it is stored already.
///
/// # Errors
/// `not_found` if the sender has been removed meanwhile, `id_reused` if another request has this name, `contended` if
/// others were quicker until the deadline.
pub async fn append<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    tail: Tail,
    deadline: Timestamp,
) -> Result<Appended, RequestError> {
    let stored = store(ports, conversation, draft, tail, deadline).await?;
    Ok(stored
        .ok_or_else(|| InternalError::new("appending a message", "it was taken for a change"))?)
}

/// Stores a change of participants, his row included, behind everything that its writer has read. Nothing if there is
/// nothing to change.
///
/// # Errors
/// As those of [`append`].
pub async fn change<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    tail: Tail,
    deadline: Timestamp,
) -> Result<Option<Entry>, RequestError> {
    let stored = store(ports, conversation, draft, tail, deadline).await?;
    Ok(stored.map(|appended| appended.entry))
}

async fn store<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    tail: Tail,
    deadline: Timestamp,
) -> Result<Option<Appended>, RequestError> {
    let mut tail = tail;
    let mut losses = 0_u32;
    loop {
        let unread = losses == 0 && mutant!(NoTailCheck);
        if let Some(entry) = tail.repeated(&draft).filter(|_| !unread) {
            return Ok(Some(stored_before(entry, &draft)?));
        }
        if tail.removes(&draft.sender) {
            return Err(Rejection::NotFound.into());
        }
        if ports.now() >= deadline {
            return Err(Rejection::Contended.into());
        }
        let seq = tail.head.next();
        match ports.put(conversation, seq, &draft).await? {
            Put::Stored => {
                return Ok(Some(Appended {
                    entry: Entry { seq, draft },
                    duplicate: false,
                }));
            }
            Put::Unchanged => return Ok(None),
            Put::Taken(winner) => {
                tail = Tail {
                    entries: vec![winner],
                    head: seq,
                };
                if mutant!(OwnItemIsForeign) {
                    tail.entries.retain(|entry| entry.draft.id != draft.id);
                }
            }
        }
        losses += 1;
        // The entry that won the place is known. The first time that is all there is to know, most likely. After that
        // this is a crowd: stepping aside for a moment and reading on costs less than losing place after place. The
        // same if the winner was the sender's removal, since he may have been added again behind it.
        if losses > 1 || tail.removes(&draft.sender) {
            ports
                .sleep(Duration::from_millis(ports.below(LONGEST_WAIT_MS + 1)))
                .await;
            tail = reread(ports, conversation, seq).await?;
        }
    }
}

fn stored_before(entry: &Entry, draft: &Draft) -> Result<Appended, Rejection> {
    if entry.draft.digest == draft.digest {
        Ok(Appended {
            entry: entry.clone(),
            duplicate: true,
        })
    } else {
        Err(Rejection::IdReused)
    }
}

/// Everything from the place that was lost, page after page.
async fn reread(
    log: &impl Log,
    conversation: &ConversationId,
    lost: Seq,
) -> Result<Tail, InternalError> {
    let mut read = Tail {
        entries: Vec::new(),
        head: lost,
    };
    loop {
        let page = log.read_from(conversation, read.head, REREAD).await?;
        let more = page.more;
        let run = dense_run(read.head, page.entries).ok_or_else(|| {
            InternalError::new("reading a log again", "an entry that was met is gone")
        })?;
        read.head = run.head;
        read.entries.extend(run.entries);
        if !more {
            return Ok(read);
        }
    }
}

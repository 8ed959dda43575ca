//! Appends entries to a log.

use std::time::Duration;

use super::read::{Tail, dense_run};
use crate::{
    domain::{Content, ConversationId, Draft, Entry, Seq, Timestamp},
    error::{InternalError, Rejection, RequestError},
    mutant::mutant,
    ports::{Clock, Log, Put, Random},
};

/// The longest random wait, in milliseconds, of a writer that has lost more than one position.
const LONGEST_WAIT_MS: u64 = 64;
/// Entries per query when a writer that has lost its position reads on.
const REREAD: usize = 1_000;
/// The most such queries. The lost position was the newest one a moment ago, so one is nearly
/// always enough, although 62 entries with the longest bodies fill a query.
const MOST_REREADS: usize = 8;

const FULL: &str = "this conversation has as many participants as allowed; remove some first";

/// The entry of a request, stored by this attempt or by an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The entry as stored.
    pub entry: Entry,
    /// Whether an earlier attempt stored it.
    pub duplicate: bool,
}

/// Stores a message after `tail`, or returns the entry that an earlier attempt stored.
///
/// # Errors
/// - `not_found` if the sender has been removed meanwhile
/// - `id_reused` if another request has the same id
/// - `contended` if other writers took every position until the deadline
pub async fn append<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    tail: Tail,
    deadline: Timestamp,
) -> Result<Appended, RequestError> {
    let stored = store(ports, conversation, draft, tail, deadline, |_| Ok(())).await?;
    Ok(stored.ok_or_else(|| {
        InternalError::new(
            "appending a message",
            "the store reported a change without effect",
        )
    })?)
}

/// Stores a change of participants, together with the participant's row, after `tail`. Returns
/// `None` if the change has no effect.
///
/// # Errors
/// - `forbidden` if the conversation has as many participants as allowed
/// - those of [`append`]
pub async fn change<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    tail: Tail,
    deadline: Timestamp,
) -> Result<Option<Entry>, RequestError> {
    let stored = store(ports, conversation, draft, tail, deadline, |_| Ok(())).await?;
    Ok(stored.map(|appended| appended.entry))
}

/// Stores an edit or a deletion, together with the message that it changes, after `tail`. Returns
/// `None` if the message is deleted already.
///
/// # Errors
/// Those of [`append`].
pub async fn revise<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    tail: Tail,
    deadline: Timestamp,
) -> Result<Option<Appended>, RequestError> {
    store(ports, conversation, draft, tail, deadline, |_| Ok(())).await
}

/// Stores a reaction or its withdrawal, together with its row, after `tail`. Returns `None` if it is
/// so already. `allow` decides about each part of the log that is read before the entry is put.
///
/// # Errors
/// Those of `allow` and of [`append`].
pub async fn react<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    tail: Tail,
    deadline: Timestamp,
    allow: impl FnMut(&Tail) -> Result<(), Rejection> + Send,
) -> Result<Option<Appended>, RequestError> {
    store(ports, conversation, draft, tail, deadline, allow).await
}

async fn store<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    tail: Tail,
    deadline: Timestamp,
    mut allow: impl FnMut(&Tail) -> Result<(), Rejection> + Send,
) -> Result<Option<Appended>, RequestError> {
    let (mut draft, mut tail) = (draft, tail);
    let mut losses = 0_u32;
    let mut before = tail.counters();
    loop {
        let unread = losses == 0 && mutant!(NoTailCheck);
        if let Some(entry) = tail.repeated(&draft).filter(|_| !unread) {
            return Ok(Some(stored_before(entry, &draft)?));
        }
        if tail.removes(&draft.sender) && is_fenced(&draft) {
            return Err(Rejection::NotFound.into());
        }
        allow(&tail)?;
        if ports.now() >= deadline {
            return Err(Rejection::Contended.into());
        }
        let counted = if losses > 0 && mutant!(StaleCounter) {
            before
        } else {
            tail.counters()
        };
        before = counted;
        let entry = Entry::new(tail.head.next(), counted, draft);
        let seq = entry.seq;
        match ports.put(conversation, &entry).await? {
            Put::Stored => {
                return Ok(Some(Appended {
                    entry,
                    duplicate: false,
                }));
            }
            Put::Unchanged => return Ok(None),
            Put::Full => return Err(Rejection::Forbidden(FULL).into()),
            Put::Taken(winner) => {
                draft = entry.draft;
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
        // After one loss, the entry that took the position is most likely the only new one, and the
        // writer has it already. After more, many writers compete: a short wait and a read cost
        // less than losing position after position. The sender's removal also needs a read, since
        // the user may have been added again after it.
        if losses > 1 || tail.removes(&draft.sender) {
            ports
                .sleep(Duration::from_millis(ports.below(LONGEST_WAIT_MS + 1)))
                .await;
            tail = reread(ports, conversation, seq).await?;
        }
    }
}

/// Returns whether a writer looks for its user's removal: always, without a mutant.
fn is_fenced(draft: &Draft) -> bool {
    match draft.content {
        Content::MessageEdited { .. } | Content::MessageDeleted { .. } => !mutant!(NoFenceOfEdits),
        Content::Reaction { .. } => !mutant!(NoFenceOfReactions),
        _ => true,
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

/// Reads everything from the lost position on, page after page.
///
/// # Errors
/// `contended` if other writers have stored more than a few pages since.
async fn reread(
    log: &impl Log,
    conversation: &ConversationId,
    lost: Seq,
) -> Result<Tail, RequestError> {
    let mut read = Tail {
        entries: Vec::new(),
        head: lost,
    };
    for _ in 0..MOST_REREADS {
        let page = log.read_from(conversation, read.head, REREAD).await?;
        let more = page.more;
        let run = dense_run(read.head, page.entries).ok_or_else(|| {
            InternalError::new("reading a log again", "an entry that was there is missing")
        })?;
        read.head = run.head;
        read.entries.extend(run.entries);
        if !more {
            return Ok(read);
        }
    }
    Err(Rejection::Contended.into())
}

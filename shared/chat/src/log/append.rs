//! Appending to a log.

use std::time::Duration;

use super::read::{Tail, dense_run};
use crate::{
    domain::{ConversationId, Draft, Event, Seq, Timestamp},
    failure::{Failure, Fault, Rejection},
    mistake::{Mistake, made},
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
    pub event: Event,
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
) -> Result<Appended, Failure> {
    let stored = store(ports, conversation, draft, tail, deadline).await?;
    Ok(stored.ok_or_else(|| Fault::new("appending a message", "it was taken for a change"))?)
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
) -> Result<Option<Event>, Failure> {
    let stored = store(ports, conversation, draft, tail, deadline).await?;
    Ok(stored.map(|appended| appended.event))
}

async fn store<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    tail: Tail,
    deadline: Timestamp,
) -> Result<Option<Appended>, Failure> {
    let mut tail = tail;
    let mut losses = 0_u32;
    loop {
        let unread = losses == 0 && made(Mistake::NoTailCheck);
        if let Some(event) = tail.repeated(&draft).filter(|_| !unread) {
            return Ok(Some(stored_before(event, &draft)?));
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
                    event: Event { seq, draft },
                    duplicate: false,
                }));
            }
            Put::Needless => return Ok(None),
            Put::Taken(winner) => {
                tail = Tail {
                    events: vec![winner],
                    head: seq,
                };
                if made(Mistake::OwnItemIsForeign) {
                    tail.events.retain(|event| event.draft.id != draft.id);
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

fn stored_before(event: &Event, draft: &Draft) -> Result<Appended, Rejection> {
    if event.draft.digest == draft.digest {
        Ok(Appended {
            event: event.clone(),
            duplicate: true,
        })
    } else {
        Err(Rejection::IdReused)
    }
}

/// Everything from the place that was lost, page after page.
async fn reread(log: &impl Log, conversation: &ConversationId, lost: Seq) -> Result<Tail, Fault> {
    let mut read = Tail {
        events: Vec::new(),
        head: lost,
    };
    loop {
        let page = log.read_from(conversation, read.head, REREAD).await?;
        let more = page.more;
        let run = dense_run(read.head, page.events)
            .ok_or_else(|| Fault::new("reading a log again", "an entry that was met is gone"))?;
        read.head = run.head;
        read.events.extend(run.events);
        if !more {
            return Ok(read);
        }
    }
}

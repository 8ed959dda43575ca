//! The texts of edits. Only a message has a body (decision 3), so that a deleted text is nowhere.
//! Readers get the text of an edit from the message that it changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    domain::{Body, Content, ConversationId, Entry, Revision, Seq},
    error::InternalError,
    mutant::mutant,
    ports::{Clock, Log},
};

/// How often messages are read until each shows its edits. An edit is stored by a transaction, of
/// which a reader may see the entry a moment before the message.
const ATTEMPTS: u32 = 8;
/// The wait between two attempts.
const WAIT: Duration = Duration::from_millis(16);

/// Messages by position, as they were last read; `None` if there is no entry.
type Messages = BTreeMap<Seq, Option<Content>>;

/// Gives each edit among `entries` its text, unless a later edit or a deletion has replaced it.
/// Drops entries from the end if more than `most` messages would have to be read, at most
/// [`MOST_POSITIONS`](crate::ports::MOST_POSITIONS), and returns whether entries were dropped.
///
/// # Errors
/// An [`InternalError`] if a message cannot be read, or does not show its edit in any attempt.
pub async fn with_texts<P: Log + Clock>(
    ports: &P,
    conversation: &ConversationId,
    entries: &mut Vec<Entry>,
    most: usize,
) -> Result<bool, InternalError> {
    if !entries.iter().any(|entry| target(entry).is_some()) {
        return Ok(false);
    }
    // A message among the entries is read again only if it was read before its edit was stored.
    let messages = entries
        .iter()
        .filter(|entry| entry.draft.content.is_message());
    let mut known: Messages = messages
        .map(|entry| (entry.seq, Some(entry.draft.content.clone())))
        .collect();
    let dropped = drop_excess(entries, &known, most);
    for attempt in 0..=ATTEMPTS {
        let unread = unread(entries, &known);
        if unread.is_empty() || (attempt > 0 && mutant!(HalfFill)) {
            fill(entries, &known);
            return Ok(dropped);
        }
        if attempt > 0 {
            ports.sleep(WAIT).await;
        }
        let positions: Vec<Seq> = unread.into_iter().collect();
        let found = ports.read_at(conversation, &positions).await?;
        known.extend(positions.into_iter().map(|position| (position, None)));
        let found = found.into_iter();
        known.extend(found.map(|entry| (entry.seq, Some(entry.draft.content))));
    }
    Err(InternalError::new(
        "reading the text of an edit",
        "the message does not show its edit",
    ))
}

/// Returns the position of the message that an edit changes.
fn target(entry: &Entry) -> Option<Seq> {
    match &entry.draft.content {
        Content::MessageEdited { target, .. } => Some(*target),
        _ => None,
    }
}

/// Returns the messages that must be read before all edits have their texts.
fn unread(entries: &[Entry], known: &Messages) -> BTreeSet<Seq> {
    let targets = entries.iter().filter_map(|entry| {
        let target = target(entry)?;
        let shown = known.get(&target).is_some_and(|found| shows(found, entry));
        (!shown).then_some(target)
    });
    targets.collect()
}

/// Returns whether a message was read after this edit of it was stored.
fn shows(message: &Option<Content>, edit: &Entry) -> bool {
    match message {
        Some(Content::Message { revision, .. }) => match revision {
            Revision::Original => false,
            Revision::Edited { seq, .. } => *seq >= edit.seq,
            Revision::Deleted { .. } => true,
        },
        _ => true,
    }
}

fn drop_excess(entries: &mut Vec<Entry>, known: &Messages, most: usize) -> bool {
    let mut targets = BTreeSet::new();
    let fitting = entries.iter().take_while(|entry| {
        targets.extend(unread(std::slice::from_ref(entry), known));
        targets.len() <= most
    });
    let kept = fitting.count();
    let dropped = kept < entries.len();
    entries.truncate(kept);
    dropped
}

fn fill(entries: &mut [Entry], known: &Messages) {
    for entry in entries {
        if let Content::MessageEdited { target, body } = &mut entry.draft.content {
            *body = known
                .get(target)
                .and_then(|message| text_of(message.as_ref()?, entry.seq));
        }
    }
}

/// Returns the text of a message if it is that of the edit at `seq`.
fn text_of(message: &Content, seq: Seq) -> Option<Body> {
    match message {
        Content::Message {
            body,
            revision: Revision::Edited { seq: newest, .. },
            ..
        } if *newest == seq => Some(body.clone()),
        _ => None,
    }
}

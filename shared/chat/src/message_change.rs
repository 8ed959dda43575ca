//! An edit or a deletion of a message: what `editMessage` and `deleteMessage` share.

use std::slice;

use futures_util::future::join;
use serde::Serialize;

use crate::{
    access::{read_with_participant, require_participant},
    domain::{Content, ConversationId, Draft, Entry, Participant, Revision, Seq, UserId},
    error::{Rejection, RequestError},
    fields::Position,
    log::{Appended, Tail, near_tail, newest_tail, rest_of_tail},
    ports::{Log, Participants},
};

/// The reply: the change of the message is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Revised {
    /// The message has the new text, unless it was edited again or deleted since.
    Edited(StoredChange),
    /// The message is deleted.
    Deleted(StoredChange),
}

/// The position of a change in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredChange {
    /// Conversation id.
    pub conversation: String,
    /// The id that the client chose.
    pub id: String,
    /// The change's position.
    pub seq: u64,
    /// When the change was first sent, in RFC 3339.
    pub sent_at: String,
    /// Whether an earlier request stored it.
    pub duplicate: bool,
}

impl Revised {
    /// Returns whether an earlier request stored the change.
    #[must_use]
    pub const fn is_duplicate(&self) -> bool {
        match self {
            Self::Edited(change) | Self::Deleted(change) => change.duplicate,
        }
    }
}

impl StoredChange {
    /// Creates the reply to a request with this id whose change is stored.
    pub(crate) fn new(conversation: &ConversationId, id: String, stored: &Appended) -> Self {
        Self {
            conversation: conversation.to_string(),
            id,
            seq: stored.entry.seq.number(),
            sent_at: stored.entry.draft.sent_at.rfc3339(),
            duplicate: stored.duplicate,
        }
    }
}

/// What a request has read before it changes a message.
pub(crate) struct Read {
    /// The caller.
    pub participant: Participant,
    /// The entries that a writer must have read.
    pub tail: Tail,
    target: Option<Entry>,
}

/// What is at the position that a request names.
pub(crate) enum Target<'a> {
    /// A message.
    Message(&'a Entry),
    /// A message that the entry at this position deleted.
    Deleted(Seq),
}

impl Read {
    /// Returns the message.
    ///
    /// # Errors
    /// `unknown_message` if there is no message at the position.
    pub fn target(&self) -> Result<Target<'_>, Rejection> {
        let entry = self.target.as_ref();
        let entry = entry.ok_or(Rejection::UnknownMessage(TARGET))?;
        match &entry.draft.content {
            Content::Message {
                revision: Revision::Deleted { seq, .. },
                ..
            } => Ok(Target::Deleted(*seq)),
            Content::Message { .. } => Ok(Target::Message(entry)),
            _ => Err(Rejection::UnknownMessage(TARGET)),
        }
    }

    /// Returns whether an earlier attempt at the same request stored its entry.
    pub fn is_repeated(&self, draft: &Draft) -> bool {
        self.tail.repeated(draft).is_some()
    }
}

/// The field that names the message.
pub(crate) const TARGET: &str = "target";

/// Checks that the caller is a participant, and reads the entries that a writer must have read, as
/// `sendMessage` does. Then reads the message, which only participants may make the service do.
///
/// # Errors
/// Those of `sendMessage`.
pub(crate) async fn read<P: Log + Participants + Sync>(
    ports: &P,
    conversation: &ConversationId,
    user: &UserId,
    target: Seq,
    after: Option<Position>,
) -> Result<Read, RequestError> {
    let message = ports.read_at(conversation, slice::from_ref(&target));
    let Some(after) = after else {
        let both = join(newest_tail(ports, conversation), message);
        let ((tail, message), participant) =
            read_with_participant(ports, conversation, user, both).await?;
        return Ok(Read {
            participant,
            tail: tail?,
            target: message?.pop(),
        });
    };
    let after = after.seq()?;
    let (participant, near) = join(
        require_participant(ports, conversation, user),
        near_tail(ports, conversation, after),
    )
    .await;
    let participant = participant?;
    let (tail, message) = join(rest_of_tail(ports, conversation, near?), message).await;
    Ok(Read {
        participant,
        tail: tail?,
        target: message?.pop(),
    })
}

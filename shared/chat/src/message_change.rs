//! A change that concerns a message: what `editMessage`, `deleteMessage` and `react` share.

use std::{future::Future, slice};

use futures_util::future::{join, join3};
use serde::Serialize;

use crate::{
    access::{read_with_participant, require_participant},
    domain::{Content, ConversationId, Draft, Entry, Participant, Revision, Seq, UserId},
    error::{InternalError, Rejection, RequestError},
    fields::{Fields, MessagePosition, Position},
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

/// The message that a request names, and what its client has seen.
pub(crate) struct NamedMessage {
    /// The conversation.
    pub conversation: ConversationId,
    /// The position of the message.
    pub target: Seq,
    /// The position of the client.
    pub after: Option<Position>,
}

impl NamedMessage {
    /// Reads the fields.
    ///
    /// # Errors
    /// `invalid` with the name of a field that is missing or wrong.
    pub fn parse(fields: &Fields) -> Result<Self, Rejection> {
        let conversation = fields.required("conversation")?;
        let MessagePosition(target) = fields.required(TARGET)?;
        Ok(Self {
            conversation,
            target,
            after: fields.optional("after")?,
        })
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

/// Returns the error for a request whose rejection, or whose answer without a new entry, tells what
/// was read. Only a user who is a participant after the read may know it (decision 1): a message may
/// have been deleted after their removal. The entry of a granted request needs no such check,
/// because the log is the fence.
pub(crate) async fn only_to_participants<P: Participants, T>(
    ports: &P,
    conversation: &ConversationId,
    user: &UserId,
    told: Result<T, Rejection>,
) -> Result<T, RequestError> {
    require_participant(ports, conversation, user).await?;
    Ok(told?)
}

/// The field that names the message.
pub(crate) const TARGET: &str = "target";

/// Checks that the caller is a participant, and reads the entries that a writer must have read, as
/// `sendMessage` does. Then reads the message, and at the same time awaits `also`, which only
/// participants may make the service do.
///
/// # Errors
/// Those of `sendMessage` and of `also`.
pub(crate) async fn read<P: Log + Participants + Sync, T>(
    ports: &P,
    NamedMessage {
        conversation,
        target,
        after,
    }: &NamedMessage,
    user: &UserId,
    also: impl Future<Output = Result<T, InternalError>>,
) -> Result<(Read, T), RequestError> {
    let message = ports.read_at(conversation, slice::from_ref(target));
    let Some(after) = after else {
        let all = join3(newest_tail(ports, conversation), message, also);
        let ((tail, message, also), participant) =
            read_with_participant(ports, conversation, user, all).await?;
        let read = Read {
            participant,
            tail: tail?,
            target: message?.pop(),
        };
        return Ok((read, also?));
    };
    let after = after.seq()?;
    let (participant, near) = join(
        require_participant(ports, conversation, user),
        near_tail(ports, conversation, after),
    )
    .await;
    let participant = participant?;
    let rest = rest_of_tail(ports, conversation, near?);
    let (tail, message, also) = join3(rest, message, also).await;
    let read = Read {
        participant,
        tail: tail?,
        target: message?.pop(),
    };
    Ok((read, also?))
}

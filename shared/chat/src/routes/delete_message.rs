//! `deleteMessage`, and `DELETE /conversations/{id}/messages/{seq}`.
//!
//! ```json
//! {"action": "deleteMessage", "ref": "1", "conversation": "c", "id": "d-1", "target": 41,
//!  "after": 56}
//! {"event": "deleted", "ref": "1", "conversation": "c", "id": "d-1", "seq": 57, "sentAt": "…",
//!  "duplicate": false}
//! ```

use std::{future::ready, slice, time::Duration};

use crate::{
    domain::{Content, ConversationId, Draft, Identity, MessageId, Role, Seq, Timestamp},
    error::{InternalError, Rejection, RequestError},
    fan_out::publish_stored,
    fields::Fields,
    log::{Appended, revise},
    message_change::{
        NamedMessage, Read, Revised, StoredChange, Target, only_to_participants, read,
    },
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Subscriptions},
    request::{Request, Route},
};

const NOT_YOURS: &str = "only its sender or the owner of the conversation may delete a message";

/// How often the entry of an earlier deletion is read until it is visible.
const ATTEMPTS: u32 = 8;
/// The wait between two attempts.
const WAIT: Duration = Duration::from_millis(16);

/// Deletes the text of a message for ever.
#[derive(Clone, Copy, Debug)]
pub struct DeleteMessage;

struct Command {
    message: NamedMessage,
    id: MessageId,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        Ok(Self {
            message: NamedMessage::parse(fields)?,
            id: fields.required("id")?,
        })
    }
}

impl<P> Route<P> for DeleteMessage
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "deleteMessage";
    type Reply = Revised;

    async fn handle(ports: &P, request: &Request) -> Result<Revised, RequestError> {
        let Command { message, id } = Command::parse(&request.fields)?;

        let caller = request.caller(ports.now())?;
        let (read, ()) = read(ports, &message, &caller.user, ready(Ok(()))).await?;

        let NamedMessage {
            conversation,
            target,
            ..
        } = message;
        let content = Content::MessageDeleted { target };
        let draft = Draft::new(caller.user.clone(), id.clone(), ports.now(), content);
        if !read.is_repeated(&draft) {
            let authorized = authorize(&read, caller);
            let is_stored = matches!(read.target(), Ok(Target::Message(_)));
            if authorized.is_err() || !is_stored {
                only_to_participants(ports, &conversation, &caller.user, authorized).await?;
            }
        }
        let storing = store(ports, &conversation, draft, read, request.deadline);

        let origin = request.connection.as_ref().map(|connection| &connection.id);
        let stored =
            publish_stored(ports, &conversation, storing, origin, request.deadline).await?;

        let change = StoredChange::new(&conversation, id.to_string(), &stored);
        Ok(Revised::Deleted(change))
    }
}

/// Checks that the caller may delete the message. Every participant may delete what is deleted already.
fn authorize(read: &Read, caller: &Identity) -> Result<(), Rejection> {
    match read.target()? {
        Target::Message(message)
            if message.draft.sender != caller.user && read.participant.role != Role::Owner =>
        {
            Err(Rejection::Forbidden(NOT_YOURS))
        }
        Target::Message(_) | Target::Deleted(_) => Ok(()),
    }
}

/// Stores a deletion, or returns the one that deleted the message before, by any user.
async fn store<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    read: Read,
    deadline: Timestamp,
) -> Result<Appended, RequestError> {
    let target = draft.rewrite().map(|rewrite| rewrite.target);
    if !read.is_repeated(&draft)
        && let Ok(Target::Deleted(seq)) = read.target()
    {
        return deletion_at(ports, conversation, seq).await;
    }
    if let Some(stored) = revise(ports, conversation, draft, read.tail, deadline).await? {
        return Ok(stored);
    }
    // Another user deleted the message since it was read.
    let message = ports.read_at(conversation, target.as_slice()).await?;
    let by = message
        .first()
        .and_then(|entry| match &entry.draft.content {
            Content::Message { revision, .. } => revision.deletion(),
            _ => None,
        });
    let seq = by.ok_or_else(|| missing("the message is not deleted"))?;
    deletion_at(ports, conversation, seq).await
}

/// Returns the deletion at a position, as a duplicate. The entry may become visible a moment after
/// the message, since both are stored by one transaction.
async fn deletion_at<P: Log + Clock>(
    ports: &P,
    conversation: &ConversationId,
    seq: Seq,
) -> Result<Appended, RequestError> {
    for _ in 0..ATTEMPTS {
        let found = ports.read_at(conversation, slice::from_ref(&seq)).await?;
        if let Some(entry) = found.into_iter().next() {
            return Ok(Appended {
                entry,
                duplicate: true,
            });
        }
        ports.sleep(WAIT).await;
    }
    Err(missing("its entry is missing").into())
}

fn missing(what: &'static str) -> InternalError {
    InternalError::new("reading a deletion", what)
}

#[cfg(test)]
mod tests;

//! `editMessage`, and `PATCH /conversations/{id}/messages/{seq}`.
//!
//! ```json
//! {"action": "editMessage", "ref": "1", "conversation": "c", "id": "e-1", "target": 41,
//!  "body": "Hello again", "after": 56}
//! {"event": "edited", "ref": "1", "conversation": "c", "id": "e-1", "seq": 57, "sentAt": "…",
//!  "duplicate": false}
//! ```

use std::future::ready;

use crate::{
    domain::{Body, Content, ConversationId, Draft, Entry, Identity, MessageId, Timestamp},
    error::{Rejection, RequestError},
    fan_out::publish_stored,
    fields::Fields,
    log::{Appended, revise, with_texts},
    message_change::{
        NamedMessage, Read, Revised, StoredChange, TARGET, Target, only_to_participants, read,
    },
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Settings, Subscriptions},
    request::{Request, Route},
};

const NOT_YOURS: &str = "only the sender of a message may edit it";
const TOO_LATE: &str = "this message was sent too long ago to be edited; send another one";

/// Replaces the text of one of the caller's messages.
#[derive(Clone, Copy, Debug)]
pub struct EditMessage;

struct Command {
    message: NamedMessage,
    id: MessageId,
    body: Body,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        Ok(Self {
            message: NamedMessage::parse(fields)?,
            id: fields.required("id")?,
            body: fields.required("body")?,
        })
    }
}

impl<P> Route<P> for EditMessage
where
    P: Log
        + Participants
        + Subscriptions
        + Connections
        + Outbound
        + Settings
        + Clock
        + Random
        + Sync,
{
    const NAME: &'static str = "editMessage";
    type Reply = Revised;

    async fn handle(ports: &P, request: &Request) -> Result<Revised, RequestError> {
        let Command { message, id, body } = Command::parse(&request.fields)?;

        let caller = request.caller(ports.now())?;
        let (read, ()) = read(ports, &message, &caller.user, ready(Ok(()))).await?;

        let conversation = message.conversation;
        let content = Content::MessageEdited {
            target: message.target,
            body: Some(body),
        };
        let draft = Draft::new(caller.user.clone(), id.clone(), ports.now(), content);
        // A repetition may come after the window, and after a deletion.
        if !read.is_repeated(&draft) {
            let end = |entry: &Entry| entry.draft.sent_at.plus(ports.edit_window());
            let authorized = authorize(&read, caller, end, ports.now());
            if authorized.is_err() {
                only_to_participants(ports, &conversation, &caller.user, authorized).await?;
            }
        }
        let storing = store(ports, &conversation, draft, read, request.deadline);

        let origin = request.connection.as_ref().map(|connection| &connection.id);
        let stored =
            publish_stored(ports, &conversation, storing, origin, request.deadline).await?;

        let change = StoredChange::new(&conversation, id.to_string(), &stored);
        Ok(Revised::Edited(change))
    }
}

/// Checks that the caller may edit the message now.
fn authorize(
    read: &Read,
    caller: &Identity,
    end_of_window: impl Fn(&Entry) -> Timestamp,
    now: Timestamp,
) -> Result<(), Rejection> {
    let Target::Message(message) = read.target()? else {
        return Err(Rejection::UnknownMessage(TARGET));
    };
    if message.draft.sender != caller.user {
        return Err(Rejection::Forbidden(NOT_YOURS));
    }
    if now > end_of_window(message) {
        return Err(Rejection::Forbidden(TOO_LATE));
    }
    Ok(())
}

/// Stores an edit, or returns the one that an earlier attempt stored, with its text.
async fn store<P: Log + Clock + Random>(
    ports: &P,
    conversation: &ConversationId,
    draft: Draft,
    read: Read,
    deadline: Timestamp,
) -> Result<Appended, RequestError> {
    let stored = revise(ports, conversation, draft, read.tail, deadline).await?;
    let mut stored = stored.ok_or(Rejection::UnknownMessage(TARGET))?;
    if stored.duplicate {
        let mut entry = vec![stored.entry.clone()];
        with_texts(ports, conversation, &mut entry, 1).await?;
        stored.entry = entry.pop().unwrap_or(stored.entry);
    }
    Ok(stored)
}

#[cfg(test)]
mod tests;

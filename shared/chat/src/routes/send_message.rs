//! `sendMessage`, and `POST /conversations/{id}/messages`.
//!
//! ```json
//! {"action": "sendMessage", "ref": "1", "conversation": "c", "id": "m-1", "body": "Hello", "after": 41}
//! {"event": "sent", "ref": "1", "conversation": "c", "id": "m-1", "seq": 42, "sentAt": "…", "duplicate": false}
//! ```

use futures_util::future::join;
use serde::Serialize;

use crate::{
    access::participant,
    domain::{Body, Content, ConversationId, Draft, MessageId, UserId},
    failure::{Failure, Rejection},
    fan_out::publish,
    fields::{Fields, Position},
    log::{Tail, append, tail},
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Subscriptions},
    request::{Request, Route},
};

/// Stores a message and tells everyone.
#[derive(Clone, Copy, Debug)]
pub struct SendMessage;

/// The message is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "sent", rename_all = "camelCase")]
pub struct Sent {
    /// Conversation id.
    pub conversation: String,
    /// The sender's name for the message.
    pub id: String,
    /// Its position.
    pub seq: u64,
    /// When it was first sent, in RFC 3339.
    pub sent_at: String,
    /// Whether it was stored by an earlier attempt.
    pub duplicate: bool,
}

struct Command {
    conversation: ConversationId,
    id: MessageId,
    body: Body,
    after: Option<Position>,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        Ok(Self {
            conversation: fields.required("conversation")?,
            id: fields.required("id")?,
            body: fields.required("body")?,
            after: fields.optional("after")?,
        })
    }
}

impl<P> Route<P> for SendMessage
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "sendMessage";
    type Reply = Sent;

    async fn handle(ports: &P, request: &Request) -> Result<Sent, Failure> {
        let Command {
            conversation,
            id,
            body,
            after,
        } = Command::parse(&request.fields)?;

        let caller = request.caller(ports.now())?;
        let tail = participant_and_tail(ports, &conversation, &caller.user, after).await?;

        let content = Content::Message {
            name: caller.name.clone(),
            body,
        };
        let draft = Draft::new(caller.user.clone(), id, ports.now(), content);
        let stored = append(ports, &conversation, draft, tail, request.deadline).await?;

        // A repetition is told again: the first attempt may have died before it told anyone.
        let origin = request.connection.as_ref().map(|connection| &connection.id);
        publish(
            ports,
            &conversation,
            &stored.event,
            origin,
            request.deadline,
        )
        .await?;

        Ok(Sent {
            conversation: conversation.to_string(),
            id: stored.event.draft.id.to_string(),
            seq: stored.event.seq.number(),
            sent_at: stored.event.draft.sent_at.rfc3339(),
            duplicate: stored.duplicate,
        })
    }
}

/// What the sender must have read, given that he takes part.
///
/// With `after` both are asked for at once: what was stored past a position that the sender has seen includes his
/// removal. Without it the read has no such beginning, so participation is checked after it; see decision 1.
async fn participant_and_tail<P: Log + Participants + Sync>(
    ports: &P,
    conversation: &ConversationId,
    user: &UserId,
    after: Option<Position>,
) -> Result<Tail, Failure> {
    if let Some(after) = after {
        let after = after.seq()?;
        let (found, read) = join(
            participant(ports, conversation, user),
            tail(ports, conversation, Some(after)),
        )
        .await;
        found?;
        read
    } else {
        let read = tail(ports, conversation, None).await;
        participant(ports, conversation, user).await?;
        read
    }
}

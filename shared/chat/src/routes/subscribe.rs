//! `subscribe`: subscribes a connection to a conversation, and returns the entries that it missed.
//!
//! ```json
//! {"action": "subscribe", "ref": "1", "conversation": "c", "after": 41}
//! {"event": "subscribed", "ref": "1", "conversation": "c", "head": 42,
//!  "events": [{"event": "message", "seq": 42, …}], "limited": false}
//! ```

use futures_util::future::join;
use serde::Serialize;

use crate::{
    access::subscribe_then_read,
    domain::{ConnectionId, ConversationId, Seq, Subscription},
    error::{InternalError, Rejection, RequestError},
    fields::{Fields, Position},
    limit::limit,
    log::{head, read_after, with_texts},
    ports::{Clock, Log, Participants, Subscriptions},
    request::{Request, Route},
    wire::Entries,
};

limit!(
    /// The most subscriptions of one connection.
    pub const MAX_SUBSCRIPTIONS = 100;
    const TOO_MANY_SUBSCRIPTIONS =
        "cannot be subscribed to: this connection already has ", " subscriptions, the maximum";
);
/// The most entries in one reply.
const PAGE_ENTRIES: usize = 100;
/// The most bytes of entries in one reply, so that a reply has at most 30,000 bytes with all else.
/// It is not known whether API Gateway sends a route's reply of more than one frame (32 KB). An
/// entry always fits, since a body has at most 16 KB.
const PAGE_BYTES: usize = 29_000;

/// Subscribes a connection to a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Subscribe;

/// The connection is subscribed.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename = "subscribed")]
pub struct Subscribed {
    /// Conversation id.
    pub conversation: String,
    /// Its newest position.
    pub head: u64,
    /// The entries past `after`.
    #[serde(rename = "events")]
    pub entries: Entries,
    /// Whether the reply was cut: there are more entries.
    pub limited: bool,
}

struct Command {
    conversation: ConversationId,
    after: Option<Position>,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        Ok(Self {
            conversation: fields.required("conversation")?,
            after: fields.optional("after")?,
        })
    }
}

impl<P> Route<P> for Subscribe
where
    P: Log + Participants + Subscriptions + Clock + Sync,
{
    const NAME: &'static str = "subscribe";
    type Reply = Subscribed;

    async fn handle(ports: &P, request: &Request) -> Result<Subscribed, RequestError> {
        let Command {
            conversation,
            after,
        } = Command::parse(&request.fields)?;
        let after = after.map(Position::seq).transpose()?;

        let caller = request.caller(ports.now())?;
        let connection = request.connection.clone().ok_or(Rejection::UnknownAction)?;

        let subscription = Subscription {
            user: caller.user.clone(),
            connection,
        };
        let connection = &subscription.connection;
        let claim = ports.claim(connection, &conversation, MAX_SUBSCRIPTIONS);
        let outcome = subscribe_then_read(
            ports,
            &conversation,
            &caller.user,
            store(ports, &conversation, &subscription),
            join(claim, read(ports, &conversation, after)),
        )
        .await;
        if let Err(RequestError::Rejected(Rejection::NotFound)) = outcome {
            end(ports, &conversation, &connection.id).await?;
        }

        let (claimed, read) = outcome?;
        if !claimed? {
            ports.unsubscribe(&conversation, &connection.id).await?;
            return Err(Rejection::Invalid {
                field: "conversation",
                rule: TOO_MANY_SUBSCRIPTIONS,
            }
            .into());
        }
        read
    }
}

/// Stores the subscription. It has no effect until the user is a participant. Its place among those
/// of the connection is claimed afterwards, and [`end`] releases the place before it deletes the
/// row: however requests interleave, no row is left without a place.
async fn store<P: Subscriptions>(
    ports: &P,
    conversation: &ConversationId,
    subscription: &Subscription,
) -> Result<(), RequestError> {
    Ok(ports.subscribe(conversation, subscription).await?)
}

/// Ends a subscription.
///
/// # Errors
/// An [`InternalError`] if a row cannot be written.
pub(super) async fn end<P: Subscriptions>(
    ports: &P,
    conversation: &ConversationId,
    connection: &ConnectionId,
) -> Result<(), InternalError> {
    ports.release(conversation, connection).await?;
    ports.unsubscribe(conversation, connection).await
}

async fn read<P: Log + Clock>(
    ports: &P,
    conversation: &ConversationId,
    after: Option<Seq>,
) -> Result<Subscribed, RequestError> {
    let (mut entries, limited, mut newest) = match after {
        None => (
            Entries::none(conversation),
            false,
            head(ports, conversation).await?,
        ),
        Some(after) => {
            let (mut tail, more) = read_after(ports, conversation, after, PAGE_ENTRIES).await?;
            let dropped = with_texts(ports, conversation, &mut tail.entries).await?;
            let entries = Entries::new(conversation, tail.entries);
            (entries, more || dropped, tail.head)
        }
    };
    let limited = entries.fit_into(PAGE_BYTES) || limited;
    if limited {
        newest = head(ports, conversation).await?;
    }
    Ok(Subscribed {
        conversation: conversation.to_string(),
        head: newest.number(),
        entries,
        limited,
    })
}

#[cfg(test)]
mod tests;

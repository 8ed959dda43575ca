//! `receipt`, and `PUT /conversations/{id}/receipt`: a participant has read up to a position.
//!
//! ```json
//! {"action": "receipt", "conversation": "c", "read": 57, "private": false}
//! {"conversation": "c", "readTo": 57, "messages": 30}
//! ```
//!
//! Over a WebSocket the reply is not sent. The user's other connections, and other participants of
//! a small conversation unless the receipt is private, are pushed:
//!
//! ```json
//! {"event": "read", "conversation": "c", "user": "grace", "readTo": 57, "messages": 30}
//! ```
//!
//! A lost receipt or push is harmless: the client compares its position with the next `subscribed`,
//! `pong` or list, and sends it again.

use futures_util::future::{OptionFuture, join};
use serde::Serialize;

use crate::{
    domain::{ConversationId, Seq, Subscription, UserId},
    error::{InternalError, Rejection, RequestError},
    fan_out::{MOST_ROWS, connections_of, push_frame, recipients_of_others},
    fields::{Fields, Position},
    mutant::mutant,
    ports::{
        Advanced, Clock, Connections, Log, Outbound, Random, Receipt as Reading, Receipts,
        Subscriptions,
    },
    reads::MOST_WATCHED,
    request::{Request, Route},
    wire::Signal,
};

/// Stores how far a participant has read.
#[derive(Clone, Copy, Debug)]
pub struct Receipt;

/// The position of the participant afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipted {
    /// Conversation id.
    pub conversation: String,
    /// The position up to which the caller has read: the given one, or a newer one of an earlier
    /// receipt.
    pub read_to: u64,
    /// The number of messages up to it.
    pub messages: u64,
}

struct Command {
    conversation: ConversationId,
    read: Position,
    private: bool,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        Ok(Self {
            conversation: fields.required("conversation")?,
            read: fields.required("read")?,
            private: fields.optional("private")?.unwrap_or(false),
        })
    }
}

impl<P> Route<P> for Receipt
where
    P: Log + Receipts + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "receipt";
    type Reply = Receipted;

    async fn handle(ports: &P, request: &Request) -> Result<Receipted, RequestError> {
        let Command {
            conversation,
            read,
            private,
        } = Command::parse(&request.fields)?;

        let caller = request.caller(ports.now())?;
        let read = read.seq().ok();
        let messages = match read {
            Some(read) => messages_up_to(ports, &conversation, read).await?,
            None => None,
        };
        // A position that is not one of the log counts as 0, which moves nothing. So the answer
        // comes from the caller's row in either case, and a user who is not a participant learns
        // nothing about the log.
        let (position, proven) = match (read, messages) {
            (Some(read), Some(_)) => (read, true),
            _ => (Seq::START, false),
        };
        let reading = Reading {
            position,
            messages: messages.unwrap_or(0),
            private: private && !mutant!(PrivateShown),
        };

        let advanced = ports.advance(&conversation, &caller.user, reading).await?;
        let advanced = advanced.ok_or(Rejection::NotFound)?;
        if !proven {
            return Err(Rejection::UnknownReadPosition.into());
        }

        let targets = targets(ports, &conversation, request, &caller.user, advanced).await?;
        let signal = Signal::Read {
            conversation: conversation.as_str(),
            user: caller.user.as_str(),
            read_to: reading.position.number(),
            messages: reading.messages,
        };
        push_frame(ports, targets, &signal, request.deadline).await;

        Ok(Receipted {
            conversation: conversation.to_string(),
            read_to: advanced.read_to.number(),
            messages: advanced.messages,
        })
    }
}

/// Returns the number of messages up to a position, or `None` if it is not a position of this log.
async fn messages_up_to(
    log: &impl Log,
    conversation: &ConversationId,
    position: Seq,
) -> Result<Option<u64>, InternalError> {
    if position == Seq::START {
        return Ok(Some(0));
    }
    let page = log.read_from(conversation, position, 1).await?;
    let entry = page.entries.first();
    let messages = entry
        .filter(|entry| entry.seq == position)
        .map(|entry| entry.counters.messages);
    Ok(messages.or(mutant!(ReceiptUnproven).then_some(0)))
}

/// Returns the connections to push the new position to: the caller's own, and those of the other
/// participants of a small conversation. Both are read at once, after the position is stored.
async fn targets<P>(
    ports: &P,
    conversation: &ConversationId,
    request: &Request,
    user: &UserId,
    advanced: Advanced,
) -> Result<Vec<Subscription>, InternalError>
where
    P: Subscriptions + Connections + Clock + Sync,
{
    let own = advanced.moved.then(|| connections_of(ports, user));
    let roster = advanced
        .shown
        .then(|| ports.small_roster(conversation, MOST_ROWS));
    let (own, roster) = join(OptionFuture::from(own), OptionFuture::from(roster)).await;

    let origin = request.connection.as_ref().map(|connection| &connection.id);
    let mut targets = own.transpose()?.unwrap_or_default();
    targets.retain(|target| origin != Some(&target.connection.id));
    let roster = roster.transpose()?.flatten().unwrap_or_default();
    if roster.participants.len() <= MOST_WATCHED {
        targets.extend(recipients_of_others(roster, user, ports.now()));
    }
    Ok(targets)
}

#[cfg(test)]
mod tests;

//! `subscribe`: subscribes a connection to conversations, and returns the entries that it missed.
//!
//! ```json
//! {"action": "subscribe", "ref": "1", "conversation": "c", "after": 41, "receipts": true}
//! {"event": "subscribed", "ref": "1", "conversation": "c", "head": 42,
//!  "events": [{"event": "message", "seq": 42, …}], "limited": false,
//!  "messages": 40, "read": {"ada": 41, "grace": 40}}
//! ```
//!
//! Many conversations in one frame have one outcome each:
//!
//! ```json
//! {"action": "subscribe", "ref": "1", "conversations": [{"conversation": "c", "after": 41}, …]}
//! {"event": "subscribed", "ref": "1", "conversations": [{"conversation": "c", "head": 42, …},
//!  {"conversation": "d", "code": "not_found", …}]}
//! ```

use futures_util::{StreamExt, TryStreamExt, future::join, stream};
use serde::Serialize;

use crate::{
    access::subscribe_then_read,
    domain::{Connection, ConnectionId, ConversationId, Seq, Subscription, UserId},
    error::{InternalError, Rejection, RequestError},
    fields::{Fields, Position, SubscriptionList, Wanted},
    limit::limit,
    log::{newest, read_after, with_texts},
    ports::{Clock, Log, Participants, Subscriptions},
    rate_limit::ORDINARY_COST,
    reads::Reads,
    request::{Request, Route},
    wire::{Entries, Problem},
};

limit!(
    /// The most subscriptions of one connection.
    pub const MAX_SUBSCRIPTIONS = 100;
    const TOO_MANY_SUBSCRIPTIONS =
        "cannot be subscribed to: this connection already has ", " subscriptions, the maximum";
);
/// The most entries in one reply.
const PAGE_ENTRIES: usize = 100;
/// The most messages that are read for the texts of edits in one reply. More long texts would not fit
/// into it.
const PAGE_TEXTS: usize = 25;
/// The most entries of each conversation, if one frame subscribes to many.
const SHARED_PAGE_ENTRIES: usize = 50;
/// The most messages that are read for the texts of edits of each of these conversations.
const SHARED_PAGE_TEXTS: usize = 10;
/// The most bytes of entries in one reply, so that a reply has at most 30,000 bytes with all else.
/// It is not known whether API Gateway sends a route's reply of more than one frame (32 KB). An
/// entry always fits, since a body has at most 16 KB.
const PAGE_BYTES: usize = 29_000;
/// The most bytes of entries and positions in a reply for many conversations. Each has up to 350
/// bytes besides.
const SHARED_BYTES: usize = 22_000;
/// How many subscriptions of one frame are made at a time.
const WIDTH: usize = 8;

/// Subscribes a connection to conversations.
#[derive(Clone, Copy, Debug)]
pub struct Subscribe;

/// The connection is subscribed.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event")]
pub enum Subscribed {
    /// To the one conversation of the request.
    #[serde(rename = "subscribed")]
    One(Missed),
    /// To those of many for which this is the outcome.
    #[serde(rename = "subscribed")]
    Many {
        /// One outcome for each conversation, in the order of the request.
        conversations: Vec<Outcome>,
    },
}

/// What a subscriber has missed.
#[derive(Clone, Debug, Serialize)]
pub struct Missed {
    /// Conversation id.
    pub conversation: String,
    /// Its newest position.
    pub head: u64,
    /// The entries past `after`.
    #[serde(rename = "events")]
    pub entries: Entries,
    /// Whether the reply was cut: there are more entries.
    pub limited: bool,
    /// The number of messages up to `head`, if the client asked for receipts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// How far the participants have read, if the client asked for receipts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<Reads>,
}

/// The outcome for one conversation of many.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// The connection is subscribed.
    Subscribed(Missed),
    /// It is not.
    Rejected {
        /// Conversation id.
        conversation: String,
        /// Why.
        #[serde(flatten)]
        problem: Problem,
    },
}

enum Command {
    One(Wanted),
    Many(Vec<Wanted>),
}

impl Command {
    fn parse(fields: &Fields) -> Result<(Self, bool), Rejection> {
        let receipts = fields.optional("receipts")?.unwrap_or(false);
        let many: Option<SubscriptionList> = fields.optional("conversations")?;
        let command = match many {
            None => Self::One(Wanted {
                conversation: fields.required("conversation")?,
                after: fields.optional("after")?,
            }),
            Some(_) if fields.has("conversation") => {
                return Err(Rejection::Invalid {
                    field: "conversations",
                    rule: "must not be given together with `conversation`",
                });
            }
            Some(SubscriptionList(many)) => Self::Many(many),
        };
        Ok((command, receipts))
    }
}

impl<P> Route<P> for Subscribe
where
    P: Log + Participants + Subscriptions + Clock + Sync,
{
    const NAME: &'static str = "subscribe";
    type Reply = Subscribed;

    /// Many subscriptions cost as much as one by one.
    fn cost(fields: &Fields) -> u32 {
        let many = u32::try_from(fields.list_length("conversations")).unwrap_or(u32::MAX);
        ORDINARY_COST.max(many)
    }

    async fn handle(ports: &P, request: &Request) -> Result<Subscribed, RequestError> {
        let (command, receipts) = Command::parse(&request.fields)?;

        let caller = request.caller(ports.now())?;
        let connection = request
            .connection
            .as_ref()
            .ok_or(Rejection::UnknownAction)?;
        let subscriber = Subscriber {
            user: &caller.user,
            connection,
            receipts,
        };

        match command {
            Command::One(wanted) => {
                let limits = (PAGE_ENTRIES, PAGE_TEXTS);
                let missed = subscriber.subscribe(ports, wanted, limits).await?;
                Ok(Subscribed::One(missed))
            }
            Command::Many(wanted) => {
                let conversations = subscriber.subscribe_to_many(ports, wanted).await?;
                Ok(Subscribed::Many { conversations })
            }
        }
    }
}

/// The connection that subscribes.
struct Subscriber<'a> {
    user: &'a UserId,
    connection: &'a Connection,
    receipts: bool,
}

impl Subscriber<'_> {
    /// Subscribes to one conversation. If it cannot be granted, no row is left.
    async fn subscribe<P>(
        &self,
        ports: &P,
        wanted: Wanted,
        limits: (usize, usize),
    ) -> Result<Missed, RequestError>
    where
        P: Log + Participants + Subscriptions + Clock + Sync,
    {
        let Wanted {
            conversation,
            after,
        } = wanted;
        let after = after.map(Position::seq).transpose()?;
        let subscription = Subscription {
            user: self.user.clone(),
            connection: self.connection.clone(),
        };
        let claim = ports.claim(self.connection, &conversation, MAX_SUBSCRIPTIONS);
        let outcome = subscribe_then_read(
            ports,
            &conversation,
            self.user,
            store(ports, &conversation, &subscription),
            join(claim, read(ports, &conversation, after, limits)),
            self.receipts,
        )
        .await;
        if let Err(RequestError::Rejected(Rejection::NotFound)) = outcome {
            end(ports, &conversation, &self.connection.id).await?;
        }

        let ((claimed, missed), reads) = outcome?;
        if !claimed? {
            ports
                .unsubscribe(&conversation, &self.connection.id)
                .await?;
            return Err(Rejection::Invalid {
                field: "conversation",
                rule: TOO_MANY_SUBSCRIPTIONS,
            }
            .into());
        }
        let mut missed = missed?;
        if let Some(reads) = &reads {
            missed.limited |= missed
                .entries
                .fit_into(PAGE_BYTES.saturating_sub(reads.bytes()));
        }
        Ok(Missed {
            messages: missed.messages.filter(|_| self.receipts),
            read: reads,
            ..missed
        })
    }

    /// Subscribes to many conversations. A rejection of one does not affect the others. All share
    /// the bytes of a reply: when these are used up, the rest is `limited` and has only the user's
    /// own position.
    async fn subscribe_to_many<P>(
        &self,
        ports: &P,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<Outcome>, InternalError>
    where
        P: Log + Participants + Subscriptions + Clock + Sync,
    {
        let limits = (SHARED_PAGE_ENTRIES, SHARED_PAGE_TEXTS);
        let subscribed = wanted.into_iter().map(async |wanted| {
            let conversation = wanted.conversation.to_string();
            match self.subscribe(ports, wanted, limits).await {
                Ok(missed) => Ok(Outcome::Subscribed(missed)),
                Err(RequestError::Rejected(rejection)) => Ok(Outcome::Rejected {
                    conversation,
                    problem: Problem::rejected(&rejection),
                }),
                Err(RequestError::Internal(error)) => Err(error),
            }
        });
        let subscribed = stream::iter(subscribed).buffered(WIDTH);
        let mut outcomes: Vec<Outcome> = subscribed.try_collect().await?;
        let mut left = SHARED_BYTES;
        for outcome in &mut outcomes {
            if let Outcome::Subscribed(missed) = outcome {
                if let Some(reads) = &mut missed.read {
                    reads.share(&mut left, self.user);
                }
                missed.limited |= missed.entries.share(&mut left);
            }
        }
        Ok(outcomes)
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
pub(crate) async fn end<P: Subscriptions>(
    ports: &P,
    conversation: &ConversationId,
    connection: &ConnectionId,
) -> Result<(), InternalError> {
    ports.release(conversation, connection).await?;
    ports.unsubscribe(conversation, connection).await
}

/// Reads at most so many entries, and messages for the texts of edits.
async fn read<P: Log + Clock>(
    ports: &P,
    conversation: &ConversationId,
    after: Option<Seq>,
    (entries, texts): (usize, usize),
) -> Result<Missed, RequestError> {
    let (mut entries, limited, mut end) = match after {
        None => (
            Entries::none(conversation),
            false,
            newest(ports, conversation).await?,
        ),
        Some(after) => {
            let mut later = read_after(ports, conversation, after, entries).await?;
            let dropped = with_texts(ports, conversation, &mut later.entries, texts).await?;
            let entries = Entries::new(conversation, later.entries);
            let end = (later.head, later.counters);
            (entries, later.more || dropped, end)
        }
    };
    let limited = entries.fit_into(PAGE_BYTES) || limited;
    if limited {
        end = newest(ports, conversation).await?;
    }
    let (head, counters) = end;
    Ok(Missed {
        conversation: conversation.to_string(),
        head: head.number(),
        entries,
        limited,
        messages: Some(counters.messages),
        read: None,
    })
}

#[cfg(test)]
mod tests;

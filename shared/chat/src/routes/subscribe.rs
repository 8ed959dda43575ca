//! `subscribe`: a connection wants a conversation's events, and those that it has missed.
//!
//! ```json
//! {"action": "subscribe", "ref": "1", "conversation": "c", "after": 41}
//! {"event": "subscribed", "ref": "1", "conversation": "c", "head": 42, "events": [{"event": "message", "seq": 42, …}],
//!  "limited": false}
//! ```

use futures_util::future::try_join;
use serde::Serialize;

use crate::{
    access::participant,
    domain::{ConnectionId, ConversationId, Seq, Subscription},
    failure::{Failure, Rejection},
    fields::{Fields, Position},
    log::{head, read_after},
    ports::{Clock, Log, Participants, Subscriptions},
    request::{Request, Route},
    wire::Entries,
};

/// Subscriptions of one connection at most.
pub const MAX_SUBSCRIPTIONS: usize = 100;
/// Entries in one reply at most.
const PAGE_ENTRIES: usize = 100;
/// Bytes of entries in one reply at most, so that the reply fits into a message of the gateway: 128 KB.
const PAGE_BYTES: usize = 100_000;

/// Subscribes a connection to a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Subscribe;

/// The subscription stands.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename = "subscribed")]
pub struct Subscribed {
    /// Conversation id.
    pub conversation: String,
    /// Its newest position.
    pub head: u64,
    /// Entries past `after`.
    pub events: Entries,
    /// Whether there are more than these.
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

    async fn handle(ports: &P, request: &Request) -> Result<Subscribed, Failure> {
        let Command {
            conversation,
            after,
        } = Command::parse(&request.fields)?;
        let after = after.map(Position::seq).transpose()?;

        let caller = request.caller(ports.now())?;
        let connection = request.connection.clone().ok_or(Rejection::UnknownAction)?;

        // The subscription is written before anything is read: whatever is stored meanwhile is then either read here
        // or pushed. Until the user is a participant the row is inert.
        let subscription = Subscription {
            user: caller.user.clone(),
            connection,
        };
        let connection = &subscription.connection.id;
        let (others, ()) = try_join(
            ports.subscriptions_of(connection),
            ports.subscribe(&conversation, &subscription),
        )
        .await?;
        if others.len() >= MAX_SUBSCRIPTIONS && !others.contains(&conversation) {
            ports.unsubscribe(&conversation, connection).await?;
            let rule = "is one more than the 100 subscriptions that a connection may have";
            return Err(Rejection::Invalid {
                field: "conversation",
                rule,
            }
            .into());
        }

        let read = read(ports, &conversation, after).await;
        authorize(ports, &conversation, &subscription, connection).await?;
        read
    }
}

async fn authorize<P: Participants + Subscriptions>(
    ports: &P,
    conversation: &ConversationId,
    subscription: &Subscription,
    connection: &ConnectionId,
) -> Result<(), Failure> {
    let found = participant(ports, conversation, &subscription.user).await;
    if let Err(Failure::Rejected(_)) = found {
        ports.unsubscribe(conversation, connection).await?;
    }
    found.map(|_| ())
}

async fn read<P: Log>(
    ports: &P,
    conversation: &ConversationId,
    after: Option<Seq>,
) -> Result<Subscribed, Failure> {
    let (mut events, limited, mut newest) = match after {
        None => (
            Entries::none(conversation),
            false,
            head(ports, conversation).await?,
        ),
        Some(after) => {
            let (tail, more) = read_after(ports, conversation, after, PAGE_ENTRIES).await?;
            (Entries::new(conversation, tail.events), more, tail.head)
        }
    };
    let limited = events.fit_into(PAGE_BYTES) || limited;
    if limited {
        newest = head(ports, conversation).await?;
    }
    Ok(Subscribed {
        conversation: conversation.to_string(),
        head: newest.number(),
        events,
        limited,
    })
}

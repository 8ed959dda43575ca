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

use std::collections::BTreeMap;

use futures_util::{StreamExt, future::join};
use serde::Serialize;

use crate::{
    access::{read_subscribed, subscribe_then_read},
    domain::{Connection, ConnectionId, ConversationId, Participant, Seq, Subscription, UserId},
    error::{InternalError, Rejection, RequestError},
    fields::{Fields, Position, Wanted},
    limit::limit,
    missed::{Missed, Named, Outcome, PAGE, PAGE_BYTES, SHARED_PAGE, few_at_a_time},
    mutant::mutant,
    ports::{Clock, Log, Participants, Subscriptions},
    reads::Reads,
    request::{Request, Route},
};

limit!(
    /// The most subscriptions of one connection.
    pub const MAX_SUBSCRIPTIONS = 100;
    const TOO_MANY_SUBSCRIPTIONS =
        "cannot be subscribed to: this connection already has ", " subscriptions, the maximum";
);

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

impl<P> Route<P> for Subscribe
where
    P: Log + Participants + Subscriptions + Clock + Sync,
{
    const NAME: &'static str = "subscribe";
    type Reply = Subscribed;

    fn cost(fields: &Fields) -> u32 {
        Named::cost(fields)
    }

    async fn handle(ports: &P, request: &Request) -> Result<Subscribed, RequestError> {
        let named = Named::parse(&request.fields)?;
        let receipts = request.fields.optional("receipts")?.unwrap_or(false);

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

        match named {
            Named::One(wanted) => {
                let missed = subscriber.subscribe(ports, wanted, PAGE).await?;
                Ok(Subscribed::One(missed))
            }
            Named::Many(wanted) => {
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
        let claimed = std::slice::from_ref(&conversation);
        let claim = ports.claim(self.connection, claimed, MAX_SUBSCRIPTIONS);
        let read = Missed::read(ports, &conversation, after, limits);
        let outcome = subscribe_then_read(
            ports,
            &conversation,
            self.user,
            store(ports, &conversation, &self.subscription()),
            join(claim, read),
            self.receipts,
        )
        .await;
        if let Err(RequestError::Rejected(Rejection::NotFound)) = outcome {
            end(ports, &conversation, self.user, &self.connection.id).await?;
        }

        let ((claimed, missed), reads) = outcome?;
        if !claimed? {
            return Err(self.gives_back(ports, &conversation).await?.into());
        }
        Ok(self.with_reads(missed?, reads))
    }

    /// Subscribes to many conversations. A rejection of one does not affect the others.
    ///
    /// The order is that of single subscriptions, in steps for all of them: the rows are written
    /// while participation is checked; then the entries are read while the places are claimed, and
    /// participation is checked again; then the rows that cannot stand are deleted.
    async fn subscribe_to_many<P>(
        &self,
        ports: &P,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<Outcome>, InternalError>
    where
        P: Log + Participants + Subscriptions + Clock + Sync,
    {
        let positions = wanted.iter().map(|wanted| {
            let after = wanted.after.map(Position::seq).transpose();
            (&wanted.conversation, after)
        });
        let positions: Vec<(&ConversationId, Result<Option<Seq>, Rejection>)> = positions.collect();
        let valid = positions.iter().filter(|(_, after)| after.is_ok());
        let ids: Vec<ConversationId> = valid.map(|(id, _)| (*id).clone()).collect();
        let participations = self.store_all(ports, &ids).await?;

        let granted: Vec<ConversationId> = ids
            .into_iter()
            .filter(|id| participations.contains_key(id))
            .collect();
        let read: Vec<_> = positions
            .iter()
            .map(|(conversation, after)| {
                let participant = participations.get(*conversation);
                self.read_shared(ports, conversation, after.clone(), participant)
            })
            .collect();
        let read = few_at_a_time(read).collect::<Vec<_>>();
        let (unclaimed, read) = join(self.claim_all(ports, &granted), read).await;
        let unclaimed = unclaimed?;
        if mutant!(ReadBeforeRow) {
            let subscription = self.subscription();
            ports.subscribe_to_all(&granted, &subscription).await?;
        }

        let mut outcomes = Vec::with_capacity(read.len());
        for ((conversation, _), mut result) in positions.into_iter().zip(read) {
            if let Err(RequestError::Rejected(Rejection::NotFound)) = result {
                end(ports, conversation, self.user, &self.connection.id).await?;
            } else if unclaimed.contains(conversation) {
                result = Err(self.gives_back(ports, conversation).await?.into());
            }
            outcomes.push(Outcome::of(conversation, result)?);
        }
        Outcome::share(&mut outcomes, self.user);
        Ok(outcomes)
    }

    /// Reads what is missed in one conversation of many.
    async fn read_shared<P: Log + Participants + Clock>(
        &self,
        ports: &P,
        conversation: &ConversationId,
        after: Result<Option<Seq>, Rejection>,
        participant: Option<&Participant>,
    ) -> Result<Missed, RequestError> {
        let after = after?;
        let participant = participant.cloned().ok_or(Rejection::NotFound)?;
        let read = Missed::read(ports, conversation, after, SHARED_PAGE);
        let (missed, reads) =
            read_subscribed(ports, conversation, participant, read, self.receipts).await?;
        Ok(self.with_reads(missed?, reads))
    }

    /// Stores the subscriptions, and meanwhile reads in which of the conversations the user is a
    /// participant. The rows of the others have no effect.
    async fn store_all<P>(
        &self,
        ports: &P,
        ids: &[ConversationId],
    ) -> Result<BTreeMap<ConversationId, Participant>, InternalError>
    where
        P: Participants + Subscriptions,
    {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let subscription = self.subscription();
        let early: &[ConversationId] = if mutant!(ReadBeforeRow) { &[] } else { ids };
        let stored = ports.subscribe_to_all(early, &subscription);
        let checked = ports.participations_of(self.user, ids);
        let (checked, stored) = join(checked, stored).await;
        stored?;
        Ok(checked?.into_iter().collect())
    }

    /// Claims places for all conversations at once, or one by one if that is refused. Returns those
    /// for which there is none.
    async fn claim_all<P: Subscriptions>(
        &self,
        ports: &P,
        granted: &[ConversationId],
    ) -> Result<Vec<ConversationId>, InternalError> {
        let mut unclaimed = Vec::new();
        if granted.is_empty()
            || ports
                .claim(self.connection, granted, MAX_SUBSCRIPTIONS)
                .await?
        {
            return Ok(unclaimed);
        }
        for conversation in granted {
            let one = std::slice::from_ref(conversation);
            if !ports.claim(self.connection, one, MAX_SUBSCRIPTIONS).await? {
                unclaimed.push(conversation.clone());
            }
        }
        Ok(unclaimed)
    }

    /// Deletes the row of a subscription that has no place. Returns the rejection.
    async fn gives_back<P: Subscriptions>(
        &self,
        ports: &P,
        conversation: &ConversationId,
    ) -> Result<Rejection, InternalError> {
        let connection = &self.connection.id;
        ports
            .unsubscribe(conversation, self.user, connection)
            .await?;
        Ok(Rejection::Invalid {
            field: "conversation",
            rule: TOO_MANY_SUBSCRIPTIONS,
        })
    }

    /// Adds what the client asked for besides entries.
    fn with_reads(&self, mut missed: Missed, reads: Option<Reads>) -> Missed {
        if let Some(reads) = &reads {
            let left = PAGE_BYTES.saturating_sub(reads.bytes());
            missed.limited |= missed.entries.fit_into(left);
        }
        Missed {
            messages: missed.messages.filter(|_| self.receipts),
            read: reads,
            ..missed
        }
    }

    fn subscription(&self) -> Subscription {
        Subscription {
            user: self.user.clone(),
            connection: self.connection.clone(),
        }
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
    user: &UserId,
    connection: &ConnectionId,
) -> Result<(), InternalError> {
    ports.release(conversation, connection).await?;
    ports.unsubscribe(conversation, user, connection).await
}

#[cfg(test)]
mod tests;

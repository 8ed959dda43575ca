//! `catchUp`: returns the entries that a client missed, and writes nothing.
//!
//! ```json
//! {"action": "catchUp", "ref": "1", "conversation": "c", "after": 41}
//! {"event": "caughtUp", "ref": "1", "conversation": "c", "head": 42,
//!  "events": [{"event": "message", "seq": 42, …}], "limited": false, "subscribed": true}
//! ```
//!
//! Many conversations in one frame have one outcome each, as with `subscribe`.
//!
//! A subscription stands when a push is lost, so the gap needs no write: in a large conversation
//! many clients repair the same gap at once, and their writes would compete with the messages.

use futures_util::StreamExt;
use serde::Serialize;

use crate::{
    access::read_as_participant,
    domain::{ConversationId, UserId},
    error::{Rejection, RequestError},
    fields::{Fields, Position, Wanted},
    missed::{Missed, Named, Outcome, PAGE, SHARED_PAGE, few_at_a_time},
    ports::{Clock, Log, Participants, Subscriptions},
    request::{Request, Route},
};

/// Returns missed entries.
#[derive(Clone, Copy, Debug)]
pub struct CatchUp;

/// The missed entries.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event")]
pub enum CaughtUp {
    /// Those of the one conversation of the request.
    #[serde(rename = "caughtUp")]
    One(Missed),
    /// Those of many.
    #[serde(rename = "caughtUp")]
    Many {
        /// One outcome for each conversation, in the order of the request.
        conversations: Vec<Outcome>,
    },
}

impl<P> Route<P> for CatchUp
where
    P: Log + Participants + Subscriptions + Clock + Sync,
{
    const NAME: &'static str = "catchUp";
    type Reply = CaughtUp;

    fn cost(fields: &Fields) -> u32 {
        Named::cost(fields)
    }

    async fn handle(ports: &P, request: &Request) -> Result<CaughtUp, RequestError> {
        let named = Named::parse(&request.fields)?;
        require_positions(&named)?;

        let caller = request.caller(ports.now())?;
        let connection = request
            .connection
            .as_ref()
            .ok_or(Rejection::UnknownAction)?;

        let places = ports.places_of(&connection.id).await?;
        match named {
            Named::One(wanted) => {
                let missed = read(ports, &caller.user, &places, &wanted, PAGE).await?;
                Ok(CaughtUp::One(missed))
            }
            Named::Many(wanted) => {
                let (user, places) = (&caller.user, &places);
                let missed: Vec<_> = wanted
                    .iter()
                    .map(|wanted| read(ports, user, places, wanted, SHARED_PAGE))
                    .collect();
                let missed = few_at_a_time(missed).collect::<Vec<_>>().await;
                let conversations = wanted.iter().map(|wanted| &wanted.conversation);
                let outcomes = conversations.zip(missed);
                let mut conversations = outcomes
                    .map(|(conversation, missed)| Outcome::of(conversation, missed))
                    .collect::<Result<Vec<_>, _>>()?;
                Outcome::share(&mut conversations, user);
                Ok(CaughtUp::Many { conversations })
            }
        }
    }
}

/// Without a position there is nothing to catch up with.
fn require_positions(named: &Named) -> Result<(), Rejection> {
    match named {
        Named::One(wanted) if wanted.after.is_none() => Err(Rejection::Invalid {
            field: "after",
            rule: "is missing",
        }),
        Named::Many(wanted) if wanted.iter().any(|wanted| wanted.after.is_none()) => {
            Err(Rejection::Invalid {
                field: "conversations",
                rule: "must contain an `after` for each conversation",
            })
        }
        _ => Ok(()),
    }
}

/// Reads what is missed in one conversation. `places` are the conversations to which the connection
/// is subscribed: a user who is removed loses the place, and does not get it back when they are
/// added again.
async fn read<P>(
    ports: &P,
    user: &UserId,
    places: &[ConversationId],
    wanted: &Wanted,
    limits: (usize, usize),
) -> Result<Missed, RequestError>
where
    P: Log + Participants + Clock,
{
    let Wanted {
        conversation,
        after,
    } = wanted;
    let after = after.map(Position::seq).transpose()?;
    let read = Missed::read(ports, conversation, after, limits);
    let missed = read_as_participant(ports, conversation, user, read).await??;
    Ok(Missed {
        subscribed: Some(places.contains(conversation)),
        messages: None,
        ..missed
    })
}

#[cfg(test)]
mod tests;

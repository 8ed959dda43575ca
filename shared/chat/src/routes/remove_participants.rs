//! `POST /conversations/{id}/removals`: removes up to 25 participants. Only the owner may do this.
//!
//! ```json
//! {"users": ["bob", "carol", "eve"]}
//! {"users": [{"user": "bob", "outcome": "removed", "seq": 44},
//!            {"user": "carol", "outcome": "unchanged", "seq": null},
//!            {"user": "eve", "outcome": "contended", "seq": null}]}
//! ```
//!
//! Each removal is a step of its own, as in `DELETE …/participants/{user}` (decision 2), one after
//! the other. A repeated request completes what an earlier attempt left undone.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all, join3};
use serde::Serialize;

use crate::{
    access::read_with_participant,
    domain::{Content, ConversationId, Entry, Identity, Participant, Role, Timestamp, UserId},
    error::{InternalError, Rejection, RequestError},
    fan_out::{notify, publish},
    fields::{Fields, KnownUsers},
    log::{Tail, change, newest_tail},
    participant_change::{delete_subscriptions, draft},
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Subscriptions},
    request::{Request, Route},
    wire::Notice,
};

/// The further cost of a request for each user, in tokens.
const COST_OF_A_USER: u32 = 2;

/// Removes participants.
#[derive(Clone, Copy, Debug)]
pub struct RemoveParticipants;

/// The reply: the outcome for each user, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removals {
    /// The users of the request.
    pub users: Vec<Removal>,
}

/// The outcome for one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// User id.
    pub user: String,
    /// What the request did.
    pub outcome: Outcome,
    /// The position of the removal in the log, if this request stored it.
    pub seq: Option<u64>,
}

/// What a request did to one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The user is removed.
    Removed,
    /// The user was not a participant.
    Unchanged,
    /// Too many others were writing. The same request may succeed later.
    Contended,
}

impl<P> Route<P> for RemoveParticipants
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "removeParticipants";
    const COST: u32 = 4;
    type Reply = Removals;

    fn cost(fields: &Fields) -> u32 {
        let users = fields.optional("users").ok().flatten();
        let number = users.map_or(0, |KnownUsers(users)| users.len());
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        number
            .saturating_mul(COST_OF_A_USER)
            .saturating_add(<Self as Route<P>>::COST)
    }

    async fn handle(ports: &P, request: &Request) -> Result<Removals, RequestError> {
        let conversation: ConversationId = request.fields.required("conversation")?;
        let KnownUsers(users) = request.fields.required("users")?;

        let now = ports.now();
        let caller = request.caller(now)?;
        let rows = users
            .iter()
            .map(|user| ports.participant(&conversation, user));
        let read = join(newest_tail(ports, &conversation), join_all(rows));
        let ((tail, rows), remover) =
            read_with_participant(ports, &conversation, &caller.user, read).await?;
        if remover.role != Role::Owner {
            let why = "only the owner of a conversation removes others from it";
            return Err(Rejection::Forbidden(why).into());
        }
        if users.contains(&caller.user) {
            let why = "the owner is not removed with others; leave with DELETE instead";
            return Err(Rejection::Forbidden(why).into());
        }
        let rows = rows.into_iter().collect::<Result<Vec<_>, _>>()?;

        let mut removing = Removing {
            ports,
            conversation: &conversation,
            caller,
            now,
            // The other half of the time is left for the subscriptions and the fan-out.
            until: now.plus(request.deadline.since(now) / 2),
            tail: tail?,
            entries: Vec::new(),
        };
        let outcomes = removing.all(rows).await;
        // What is stored is pushed in any case.
        let entries = removing.entries;
        tell(ports, &conversation, &users, &entries, request.deadline).await?;

        let removal = |(user, (outcome, seq)): (&UserId, (Outcome, Option<u64>))| Removal {
            user: user.to_string(),
            outcome,
            seq,
        };
        Ok(Removals {
            users: users.iter().zip(outcomes?).map(removal).collect(),
        })
    }
}

/// The removals of one request.
struct Removing<'a, P> {
    ports: &'a P,
    conversation: &'a ConversationId,
    caller: &'a Identity,
    now: Timestamp,
    until: Timestamp,
    tail: Tail,
    /// The stored removals.
    entries: Vec<Entry>,
}

impl<P: Log + Clock + Random> Removing<'_, P> {
    /// Removes the users of these rows, and returns the outcome for each. Stops at the first error.
    async fn all(
        &mut self,
        rows: Vec<Option<Participant>>,
    ) -> Result<Vec<(Outcome, Option<u64>)>, RequestError> {
        let mut outcomes = Vec::with_capacity(rows.len());
        for row in rows {
            let stored = match row {
                Some(row) => self.one(row).await,
                None => Ok(None),
            };
            outcomes.push(match stored {
                Ok(Some(seq)) => (Outcome::Removed, Some(seq)),
                Ok(None) => (Outcome::Unchanged, None),
                Err(RequestError::Rejected(Rejection::Contended)) => (Outcome::Contended, None),
                Err(error) => return Err(error),
            });
        }
        Ok(outcomes)
    }

    /// Removes one user. Returns the position of the removal, or `None` if it has no effect.
    async fn one(&mut self, row: Participant) -> Result<Option<u64>, RequestError> {
        let content = Content::ParticipantRemoved {
            user: row.user,
            name: row.name,
        };
        let draft = draft(self.ports, self.caller, content, self.now)?;
        let tail = self.tail.clone();
        let stored = change(self.ports, self.conversation, draft, tail, self.until).await?;
        let Some(entry) = stored else {
            return Ok(None);
        };
        // Nothing can be stored between an entry and the next one.
        self.tail = Tail {
            entries: vec![entry.clone()],
            head: entry.seq,
        };
        let seq = entry.seq.number();
        self.entries.push(entry);
        Ok(Some(seq))
    }
}

/// Deletes the subscriptions of the users who are not participants any more, pushes the entries to
/// the conversation, and notifies the users who were removed.
async fn tell<P>(
    ports: &P,
    conversation: &ConversationId,
    users: &[UserId],
    entries: &[Entry],
    deadline: Timestamp,
) -> Result<(), InternalError>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let roster = ports.roster(conversation).await?;
    let present: BTreeSet<&UserId> = roster.participants.iter().collect();
    let gone: Vec<UserId> = users
        .iter()
        .filter(|user| !present.contains(user))
        .cloned()
        .collect();
    let removed: Vec<UserId> = entries
        .iter()
        .filter_map(|entry| entry.change().map(|change| change.user().clone()))
        .collect();
    let notice = Notice::Removed {
        conversation: conversation.as_str(),
    };
    let stale = roster.clone();
    let (deleted, published, notified) = join3(
        delete_subscriptions(ports, conversation, &gone, &stale),
        publish(ports, roster.into(), conversation, entries, None, deadline),
        notify(ports, &removed, &notice, deadline),
    )
    .await;
    deleted.and(published).and(notified)
}

#[cfg(test)]
mod tests;

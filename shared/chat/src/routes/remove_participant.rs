//! `DELETE /conversations/{id}/participants/{user}`: the owner removes anyone, everyone removes himself.
//!
//! ```json
//! {"seq": 44}
//! ```
//!
//! His row goes and the entry comes in one step (decision 2): from then on he may do nothing new, and whoever was under
//! way meets the entry, since nothing can be stored behind it by somebody who has not read it. Then his subscriptions
//! go, which have been inert since that step. A repetition does what an earlier attempt has left undone.

use futures_util::future::{join, join_all};

use crate::{
    access::require_participant,
    domain::{Content, ConversationId, Draft, Role, UserId},
    error::{InternalError, Rejection, RequestError},
    log::{change, tail},
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Roster, Subscriptions},
    request::{Request, Route},
    routes::add_participant::{Changed, fresh_id, tell_of_change},
    wire::Notice,
};

/// Removes a participant.
#[derive(Clone, Copy, Debug)]
pub struct RemoveParticipant;

impl<P> Route<P> for RemoveParticipant
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "removeParticipant";
    type Reply = Changed;

    async fn handle(ports: &P, request: &Request) -> Result<Changed, RequestError> {
        let conversation: ConversationId = request.fields.required("conversation")?;
        let user: UserId = request.fields.required("user")?;

        let now = ports.now();
        let caller = request.caller(now)?;
        let read = tail(ports, &conversation, None).await;
        let remover = require_participant(ports, &conversation, &caller.user);
        let (remover, row) = join(remover, ports.participant(&conversation, &user)).await;
        let remover = remover?;
        let (read, row) = (read?, row?);
        if remover.role != Role::Owner && user != caller.user {
            let why = "only the owner of a conversation removes others from it";
            return Err(Rejection::Forbidden(why).into());
        }

        let changed = if let Some(row) = row {
            let content = Content::ParticipantRemoved {
                user: user.clone(),
                name: row.name,
            };
            let draft = Draft::new(caller.user.clone(), fresh_id(ports)?, now, content);
            change(ports, &conversation, draft, read, request.deadline).await?
        } else {
            None
        };

        let roster = ports.roster(&conversation).await?;
        delete_subscriptions(ports, &conversation, &user, &roster).await?;
        let Some(entry) = changed else {
            return Ok(Changed { seq: None });
        };
        let notice = Notice::Removed {
            conversation: conversation.as_str(),
        };
        tell_of_change(
            ports,
            roster,
            (&conversation, &entry),
            (&user, &notice),
            request.deadline,
        )
        .await?;

        Ok(Changed {
            seq: Some(entry.seq.number()),
        })
    }
}

async fn delete_subscriptions<P: Subscriptions>(
    ports: &P,
    conversation: &ConversationId,
    user: &UserId,
    roster: &Roster,
) -> Result<(), InternalError> {
    let his = roster
        .subscriptions
        .iter()
        .filter(|subscription| subscription.user == *user);
    let deletions =
        his.map(|subscription| ports.unsubscribe(conversation, &subscription.connection.id));
    join_all(deletions).await.into_iter().collect()
}

//! `DELETE /conversations/{id}/participants/{user}`: removes a participant. The owner may remove
//! anyone, and every participant may remove themselves.
//!
//! ```json
//! {"seq": 44}
//! ```
//!
//! The row is deleted and the entry stored in one step (decision 2). From then on the user's new
//! requests are rejected. Requests that are in progress find the entry, since nothing can be stored
//! after it without reading it. The user's subscriptions, which have no effect any more, are
//! deleted afterwards; a repeated request completes what an earlier attempt left undone.

use std::slice;

use futures_util::future::join;

use crate::{
    access::read_with_participant,
    domain::{Content, ConversationId, Role},
    error::{Rejection, RequestError},
    fields::KnownUser,
    log::{change, newest_tail},
    participant_change::{Changed, delete_subscriptions, draft, publish_change},
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Subscriptions},
    request::{Request, Route},
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
    const COST: u32 = 4;
    type Reply = Changed;

    async fn handle(ports: &P, request: &Request) -> Result<Changed, RequestError> {
        let conversation: ConversationId = request.fields.required("conversation")?;
        let KnownUser(user) = request.fields.required("user")?;

        let now = ports.now();
        let caller = request.caller(now)?;
        let read = join(
            newest_tail(ports, &conversation),
            ports.participant(&conversation, &user),
        );
        let ((tail, row), remover) =
            read_with_participant(ports, &conversation, &caller.user, read).await?;
        let (tail, row) = (tail?, row?);
        if remover.role != Role::Owner && user != caller.user {
            let why = "only the owner of a conversation removes others from it";
            return Err(Rejection::Forbidden(why).into());
        }

        let stored = if let Some(row) = row {
            let content = Content::ParticipantRemoved {
                user: user.clone(),
                name: row.name,
            };
            let draft = draft(ports, caller, content, now)?;
            change(ports, &conversation, draft, tail, request.deadline).await?
        } else {
            None
        };
        let roster = ports.roster(&conversation).await?;
        let users = slice::from_ref(&user);
        delete_subscriptions(ports, &conversation, users, &roster).await?;
        let Some(entry) = stored else {
            return Ok(Changed::nothing());
        };

        let notice = Notice::Removed {
            conversation: conversation.as_str(),
        };
        let change = (&conversation, &entry);
        publish_change(ports, roster, change, (&user, &notice), request.deadline).await?;

        Ok(Changed::to(&entry))
    }
}

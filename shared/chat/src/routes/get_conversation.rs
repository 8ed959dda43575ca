//! `GET /conversations/{id}`: describes a conversation, like the reply of `POST /conversations`.

use futures_util::future::try_join;

use crate::{
    access::require_participant,
    description::{Described, describe},
    domain::ConversationId,
    error::{Rejection, RequestError},
    log::head,
    ports::{Clock, Log, Participants},
    request::{Request, Route},
};

/// Describes a conversation.
#[derive(Clone, Copy, Debug)]
pub struct GetConversation;

impl<P> Route<P> for GetConversation
where
    P: Log + Participants + Clock + Sync,
{
    const NAME: &'static str = "getConversation";
    type Reply = Described;

    async fn handle(ports: &P, request: &Request) -> Result<Described, RequestError> {
        let id: ConversationId = request.fields.required("conversation")?;

        let caller = request.caller(ports.now())?;
        require_participant(ports, &id, &caller.user).await?;
        let (conversation, head) = try_join(ports.conversation(&id), head(ports, &id)).await?;
        let conversation = conversation.ok_or(Rejection::NotFound)?;

        describe(ports, conversation, head, caller).await
    }
}

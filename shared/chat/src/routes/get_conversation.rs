//! `GET /conversations/{id}`: describes a conversation, like the reply of `POST /conversations`.

use crate::{
    description::{Described, describe},
    domain::ConversationId,
    error::{Rejection, RequestError},
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
        let conversation = ports.conversation(&id).await?.ok_or(Rejection::NotFound)?;

        describe(ports, conversation, caller).await
    }
}

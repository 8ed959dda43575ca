//! `unsubscribe`: ends the subscription of a connection to a conversation.
//!
//! ```json
//! {"action": "unsubscribe", "ref": "1", "conversation": "c"}
//! {"event": "unsubscribed", "ref": "1", "conversation": "c"}
//! ```

use serde::Serialize;

use crate::{
    domain::ConversationId,
    error::{Rejection, RequestError},
    ports::{Clock, Subscriptions},
    request::{Request, Route},
    routes::subscribe::end,
};

/// Ends a subscription.
#[derive(Clone, Copy, Debug)]
pub struct Unsubscribe;

/// The connection is not subscribed. The reply does not reveal whether the conversation exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "unsubscribed")]
pub struct Unsubscribed {
    /// Conversation id.
    pub conversation: String,
}

impl<P> Route<P> for Unsubscribe
where
    P: Subscriptions + Clock + Sync,
{
    const NAME: &'static str = "unsubscribe";
    type Reply = Unsubscribed;

    async fn handle(ports: &P, request: &Request) -> Result<Unsubscribed, RequestError> {
        let conversation: ConversationId = request.fields.required("conversation")?;

        let caller = request.caller(ports.now())?;
        let connection = request
            .connection
            .as_ref()
            .ok_or(Rejection::UnknownAction)?;

        end(ports, &conversation, &caller.user, &connection.id).await?;

        Ok(Unsubscribed {
            conversation: conversation.to_string(),
        })
    }
}

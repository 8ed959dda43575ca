//! `DELETE /conversations/{id}/messages/{seq}/reactions/{emoji}`: withdraws the caller's reaction,
//! as [`react`](super::react) with `"on": false` does.
//!
//! ```json
//! {"event": "reacted", "conversation": "c", "target": 41, "emoji": "👍", "on": false, "seq": 58}
//! ```

use super::react::{self, Reacted};
use crate::{
    error::RequestError,
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Reactions, Subscriptions},
    request::{Request, Route},
};

/// Withdraws the caller's reaction to a message.
#[derive(Clone, Copy, Debug)]
pub struct WithdrawReaction;

impl<P> Route<P> for WithdrawReaction
where
    P: Log
        + Reactions
        + Participants
        + Subscriptions
        + Connections
        + Outbound
        + Clock
        + Random
        + Sync,
{
    const NAME: &'static str = "withdrawReaction";
    type Reply = Reacted;

    async fn handle(ports: &P, request: &Request) -> Result<Reacted, RequestError> {
        react::set(ports, request, false).await
    }
}

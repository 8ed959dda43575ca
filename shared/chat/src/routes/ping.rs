//! `ping`: compares a client's positions with the heads. It also keeps the connection from being
//! idle.
//!
//! ```json
//! {"action": "ping", "ref": "1", "positions": {"c": 41, "d": 7}}
//! {"event": "pong", "ref": "1", "heads": {"c": 42}}
//! ```

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::Serialize;

use crate::{
    domain::{ConversationId, Seq, UserId},
    error::{InternalError, RequestError},
    fields::Positions,
    log::head,
    ports::{Clock, Log, Participants},
    request::{Request, Route},
};

/// Compares positions with heads.
#[derive(Clone, Copy, Debug)]
pub struct Ping;

/// The heads of the conversations in which the client is behind. Other conversations are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "pong")]
pub struct Pong {
    /// The newest positions by conversation id.
    pub heads: BTreeMap<String, u64>,
}

impl<P> Route<P> for Ping
where
    P: Log + Participants + Clock + Sync,
{
    const NAME: &'static str = "ping";
    type Reply = Pong;

    async fn handle(ports: &P, request: &Request) -> Result<Pong, RequestError> {
        let positions: Option<Positions> = request.fields.optional("positions")?;

        let caller = request.caller(ports.now())?;

        let Positions(positions) = positions.unwrap_or(Positions(Vec::new()));
        let heads = positions.iter().map(|(conversation, position)| {
            newer_head(ports, conversation, *position, &caller.user)
        });
        let heads = try_join_all(heads).await?;

        Ok(Pong {
            heads: heads.into_iter().flatten().collect(),
        })
    }
}

/// Returns the conversation's id and head, if the head is newer than `position` and the user is a
/// participant, before the head is read and after it (decision 1).
async fn newer_head<P: Log + Participants>(
    ports: &P,
    conversation: &ConversationId,
    position: Seq,
    user: &UserId,
) -> Result<Option<(String, u64)>, InternalError> {
    if ports.participant(conversation, user).await?.is_none() {
        return Ok(None);
    }
    let head = head(ports, conversation).await?;
    // The second check is left out if the reply will not name the conversation: that is the usual
    // case, and tells the client nothing.
    if head <= position || ports.participant(conversation, user).await?.is_none() {
        return Ok(None);
    }
    Ok(Some((conversation.to_string(), head.number())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fakes::FakeChat;

    #[test]
    fn only_newer_heads_of_the_callers_conversations_are_returned() {
        let chat = FakeChat::new();
        for (id, users) in [
            ("behind", ["ada"]),
            ("level", ["ada"]),
            ("foreign", ["grace"]),
        ] {
            let conversation = chat.conversation(id, &users);
            chat.history(&conversation, "grace", 3);
        }
        let positions = json!({"behind": 1, "level": 3, "foreign": 0, "nothing": 0});
        let reply = chat.frame(
            "ada-1",
            json!({"action": "ping", "ref": "p", "positions": positions}),
        );
        assert_eq!(
            reply,
            json!({"event": "pong", "ref": "p", "heads": {"behind": 3}})
        );
        assert_eq!(
            chat.frame("ada-1", json!({"action": "ping"})),
            json!({"event": "pong", "heads": {}})
        );
    }

    #[test]
    fn positions_are_checked() {
        let chat = FakeChat::new();
        let many: serde_json::Map<_, _> = (0..21).map(|n| (format!("c{n}"), json!(0))).collect();
        for positions in [
            json!([]),
            json!({"c": "1"}),
            json!({"c": -1}),
            json!({"c d": 1}),
            json!(many),
        ] {
            let reply = chat.frame("ada-1", json!({"action": "ping", "positions": positions}));
            assert_eq!(
                (&reply["code"], &reply["field"]),
                (&json!("invalid"), &json!("positions"))
            );
        }
    }
}

//! `GET /conversations`: lists the caller's conversations, 25 per page, ordered by id.
//!
//! ```json
//! {"conversations": [{"id": "lunch", "title": "Lunch", "head": 42,
//!                     "lastMessage": {"event": "message", "seq": 42, …}, "joinedAt": "…"}],
//!  "next": "lunch"}
//! ```
//!
//! The list may lag behind changes by a second. A conversation is shown only to its participants.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::Serialize;

use crate::{
    domain::{ConversationId, Entry, Seq},
    error::{InternalError, RequestError},
    ports::{Clock, Log, Participants},
    request::{Request, Route},
    wire::WireEntry,
};

/// Conversations on a page.
const PAGE: usize = 25;
/// Entries that are searched for the last message if the newest entry is not a message.
const LOOK_BACK: usize = 20;

/// Lists the caller's conversations.
#[derive(Clone, Copy, Debug)]
pub struct ListConversations;

/// A page of conversations.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// The conversations, ordered by id.
    pub conversations: Vec<Summary>,
    /// The parameter for the next page; `None` on the last page.
    pub next: Option<String>,
}

/// A conversation in the list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Conversation id.
    pub id: String,
    /// The title.
    pub title: Option<String>,
    /// The newest position.
    pub head: u64,
    /// The newest message, if there is one among the newest entries.
    pub last_message: Option<serde_json::Value>,
    /// When the caller was added, in RFC 3339.
    pub joined_at: String,
}

impl<P> Route<P> for ListConversations
where
    P: Log + Participants + Clock + Sync,
{
    const NAME: &'static str = "listConversations";
    const COST: u32 = 2;
    type Reply = Listed;

    async fn handle(ports: &P, request: &Request) -> Result<Listed, RequestError> {
        let after: Option<ConversationId> = request.fields.optional("next")?;

        let caller = request.caller(ports.now())?;

        let page = ports
            .conversations_of(&caller.user, after.as_ref(), PAGE)
            .await?;
        let newest = page.conversations.iter().map(|id| newest(ports, id));
        let newest = try_join_all(newest).await?;
        // Participation is checked last (decision 1): the list may lag behind a removal.
        let memberships = ports
            .memberships_of(&caller.user, &page.conversations)
            .await?;
        let mut memberships: BTreeMap<_, _> = memberships
            .into_iter()
            .map(|found| (found.0.id.clone(), found))
            .collect();

        let next = page
            .conversations
            .last()
            .filter(|_| page.more)
            .map(ToString::to_string);
        let conversations =
            page.conversations
                .iter()
                .zip(newest)
                .filter_map(|(id, (head, last))| {
                    let (conversation, participant) = memberships.remove(id)?;
                    Some(Summary {
                        id: id.to_string(),
                        title: conversation.title.map(|title| title.as_str().to_owned()),
                        head: head.number(),
                        last_message: last.and_then(|entry| {
                            serde_json::to_value(WireEntry::new(id, &entry)).ok()
                        }),
                        joined_at: participant.joined_at.rfc3339(),
                    })
                });
        Ok(Listed {
            conversations: conversations.collect(),
            next,
        })
    }
}

async fn newest(
    log: &impl Log,
    conversation: &ConversationId,
) -> Result<(Seq, Option<Entry>), InternalError> {
    let is_message = |entry: &Entry| entry.draft.content.is_message();
    let page = log.read_back(conversation, Seq::MAX, 1).await?;
    let Some(newest) = page.entries.into_iter().next() else {
        return Ok((Seq::START, None));
    };
    let head = newest.seq;
    if is_message(&newest) {
        return Ok((head, Some(newest)));
    }
    let page = log.read_back(conversation, head, LOOK_BACK).await?;
    Ok((head, page.entries.into_iter().find(is_message)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fakes::FakeChat;

    #[test]
    fn a_list_shows_the_head_and_last_message_of_each_conversation() {
        let chat = FakeChat::new();
        chat.conversation("empty", &["ada", "grace"]);
        chat.conversation("foreign", &["ada"]);
        let talk = chat.conversation("talk", &["ada", "grace", "mallory"]);
        chat.history(&talk, "ada", 2);
        chat.remove(&talk, "mallory");
        let list = chat.ask::<ListConversations>("grace", json!({})).unwrap();
        let shown: Vec<_> = list["conversations"].as_array().unwrap().iter().collect();
        assert_eq!(shown.len(), 2);
        assert_eq!(
            (&shown[0]["id"], &shown[0]["head"]),
            (&json!("empty"), &json!(0))
        );
        assert_eq!(shown[0]["lastMessage"], json!(null));
        assert_eq!(
            (&shown[1]["id"], &shown[1]["head"]),
            (&json!("talk"), &json!(3))
        );
        assert_eq!(shown[1]["lastMessage"]["body"], "text 2");
        assert_eq!(list["next"], json!(null));
    }

    #[test]
    fn a_long_list_is_split_into_pages() {
        let chat = FakeChat::new();
        for n in 0..60 {
            chat.conversation(&format!("c{n:02}"), &["ada"]);
        }
        let (mut next, mut seen) = (json!(null), Vec::new());
        loop {
            let page = chat
                .ask::<ListConversations>("ada", json!({"next": next}))
                .unwrap();
            seen.extend(
                page["conversations"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|c| c["id"].clone()),
            );
            next = page["next"].clone();
            if next.is_null() {
                break;
            }
        }
        assert_eq!(
            seen,
            (0..60)
                .map(|n| json!(format!("c{n:02}")))
                .collect::<Vec<_>>()
        );
    }
}

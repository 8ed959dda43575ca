//! `GET /conversations`: lists the caller's conversations, 25 per page, ordered by id.
//!
//! ```json
//! {"conversations": [{"id": "lunch", "title": "Lunch", "head": 42,
//!                     "lastMessage": {"event": "message", "seq": 42, …},
//!                     "messages": 40, "readTo": 38, "unread": 3, "joinedAt": "…"}],
//!  "next": "lunch"}
//! ```
//!
//! The counters of the newest entry and the row of the participant, which are read anyway, give the
//! number of unread messages.
//!
//! The list may lag behind changes by a second. A conversation is shown only to its participants.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::Serialize;

use crate::{
    domain::{Conversation, ConversationId, Counters, Entry, Participant, Seq},
    error::{InternalError, RequestError},
    ports::{Clock, Log, Participants},
    request::{Request, Route},
    wire::WireEntry,
};

/// Conversations on a page.
const PAGE: usize = 25;
/// Entries that are searched for the last message if the newest entry does not know it, as in logs
/// whose newest entries are changes of participants of an earlier version.
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
    /// The newest message, if there is one.
    pub last_message: Option<serde_json::Value>,
    /// The number of messages.
    pub messages: u64,
    /// The position up to which the caller has read; their own messages count as read.
    pub read_to: u64,
    /// The number of messages after `read_to`.
    pub unread: u64,
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
        let conversations = page
            .conversations
            .iter()
            .zip(newest)
            .filter_map(|(id, newest)| {
                let (conversation, participant) = memberships.remove(id)?;
                Some(Summary::new(conversation, &participant, newest))
            });
        Ok(Listed {
            conversations: conversations.collect(),
            next,
        })
    }
}

impl Summary {
    fn new(conversation: Conversation, participant: &Participant, newest: Newest) -> Self {
        let Newest {
            head,
            messages,
            earlier,
            last,
        } = newest;
        let own = last
            .as_ref()
            .filter(|last| last.draft.sender == participant.user);
        let read = participant.read;
        // Nobody is ahead of their own message without having read it. A message of the caller
        // after their position is one that a client has sent without a receipt.
        let (read_to, read_messages) = match own {
            Some(own) if own.seq > read.read_to => (own.seq, own.counters.messages),
            // An earlier version kept no positions: what was there counts as read.
            _ if read.read_to == Seq::START => (Seq::START, earlier),
            _ => (read.read_to, read.messages),
        };
        Self {
            last_message: last.and_then(|entry| {
                serde_json::to_value(WireEntry::new(&conversation.id, &entry)).ok()
            }),
            id: conversation.id.to_string(),
            title: conversation.title.map(|title| title.as_str().to_owned()),
            head: head.number(),
            messages,
            read_to: read_to.number(),
            // The row is read after the log, so it may be ahead of it.
            unread: messages.saturating_sub(read_messages),
            joined_at: participant.joined_at.rfc3339(),
        }
    }
}

/// The end of a log.
struct Newest {
    head: Seq,
    messages: u64,
    earlier: u64,
    last: Option<Entry>,
}

async fn newest(log: &impl Log, conversation: &ConversationId) -> Result<Newest, InternalError> {
    let page = log.read_back(conversation, Seq::MAX, 1).await?;
    let Some(newest) = page.entries.into_iter().next() else {
        return Ok(Newest {
            head: Seq::START,
            messages: 0,
            earlier: 0,
            last: None,
        });
    };
    let head = newest.seq;
    let Counters {
        messages,
        newest_message,
        earlier,
    } = newest.counters;
    let last = match newest_message {
        Some(Seq::START) => None,
        Some(seq) if seq == head => Some(newest),
        Some(seq) => {
            let page = log.read_back(conversation, seq, 1).await?;
            page.entries.into_iter().next()
        }
        None => {
            let page = log.read_back(conversation, head, LOOK_BACK).await?;
            let is_message = |entry: &Entry| entry.draft.content.is_message();
            page.entries.into_iter().find(is_message)
        }
    };
    Ok(Newest {
        head,
        messages,
        earlier,
        last,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        contract,
        fakes::FakeChat,
        routes::{AddParticipant, Receipt},
    };

    /// Returns head, number of messages, position and unread messages of the user's conversation.
    fn unread(chat: &FakeChat, user: &str) -> [u64; 4] {
        let list = chat.ask::<ListConversations>(user, json!({})).unwrap();
        let listed = &list["conversations"][0];
        ["head", "messages", "readTo", "unread"].map(|name| listed[name].as_u64().unwrap())
    }

    #[test]
    fn unread_messages_are_those_after_the_position_of_the_caller() {
        let chat = FakeChat::new();
        let talk = chat.conversation("talk", &["ada", "grace", "mallory"]);
        assert_eq!(unread(&chat, "grace"), [0, 0, 0, 0]);
        chat.history(&talk, "ada", 2);
        chat.remove(&talk, "mallory");
        assert_eq!(unread(&chat, "grace"), [3, 2, 0, 2]);
        // Own messages are read, and so is everything before them.
        assert_eq!(unread(&chat, "ada"), [3, 2, 2, 0]);
        chat.history(&talk, "grace", 1);
        assert_eq!(unread(&chat, "grace"), [4, 3, 4, 0]);
        assert_eq!(unread(&chat, "ada"), [4, 3, 0, 3]);
    }

    #[test]
    fn a_participant_who_is_added_has_read_what_was_there() {
        let chat = FakeChat::new();
        let talk = chat.conversation("talk", &["ada"]);
        chat.history(&talk, "ada", 2);
        let fields = json!({"conversation": "talk", "user": "grace"});
        chat.ask::<AddParticipant>("ada", fields).unwrap();
        assert_eq!(unread(&chat, "grace"), [3, 2, 3, 0]);
        chat.history(&talk, "ada", 2);
        assert_eq!(unread(&chat, "grace"), [5, 4, 3, 2]);
    }

    #[test]
    fn what_an_earlier_version_stored_counts_as_read_until_the_user_reads() {
        let chat = FakeChat::new();
        let talk = chat.conversation("talk", &["ada", "grace"]);
        for number in 1..=5 {
            let draft = contract::message("ada", &format!("old-{number}"), "old");
            let seq = contract::seq(number);
            let entry = Entry {
                seq,
                counters: Counters::of_earlier_version(seq, &draft.content),
                draft,
            };
            chat.run(chat.put(&talk, &entry)).unwrap();
        }
        assert_eq!(unread(&chat, "grace"), [5, 5, 0, 0]);
        chat.history(&talk, "ada", 2);
        assert_eq!(unread(&chat, "grace"), [7, 7, 0, 2]);
        // A position that a client has kept is exact.
        let receipt = json!({"conversation": "talk", "read": 3});
        chat.ask::<Receipt>("grace", receipt).unwrap();
        assert_eq!(unread(&chat, "grace"), [7, 7, 3, 4]);
        assert_eq!(unread(&chat, "ada"), [7, 7, 7, 0]);
    }

    #[test]
    fn the_last_message_is_found_behind_any_number_of_changes() {
        let chat = FakeChat::new();
        let talk = chat.conversation("talk", &["ada", "grace"]);
        chat.history(&talk, "ada", 1);
        for _ in 0..15 {
            let fields = json!({"conversation": "talk", "user": "mallory"});
            chat.ask::<AddParticipant>("ada", fields).unwrap();
            chat.remove(&talk, "mallory");
        }
        let list = chat.ask::<ListConversations>("grace", json!({})).unwrap();
        assert_eq!(list["conversations"][0]["lastMessage"]["seq"], 1);
        assert_eq!(unread(&chat, "grace"), [31, 1, 0, 1]);
    }

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

//! `GET /conversations/{id}/messages`: reads messages backwards, from a position or from the end.
//!
//! ```json
//! {"messages": [{"event": "message", "seq": 41, …}, {"event": "message", "seq": 42, …}],
//!  "limited": true, "before": 41}
//! ```
//!
//! One request makes a bounded number of queries. In a log with few messages, a page may end before
//! `limit` messages are found, even without any. The client continues from `before`.
//!
//! With `reactions=true`, the page has the reactions to its messages as well
//! (`page_reactions.rs`).

use serde::Serialize;

use crate::{
    access::read_as_participant,
    domain::{ConversationId, Entry, Seq},
    error::{InternalError, Rejection, RequestError},
    fields::{Fields, Limit, Position, ReactionCursor},
    page_reactions::{WireReaction, read_reactions},
    ports::{Clock, Log, Participants, Reactions},
    rate_limit::ORDINARY_COST,
    request::{Request, Route},
    wire::{Entries, WireEntry, encode},
};

/// Messages on a page if `limit` is missing.
const PAGE: usize = 50;
/// The most messages on a page.
const LARGEST_PAGE: usize = 1_000;
/// The most queries of one request.
const MOST_QUERIES: usize = 10;
/// The fewest entries of each query but the first one, however few messages are asked for: if the
/// newest entries are not messages, the ones before them are probably not either.
const SMALLEST_QUERY: usize = 100;
/// Bytes of messages after which a request makes no further query, so that the reply fits into the
/// answer of a function (6 MB).
const PAGE_BYTES: usize = 1_000_000;

/// Reads a log's messages backwards.
#[derive(Clone, Copy, Debug)]
pub struct ReadMessages;

/// A page of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessagePage {
    /// The messages before `before`, ascending.
    pub messages: Entries,
    /// Whether there may be older ones.
    pub limited: bool,
    /// The `before` of the next page; `None` on the last page.
    pub before: Option<u64>,
    /// The reactions to the messages, ascending by message, if the client wants them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reactions: Option<Vec<WireReaction>>,
    /// What continues the reactions to the newest message; `None` if there are no more.
    #[serde(rename = "reactionsNext", skip_serializing_if = "Option::is_none")]
    pub reactions_next: Option<String>,
}

struct Command {
    conversation: ConversationId,
    before: Option<Seq>,
    limit: usize,
    reactions: Option<Option<ReactionCursor>>,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        let conversation = fields.required("conversation")?;
        let before: Option<Position> = fields.optional("before")?;
        let before = before.map(Position::seq).transpose();
        let before = before.map_err(|_| Rejection::Invalid {
            field: "before",
            rule: "must be a whole number that can be a position",
        })?;
        let limit: Option<Limit> = fields.optional("limit")?;
        let limit = limit.map_or(PAGE, |limit| limit.clamped(LARGEST_PAGE));
        let wants_reactions = fields.optional("reactions")?.unwrap_or(false);
        let cursor = fields.optional("reactionsNext")?;
        Ok(Self {
            conversation,
            before,
            limit,
            reactions: wants_reactions.then_some(cursor),
        })
    }
}

impl<P> Route<P> for ReadMessages
where
    P: Log + Reactions + Participants + Clock + Sync,
{
    const NAME: &'static str = "readMessages";
    type Reply = MessagePage;

    fn cost(fields: &Fields) -> u32 {
        let limit: Option<Limit> = fields.optional("limit").ok().flatten();
        limit.map_or(ORDINARY_COST, |limit| limit.cost(LARGEST_PAGE))
    }

    async fn handle(ports: &P, request: &Request) -> Result<MessagePage, RequestError> {
        let Command {
            conversation,
            before,
            limit,
            reactions,
        } = Command::parse(&request.fields)?;

        let caller = request.caller(ports.now())?;
        let read = async {
            let mut page = read(ports, &conversation, before, limit).await?;
            if let Some(cursor) = reactions {
                read_reactions(ports, &conversation, cursor, &mut page).await?;
            }
            Ok::<_, InternalError>(page.finished(&conversation))
        };
        let page = read_as_participant(ports, &conversation, &caller.user, read).await??;

        Ok(page)
    }
}

/// A page before it is sent.
pub(crate) struct Found {
    /// The messages, ascending.
    pub messages: Vec<Entry>,
    /// The newest entry that was not read; `None` at the beginning of the log.
    pub unread: Option<Seq>,
    /// The reactions to the messages, ascending by message, if the client wants them.
    pub reactions: Option<Vec<WireReaction>>,
    /// What continues the reactions to the newest message.
    pub reactions_next: Option<String>,
}

impl Found {
    fn finished(self, conversation: &ConversationId) -> MessagePage {
        MessagePage {
            messages: Entries::new(conversation, self.messages),
            limited: self.unread.is_some(),
            before: self.unread.map(|unread| unread.next().number()),
            reactions: self.reactions,
            reactions_next: self.reactions_next,
        }
    }
}

/// Reads back, skipping entries of other kinds, until there are `limit` messages or a bound is hit.
async fn read(
    log: &impl Log,
    conversation: &ConversationId,
    before: Option<Seq>,
    limit: usize,
) -> Result<Found, InternalError> {
    // The newest entry that has not been read; `None` at the beginning of the log.
    let mut unread = before.map_or(Some(Seq::MAX), Seq::previous);
    let mut messages: Vec<Entry> = Vec::new();
    let mut entries = limit;
    for _ in 0..MOST_QUERIES {
        let Some(last) = unread else { break };
        let page = log.read_back(conversation, last, entries).await?;
        let oldest = page.entries.last().filter(|_| page.more);
        unread = oldest.and_then(|entry| entry.seq.previous());
        messages.extend(page.entries.into_iter().filter(is_message));
        if messages.len() > limit {
            messages.truncate(limit);
            unread = messages.last().and_then(|entry| entry.seq.previous());
        }
        let size = |entry| encode(&WireEntry::new(conversation, entry)).len();
        let bytes: usize = messages.iter().map(size).sum();
        if messages.len() == limit || bytes >= PAGE_BYTES {
            break;
        }
        entries = limit.max(SMALLEST_QUERY);
    }
    messages.reverse();
    Ok(Found {
        messages,
        unread,
        reactions: None,
        reactions_next: None,
    })
}

fn is_message(entry: &Entry) -> bool {
    entry.draft.content.is_message()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{Content, Draft, Identity, MessageId},
        fakes::FakeChat,
        ports::Put,
        routes::{ReadEvents, SendMessage},
    };

    #[test]
    fn a_long_page_costs_more_tokens() {
        for (limit, cost) in [
            (Value::Null, 1),
            (json!(1), 1),
            (json!(249), 1),
            (json!(250), 2),
            (json!(1_000), 5),
            (json!(1e300), 5),
            (json!("many"), 1),
        ] {
            let fields = json!({"conversation": "c", "limit": limit});
            let fields = Fields::from_object(fields.as_object().cloned().unwrap());
            assert_eq!(<ReadMessages as Route<FakeChat>>::cost(&fields), cost);
            assert_eq!(<ReadEvents as Route<FakeChat>>::cost(&fields), cost);
        }
    }

    fn seqs(entries: &Value) -> Vec<u64> {
        entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["seq"].as_u64().unwrap())
            .collect()
    }

    /// Entries 1 to 5 are messages, 6 is a removal, 7 to 9 are messages.
    fn nine_entries() -> FakeChat {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace", "mallory"]);
        chat.history(&c, "ada", 5);
        chat.remove(&c, "mallory");
        chat.history(&c, "ada", 3);
        chat
    }

    #[test]
    fn history_is_read_backwards_and_contains_only_messages() {
        let chat = nine_entries();
        for (fields, expected, limited) in [
            (json!({"limit": 3}), vec![7, 8, 9], true),
            (json!({"before": 7, "limit": 3}), vec![3, 4, 5], true),
            (json!({"before": 3, "limit": 3}), vec![1, 2], false),
            (json!({"before": 3, "limit": 2}), vec![1, 2], false),
            (json!({"before": 1}), vec![], false),
            (json!({"before": 0}), vec![], false),
            (json!({}), vec![1, 2, 3, 4, 5, 7, 8, 9], false),
        ] {
            let mut asked = fields.clone();
            asked["conversation"] = json!("c");
            let page = chat.ask::<ReadMessages>("grace", asked).unwrap();
            assert_eq!(
                (seqs(&page["messages"]), &page["limited"]),
                (expected, &json!(limited)),
                "{fields}"
            );
        }
    }

    /// Stores changes of Mallory's participation after the end of a log.
    fn changes(chat: &FakeChat, conversation: &ConversationId, count: u64) {
        let Identity { user, name, .. } = chat.identity("mallory");
        for number in 1..=count {
            let (user, name) = (user.clone(), name.clone());
            let content = if chat.is_participant(conversation, &user) {
                Content::ParticipantRemoved { user, name }
            } else {
                Content::ParticipantAdded { user, name }
            };
            let id = MessageId::new(format!("change-{number}")).unwrap();
            let draft = Draft::new(chat.identity("ada").user, id, chat.now(), content);
            let entry = chat.next_entry(conversation, draft);
            let put = chat.run(chat.put(conversation, &entry)).unwrap();
            assert_eq!(put, Put::Stored);
        }
    }

    /// Reads all messages, page by page, each from the position in the page before. Returns their
    /// positions, and the number of pages.
    fn read_all(chat: &FakeChat, limit: usize) -> (Vec<u64>, usize) {
        let (mut found, mut before, mut pages) = (Vec::new(), Value::Null, 0);
        loop {
            let _ = chat.take_calls();
            let asked = json!({"conversation": "c", "before": before, "limit": limit});
            let page = chat.ask::<ReadMessages>("grace", asked).unwrap();
            let calls = chat.take_calls();
            let of_log = calls.iter().filter(|call| call.method == "read_back");
            assert!(of_log.count() <= 10, "{calls:?}");
            assert!(
                page.to_string().len() < 4_000_000,
                "a reply of a function has at most 6 MB"
            );
            found.extend(seqs(&page["messages"]).into_iter().rev());
            pages += 1;
            assert_eq!(page["limited"], json!(!page["before"].is_null()));
            if page["limited"] == json!(false) {
                return (found, pages);
            }
            before = page["before"].clone();
        }
    }

    #[test]
    fn thousands_of_entries_without_a_message_are_read_in_bounded_requests() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        chat.history(&c, "ada", 2);
        changes(&chat, &c, 6_000);
        let (found, pages) = read_all(&chat, 1);
        assert_eq!(found, [2, 1]);
        assert!(pages <= 8, "{pages} requests");
        let page = chat.ask::<ReadMessages>("grace", json!({"conversation": "c", "limit": 1}));
        let page = page.unwrap();
        assert_eq!(
            (&page["messages"], &page["limited"]),
            (&json!([]), &json!(true))
        );
        assert_eq!(read_all(&chat, 1_000).0, [2, 1]);
    }

    #[test]
    fn pages_of_messages_miss_and_repeat_nothing() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        let mut messages = Vec::new();
        for (of_changes, of_messages) in [(3, 1), (99, 2), (150, 120), (1_100, 1), (0, 5)] {
            changes(&chat, &c, of_changes);
            let head = chat.head(&c);
            chat.history(&c, "ada", of_messages);
            messages.extend(head + 1..=chat.head(&c));
        }
        messages.reverse();
        for limit in [1, 2, 3, 50, 100, 101, 1_000] {
            assert_eq!(read_all(&chat, limit).0, messages, "limit {limit}");
        }
    }

    #[test]
    fn a_page_of_long_messages_fits_into_the_answer_of_a_function() {
        let chat = FakeChat::new();
        chat.conversation("c", &["ada", "grace"]);
        for number in 0..500 {
            let fields = json!({"conversation": "c", "id": format!("m-{number}"),
                "body": "\"".repeat(8_000), "after": number});
            chat.ask::<SendMessage>("ada", fields).unwrap();
        }
        let (found, pages) = read_all(&chat, 1_000);
        assert_eq!(found, (1..=500).rev().collect::<Vec<u64>>());
        assert!(pages > 1);
    }

    #[test]
    fn events_are_read_forwards_and_contain_every_kind() {
        let chat = nine_entries();
        for (fields, expected, limited) in [
            (json!({}), vec![1, 2, 3, 4, 5, 6, 7, 8, 9], false),
            (json!({"after": 4, "limit": 3}), vec![5, 6, 7], true),
            (json!({"after": 6, "limit": 3}), vec![7, 8, 9], false),
            (json!({"after": 9}), vec![], false),
        ] {
            let mut asked = fields.clone();
            asked["conversation"] = json!("c");
            let page = chat.ask::<ReadEvents>("grace", asked).unwrap();
            assert_eq!(
                (seqs(&page["events"]), &page["limited"]),
                (expected, &json!(limited)),
                "{fields}"
            );
            assert_eq!(page["head"], 9);
        }
        let beyond = json!({"conversation": "c", "after": 10});
        assert_eq!(
            chat.ask::<ReadEvents>("grace", beyond).unwrap_err()["code"],
            "unknown_position"
        );
    }

    #[test]
    fn a_non_participant_reads_nothing() {
        let chat = nine_entries();
        for conversation in ["c", "none"] {
            for extra in [json!({}), json!({"after": 10}), json!({"before": 3})] {
                let mut asked = extra;
                asked["conversation"] = json!(conversation);
                let entries = chat
                    .ask::<ReadEvents>("mallory", asked.clone())
                    .unwrap_err();
                let messages = chat.ask::<ReadMessages>("mallory", asked).unwrap_err();
                assert_eq!(
                    (&entries["code"], &entries),
                    (&json!("not_found"), &messages)
                );
            }
        }
    }
}

//! `GET /conversations/{id}/messages`: reads messages backwards, from a position or from the end.
//!
//! ```json
//! {"messages": [{"event": "message", "seq": 41, …}, {"event": "message", "seq": 42, …}],
//!  "limited": true}
//! ```

use serde::Serialize;

use crate::{
    access::read_as_participant,
    domain::{ConversationId, Entry, Seq},
    error::{InternalError, Rejection, RequestError},
    fields::{Fields, Limit, Position},
    ports::{Clock, Log, Participants},
    request::{Request, Route},
    wire::Entries,
};

/// Messages on a page if `limit` is missing.
const PAGE: usize = 50;
/// The most messages on a page.
const LARGEST_PAGE: usize = 1_000;

/// Reads a log's messages backwards.
#[derive(Clone, Copy, Debug)]
pub struct ReadMessages;

/// A page of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessagePage {
    /// The messages before `before`, ascending.
    pub messages: Entries,
    /// Whether there are older ones.
    pub limited: bool,
}

struct Command {
    conversation: ConversationId,
    before: Option<Seq>,
    limit: usize,
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
        Ok(Self {
            conversation,
            before,
            limit,
        })
    }
}

impl<P> Route<P> for ReadMessages
where
    P: Log + Participants + Clock + Sync,
{
    const NAME: &'static str = "readMessages";
    type Reply = MessagePage;

    async fn handle(ports: &P, request: &Request) -> Result<MessagePage, RequestError> {
        let Command {
            conversation,
            before,
            limit,
        } = Command::parse(&request.fields)?;

        let caller = request.caller(ports.now())?;
        let read = read(ports, &conversation, before, limit);
        let page = read_as_participant(ports, &conversation, &caller.user, read).await??;

        Ok(page)
    }
}

/// Reads page after page until there are `limit` messages, skipping entries of other kinds: a page
/// without a message would leave the client without a position to continue from.
async fn read(
    log: &impl Log,
    conversation: &ConversationId,
    before: Option<Seq>,
    limit: usize,
) -> Result<MessagePage, InternalError> {
    let mut last = before.map_or(Some(Seq::MAX), Seq::previous);
    let mut messages: Vec<Entry> = Vec::new();
    while let Some(from) = last {
        let page = log.read_back(conversation, from, limit).await?;
        last = page
            .entries
            .last()
            .filter(|_| page.more)
            .and_then(|entry| entry.seq.previous());
        messages.extend(page.entries.into_iter().filter(is_message));
        if messages.len() >= limit {
            break;
        }
    }
    let limited = last.is_some() || messages.len() > limit;
    messages.truncate(limit);
    messages.reverse();
    Ok(MessagePage {
        messages: Entries::new(conversation, messages),
        limited,
    })
}

fn is_message(entry: &Entry) -> bool {
    entry.draft.content.is_message()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{fakes::FakeChat, routes::ReadEvents};

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

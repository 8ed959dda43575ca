//! `GET /conversations/{id}/messages`: history, backwards from a position or from the end.
//!
//! ```json
//! {"messages": [{"event": "message", "seq": 41, …}, {"event": "message", "seq": 42, …}], "limited": true}
//! ```

use serde::Serialize;

use crate::{
    access::require_participant,
    domain::{Content, ConversationId, Entry, Seq},
    error::{InternalError, Rejection, RequestError},
    fields::{Limit, Position},
    mutant::mutant,
    ports::{Clock, Log, Participants},
    request::{Request, Route},
    wire::Entries,
};

/// Messages on a page if the client does not say.
const PAGE: usize = 50;
/// Messages on a page at most.
const LARGEST_PAGE: usize = 1_000;

/// Reads a log's messages backwards.
#[derive(Clone, Copy, Debug)]
pub struct ReadMessages;

/// A page of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessagePage {
    /// Ascending, all of them before `before`.
    pub messages: Entries,
    /// Whether there are older ones.
    pub limited: bool,
}

impl<P> Route<P> for ReadMessages
where
    P: Log + Participants + Clock + Sync,
{
    const NAME: &'static str = "readMessages";
    type Reply = MessagePage;

    async fn handle(ports: &P, request: &Request) -> Result<MessagePage, RequestError> {
        let conversation: ConversationId = request.fields.required("conversation")?;
        let before: Option<Position> = request.fields.optional("before")?;
        let before = before
            .map(Position::seq)
            .transpose()
            .map_err(|_| Rejection::Invalid {
                field: "before",
                rule: "must be a whole number that a position can be",
            })?;
        let limit: Option<Limit> = request.fields.optional("limit")?;
        let limit = limit.map_or(PAGE, |limit| limit.clamped(LARGEST_PAGE));

        let caller = request.caller(ports.now())?;
        if mutant!(CheckBeforeRead) {
            require_participant(ports, &conversation, &caller.user).await?;
        }
        let read = read(ports, &conversation, before, limit).await;
        if !mutant!(CheckBeforeRead) {
            require_participant(ports, &conversation, &caller.user).await?;
        }
        Ok(read?)
    }
}

/// Entries of other kinds are passed over, page after page, since a page without any message would leave the client
/// without a position to go on from.
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
    matches!(entry.draft.content, Content::Message { .. })
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

    /// 1 to 5 are messages, 6 is a removal, 7 to 9 are messages.
    fn nine_entries() -> FakeChat {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace", "mallory"]);
        chat.history(&c, "ada", 5);
        chat.remove(&c, "mallory");
        chat.history(&c, "ada", 3);
        chat
    }

    #[test]
    fn history_is_read_backwards_and_holds_messages_only() {
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
    fn events_are_read_forwards_and_hold_every_kind() {
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
    fn a_stranger_reads_nothing() {
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

//! `GET /conversations/{id}/messages`: history, backwards from a position or from the end.
//!
//! ```json
//! {"messages": [{"event": "message", "seq": 41, …}, {"event": "message", "seq": 42, …}], "limited": true}
//! ```

use serde::Serialize;

use crate::{
    access::participant,
    domain::{Content, ConversationId, Event, Seq},
    failure::{Failure, Fault, Rejection},
    fields::{Limit, Position},
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

    async fn handle(ports: &P, request: &Request) -> Result<MessagePage, Failure> {
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
        let read = read(ports, &conversation, before, limit).await;
        participant(ports, &conversation, &caller.user).await?;
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
) -> Result<MessagePage, Fault> {
    let mut last = before.map_or(Some(Seq::MAX), Seq::previous);
    let mut messages: Vec<Event> = Vec::new();
    while let Some(from) = last {
        let page = log.read_back(conversation, from, limit).await?;
        last = page
            .events
            .last()
            .filter(|_| page.more)
            .and_then(|event| event.seq.previous());
        messages.extend(page.events.into_iter().filter(is_message));
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

fn is_message(event: &Event) -> bool {
    matches!(event.draft.content, Content::Message { .. })
}

//! `GET /conversations/{id}/entries`: catching up without a connection.
//!
//! ```json
//! {"events": [{"event": "message", "seq": 42, …}], "head": 42, "limited": false}
//! ```

use serde::Serialize;

use crate::{
    access::require_participant,
    domain::{ConversationId, Seq},
    error::RequestError,
    fields::{Limit, Position},
    log::{head, read_after},
    mutant::mutant,
    ports::{Clock, Log, Participants},
    request::{Request, Route},
    wire::Entries,
};

/// Entries on a page if the client does not say.
const PAGE: usize = 100;
/// Entries on a page at most.
const LARGEST_PAGE: usize = 1_000;

/// Reads a log forwards.
#[derive(Clone, Copy, Debug)]
pub struct ReadEvents;

/// A page of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryPage {
    /// Ascending, past `after`.
    #[serde(rename = "events")]
    pub entries: Entries,
    /// The newest position.
    pub head: u64,
    /// Whether there are more than these.
    pub limited: bool,
}

impl<P> Route<P> for ReadEvents
where
    P: Log + Participants + Clock + Sync,
{
    const NAME: &'static str = "readEvents";
    type Reply = EntryPage;

    async fn handle(ports: &P, request: &Request) -> Result<EntryPage, RequestError> {
        let conversation: ConversationId = request.fields.required("conversation")?;
        let after: Option<Position> = request.fields.optional("after")?;
        let after = after.map_or(Ok(Seq::START), Position::seq)?;
        let limit: Option<Limit> = request.fields.optional("limit")?;
        let limit = limit.map_or(PAGE, |limit| limit.clamped(LARGEST_PAGE));

        let caller = request.caller(ports.now())?;
        if mutant!(CheckBeforeRead) {
            require_participant(ports, &conversation, &caller.user).await?;
        }
        let read = read(ports, &conversation, after, limit).await;
        if !mutant!(CheckBeforeRead) {
            require_participant(ports, &conversation, &caller.user).await?;
        }
        read
    }
}

async fn read(
    log: &impl Log,
    conversation: &ConversationId,
    after: Seq,
    limit: usize,
) -> Result<EntryPage, RequestError> {
    let (tail, limited) = read_after(log, conversation, after, limit).await?;
    let head = if limited {
        head(log, conversation).await?
    } else {
        tail.head
    };
    let entries = Entries::new(conversation, tail.entries);
    Ok(EntryPage {
        entries,
        head: head.number(),
        limited,
    })
}

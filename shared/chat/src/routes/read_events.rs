//! `GET /conversations/{id}/events`: reads a log forwards, to catch up without a connection.
//!
//! ```json
//! {"events": [{"event": "message", "seq": 42, …}], "head": 42, "limited": false}
//! ```

use serde::Serialize;

use crate::{
    access::read_as_participant,
    domain::{ConversationId, Seq},
    error::{Rejection, RequestError},
    fields::{Fields, Limit, Position},
    log::{head, read_after, with_texts},
    ports::{Clock, Log, MOST_POSITIONS, Participants},
    rate_limit::ORDINARY_COST,
    request::{Request, Route},
    wire::Entries,
};

/// Entries on a page if `limit` is missing.
const PAGE: usize = 100;
/// The most entries on a page.
const LARGEST_PAGE: usize = 1_000;

/// Reads a log forwards.
#[derive(Clone, Copy, Debug)]
pub struct ReadEvents;

/// A page of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryPage {
    /// The entries past `after`, ascending.
    #[serde(rename = "events")]
    pub entries: Entries,
    /// The newest position.
    pub head: u64,
    /// Whether the page was cut: there are more entries.
    pub limited: bool,
}

struct Command {
    conversation: ConversationId,
    after: Seq,
    limit: usize,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        let conversation = fields.required("conversation")?;
        let after: Option<Position> = fields.optional("after")?;
        let after = after.map_or(Ok(Seq::START), Position::seq)?;
        let limit: Option<Limit> = fields.optional("limit")?;
        let limit = limit.map_or(PAGE, |limit| limit.clamped(LARGEST_PAGE));
        Ok(Self {
            conversation,
            after,
            limit,
        })
    }
}

impl<P> Route<P> for ReadEvents
where
    P: Log + Participants + Clock + Sync,
{
    const NAME: &'static str = "readEvents";
    type Reply = EntryPage;

    fn cost(fields: &Fields) -> u32 {
        let limit: Option<Limit> = fields.optional("limit").ok().flatten();
        limit.map_or(ORDINARY_COST, |limit| limit.cost(LARGEST_PAGE))
    }

    async fn handle(ports: &P, request: &Request) -> Result<EntryPage, RequestError> {
        let Command {
            conversation,
            after,
            limit,
        } = Command::parse(&request.fields)?;

        let caller = request.caller(ports.now())?;
        let read = read(ports, &conversation, after, limit);
        read_as_participant(ports, &conversation, &caller.user, read).await?
    }
}

async fn read<P: Log + Clock>(
    ports: &P,
    conversation: &ConversationId,
    after: Seq,
    limit: usize,
) -> Result<EntryPage, RequestError> {
    let mut later = read_after(ports, conversation, after, limit).await?;
    let dropped = with_texts(ports, conversation, &mut later.entries, MOST_POSITIONS).await?;
    let limited = dropped || later.more;
    let head = if limited {
        head(ports, conversation).await?
    } else {
        later.head
    };
    Ok(EntryPage {
        entries: Entries::new(conversation, later.entries),
        head: head.number(),
        limited,
    })
}

//! What a client has missed: what `subscribe` and `catchUp` share.

use std::future::Future;

use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;

use crate::{
    domain::{ConversationId, Seq, UserId},
    error::{InternalError, Rejection, RequestError},
    fields::{Fields, SubscriptionList, Wanted},
    log::{newest, read_after, with_texts},
    ports::{Clock, Log},
    rate_limit::ORDINARY_COST,
    reads::Reads,
    wire::{Entries, Problem},
};

/// The most entries in one reply, and the most messages that are read for the texts of edits. More
/// long texts would not fit into it.
pub const PAGE: (usize, usize) = (100, PAGE_TEXTS);
/// The second limit.
pub const PAGE_TEXTS: usize = 25;
/// The same of each conversation, if one frame names many.
pub const SHARED_PAGE: (usize, usize) = (50, 10);
/// The most bytes of entries in one reply, so that a reply has at most 30,000 bytes with all else.
/// It is not known whether API Gateway sends a route's reply of more than one frame (32 KB). An
/// entry always fits, since a body has at most 16 KB.
pub const PAGE_BYTES: usize = 29_000;
/// The most bytes of entries and positions in a reply for many conversations. Each has up to 350
/// bytes besides.
const SHARED_BYTES: usize = 22_000;
/// How many conversations of one frame are read at a time.
const WIDTH: usize = 8;

/// What a client has missed in a conversation.
#[derive(Clone, Debug, Serialize)]
pub struct Missed {
    /// Conversation id.
    pub conversation: String,
    /// Its newest position.
    pub head: u64,
    /// The entries past `after`.
    #[serde(rename = "events")]
    pub entries: Entries,
    /// Whether the reply was cut: there are more entries.
    pub limited: bool,
    /// Whether the connection is subscribed, if that is not known from the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribed: Option<bool>,
    /// The number of messages up to `head`, if the client asked for receipts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// How far the participants have read, if the client asked for receipts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<Reads>,
}

impl Missed {
    /// Reads at most so many entries past `after`, and messages for the texts of edits; or only the
    /// head if there is no `after`.
    ///
    /// # Errors
    /// `unknown_position` if `after` is not a position of this log.
    pub async fn read<P: Log + Clock>(
        ports: &P,
        conversation: &ConversationId,
        after: Option<Seq>,
        (most, texts): (usize, usize),
    ) -> Result<Self, RequestError> {
        let (mut entries, limited, mut end) = match after {
            None => (
                Entries::none(conversation),
                false,
                newest(ports, conversation).await?,
            ),
            Some(after) => {
                let mut later = read_after(ports, conversation, after, most).await?;
                let dropped = with_texts(ports, conversation, &mut later.entries, texts).await?;
                let entries = Entries::new(conversation, later.entries);
                let end = (later.head, later.counters);
                (entries, later.more || dropped, end)
            }
        };
        let limited = entries.fit_into(PAGE_BYTES) || limited;
        if limited {
            end = newest(ports, conversation).await?;
        }
        let (head, counters) = end;
        Ok(Self {
            conversation: conversation.to_string(),
            head: head.number(),
            entries,
            limited,
            subscribed: None,
            messages: Some(counters.messages),
            read: None,
        })
    }
}

/// The outcome for one conversation of many.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// The request is granted.
    Granted(Missed),
    /// It is not.
    Rejected {
        /// Conversation id.
        conversation: String,
        /// Why.
        #[serde(flatten)]
        problem: Problem,
    },
}

impl Outcome {
    /// Converts the result for one conversation.
    ///
    /// # Errors
    /// An internal error concerns the whole request.
    pub fn of(
        conversation: &ConversationId,
        result: Result<Missed, RequestError>,
    ) -> Result<Self, InternalError> {
        match result {
            Ok(missed) => Ok(Self::Granted(missed)),
            Err(RequestError::Rejected(rejection)) => Ok(Self::Rejected {
                conversation: conversation.to_string(),
                problem: Problem::rejected(&rejection),
            }),
            Err(RequestError::Internal(error)) => Err(error),
        }
    }

    /// Lets all outcomes share the bytes of a reply: when these are used up, the rest is `limited`
    /// and has only the user's own position.
    pub fn share(outcomes: &mut [Self], user: &UserId) {
        let mut left = SHARED_BYTES;
        for outcome in outcomes {
            if let Self::Granted(missed) = outcome {
                if let Some(reads) = &mut missed.read {
                    reads.share(&mut left, user);
                }
                missed.limited |= missed.entries.share(&mut left);
            }
        }
    }
}

/// The conversations that a request names.
#[derive(Clone, Debug)]
pub enum Named {
    /// `conversation`, with its `after`.
    One(Wanted),
    /// `conversations`.
    Many(Vec<Wanted>),
}

impl Named {
    /// Reads them from the fields.
    ///
    /// # Errors
    /// `invalid` if there is none, if there are both, or if a field breaks its rule.
    pub fn parse(fields: &Fields) -> Result<Self, Rejection> {
        let many: Option<SubscriptionList> = fields.optional("conversations")?;
        match many {
            None => Ok(Self::One(Wanted {
                conversation: fields.required("conversation")?,
                after: fields.optional("after")?,
            })),
            Some(_) if fields.has("conversation") => Err(Rejection::Invalid {
                field: "conversations",
                rule: "must not be given together with `conversation`",
            }),
            Some(SubscriptionList(many)) => Ok(Self::Many(many)),
        }
    }

    /// Returns what a request costs: many conversations cost as much as one by one.
    #[must_use]
    pub fn cost(fields: &Fields) -> u32 {
        let many = u32::try_from(fields.list_length("conversations")).unwrap_or(u32::MAX);
        ORDINARY_COST.max(many)
    }
}

/// Runs a few of the futures at a time, and yields their results in order.
pub fn few_at_a_time<F: Future>(futures: Vec<F>) -> impl Stream<Item = F::Output> {
    stream::iter(futures).buffered(WIDTH)
}

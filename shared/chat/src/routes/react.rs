//! `react`, and `PUT /conversations/{id}/messages/{seq}/reactions/{emoji}`.
//!
//! ```json
//! {"action": "react", "ref": "1", "conversation": "c", "target": 41, "emoji": "👍", "on": true,
//!  "after": 56}
//! {"event": "reacted", "ref": "1", "conversation": "c", "target": 41, "emoji": "👍", "on": true,
//!  "seq": 57}
//! ```
//!
//! A request states how it shall be, so it needs no id: what is so already stores nothing, and
//! `seq` is null.

use std::future::ready;

use serde::Serialize;

use crate::{
    domain::{Content, Emoji, ReactionKey},
    error::{Rejection, RequestError},
    fan_out::publish_stored,
    log::{Tail, react},
    message_change::{NamedMessage, TARGET, Target, only_to_participants, read},
    mutant::mutant,
    participant_change::draft,
    ports::{
        Clock, Connections, Log, Outbound, Participants, Random, Reactions, Standing, Subscriptions,
    },
    request::{Request, Route},
};

/// The most different emoji of a message.
pub const MOST_EMOJI: usize = 20;
const TOO_MANY: &str =
    "this message has as many different reactions as allowed; use one that it has";

/// Adds the caller's reaction to a message, or withdraws it.
#[derive(Clone, Copy, Debug)]
pub struct React;

/// How it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "reacted", rename_all = "camelCase")]
pub struct Reacted {
    /// Conversation id.
    pub conversation: String,
    /// The position of the message.
    pub target: u64,
    /// The emoji, without variation selectors.
    pub emoji: String,
    /// Whether the caller reacts with it.
    pub on: bool,
    /// The position of the entry; `None` if it was so already.
    pub seq: Option<u64>,
}

impl<P> Route<P> for React
where
    P: Log
        + Reactions
        + Participants
        + Subscriptions
        + Connections
        + Outbound
        + Clock
        + Random
        + Sync,
{
    const NAME: &'static str = "react";
    type Reply = Reacted;

    async fn handle(ports: &P, request: &Request) -> Result<Reacted, RequestError> {
        let on = request.fields.optional("on")?.unwrap_or(true);
        set(ports, request, on).await
    }
}

/// Makes the caller's reaction exist or not.
///
/// # Errors
/// - `unknown_message` if there is no message at the position, or a deleted one
/// - `forbidden` if the message has too many different emoji
/// - those of `sendMessage`, except `id_reused`
pub(crate) async fn set<P>(ports: &P, request: &Request, on: bool) -> Result<Reacted, RequestError>
where
    P: Log
        + Reactions
        + Participants
        + Subscriptions
        + Connections
        + Outbound
        + Clock
        + Random
        + Sync,
{
    let message = NamedMessage::parse(&request.fields)?;
    let emoji: Emoji = request.fields.required("emoji")?;

    let now = ports.now();
    let caller = request.caller(now)?;
    let key = ReactionKey {
        target: message.target,
        emoji,
        user: caller.user.clone(),
    };
    // With one more, it is known whether a new emoji would be too many.
    let standing = ports.standing(&message.conversation, &key, MOST_EMOJI + 1);
    let (read, standing) = read(ports, &message, &caller.user, standing).await?;
    if !matches!(read.target(), Ok(Target::Message(_))) {
        let unknown = Err(Rejection::UnknownMessage(TARGET));
        return only_to_participants(ports, &message.conversation, &caller.user, unknown).await;
    }
    let reacted = Reacted {
        conversation: message.conversation.to_string(),
        target: key.target.number(),
        emoji: key.emoji.to_string(),
        on,
        seq: None,
    };
    if standing.exists == on {
        return Ok(reacted);
    }

    let content = Content::Reaction {
        target: key.target,
        emoji: key.emoji.clone(),
        on,
        name: caller.name.clone(),
    };
    let draft = draft(ports, caller, content, now)?;
    let allow = allowance(key, on, standing);
    let stored = react(
        ports,
        &message.conversation,
        draft,
        read.tail,
        request.deadline,
        allow,
    )
    .await?;
    let Some(stored) = stored else {
        return Ok(reacted);
    };

    let origin = request.connection.as_ref().map(|connection| &connection.id);
    let stored = ready(Ok(stored));
    let stored = publish_stored(
        ports,
        &message.conversation,
        stored,
        origin,
        request.deadline,
    )
    .await?;

    Ok(Reacted {
        seq: Some(stored.entry.seq.number()),
        ..reacted
    })
}

/// Returns a function that decides about each part of the log that is read before the reaction is
/// stored: the message must not be deleted, and must not have too many different emoji.
///
/// Neither is a condition of the transaction, which would cost units for the message. A writer at
/// n + 1 has read all entries up to n, as for the removal of its user.
fn allowance(
    key: ReactionKey,
    on: bool,
    standing: Standing,
) -> impl FnMut(&Tail) -> Result<(), Rejection> + Send {
    let mut different = standing.different;
    different.insert(key.emoji);
    move |tail| {
        if tail.deletes(key.target) && !mutant!(NoFenceOfTargets) {
            return Err(Rejection::UnknownMessage(TARGET));
        }
        if !mutant!(EmojiUncounted) {
            different.extend(tail.emoji_of(key.target));
        }
        if on && different.len() > MOST_EMOJI {
            return Err(Rejection::Forbidden(TOO_MANY));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

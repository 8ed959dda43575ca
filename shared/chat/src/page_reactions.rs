//! The reactions to the messages of a page of history.
//!
//! Their entries may lie far behind the page, so they are read from the rows of the reactions, with
//! one query. A page has at most [`MOST_REACTIONS`]; it ends before the message whose reactions do
//! not all fit. If the newest message alone has more, the page has that message alone, and the
//! client asks for the rest of its reactions.

use serde::Serialize;

use crate::{
    domain::{Content, ConversationId, Entry, Reaction, Revision, Seq},
    error::InternalError,
    fields::ReactionCursor,
    ports::{MOST_REACTIONS, ReactionRange, Reactions},
    routes::read_messages::Found,
};

/// A reaction on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WireReaction {
    /// The position of the message.
    pub target: u64,
    /// The emoji.
    pub emoji: String,
    /// The user.
    pub user: String,
    /// The user's display name when they reacted.
    pub name: String,
    /// The position of the entry. A client compares it with the entries that it has, since what was
    /// read here may be older or newer.
    pub seq: u64,
}

impl WireReaction {
    fn new(reaction: &Reaction) -> Self {
        Self {
            target: reaction.key.target.number(),
            emoji: reaction.key.emoji.to_string(),
            user: reaction.key.user.to_string(),
            name: reaction.name.as_str().to_owned(),
            seq: reaction.seq.number(),
        }
    }
}

/// Adds the reactions to the messages of a page, from `cursor` on if there is one. Drops the older
/// messages of the page if there are too many reactions.
///
/// # Errors
/// An [`InternalError`] if the reactions cannot be read.
pub(crate) async fn read_reactions(
    ports: &impl Reactions,
    conversation: &ConversationId,
    cursor: Option<ReactionCursor>,
    page: &mut Found,
) -> Result<(), InternalError> {
    page.reactions = Some(Vec::new());
    let ends = page.messages.first().zip(page.messages.last());
    let Some((first, last)) = ends.map(|(first, last)| (first.seq, last.seq)) else {
        return Ok(());
    };
    let range = ReactionRange {
        first,
        last,
        before: cursor.map(|cursor| (cursor.emoji, cursor.user)),
    };
    let found = ports
        .reactions(conversation, &range, MOST_REACTIONS)
        .await?;
    let mut reactions = found.reactions;
    // The reactions are descending, so those that were not read belong to the message of the last
    // one or to older messages.
    if let Some(oldest) = reactions.last().filter(|_| found.more).cloned() {
        let cut = oldest.key.target;
        if cut == last {
            page.keep_after(last.previous().unwrap_or(Seq::START));
            page.reactions_next = Some(ReactionCursor::of(oldest.key).to_string());
        } else {
            page.keep_after(cut);
            reactions.retain(|reaction| reaction.key.target > cut);
        }
    }
    reactions.retain(|reaction| page.shows(reaction.key.target));
    page.reactions = Some(reactions.iter().rev().map(WireReaction::new).collect());
    Ok(())
}

impl Found {
    /// Drops the messages up to this position.
    fn keep_after(&mut self, position: Seq) {
        let descending = self.messages.iter().rev().map(|message| message.seq);
        let newest_dropped = descending.into_iter().find(|seq| *seq <= position);
        if newest_dropped.is_some() {
            self.messages.retain(|message| message.seq > position);
            self.unread = newest_dropped;
        }
    }

    /// Returns whether the page has this message, and the message is not deleted.
    fn shows(&self, target: Seq) -> bool {
        let place = self
            .messages
            .binary_search_by_key(&target, |message| message.seq);
        let message = place.ok().and_then(|place| self.messages.get(place));
        message.is_some_and(|message| !is_deleted(message))
    }
}

fn is_deleted(message: &Entry) -> bool {
    matches!(
        &message.draft.content,
        Content::Message {
            revision: Revision::Deleted { .. },
            ..
        }
    )
}

#[cfg(test)]
mod tests;

//! What is stored of one user, in memory.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use super::{FakeChat, memory::State};
use crate::{
    domain::{Content, ConversationId, DisplayName, Entry, ReactionKey, Seq, UserId},
    error::InternalError,
    ports::{Own, Place, Trace, TracePage, Traces},
};

/// The rows of one read. It is small, so that tests read several pages.
const PAGE: usize = 20;

/// The key of a row, ordered as in a store.
type Key = (String, String);

impl Traces for FakeChat {
    async fn traces_of(
        &self,
        user: &UserId,
        place: Option<&Place>,
    ) -> Result<TracePage, InternalError> {
        self.pause().await;
        let rows = self.state().rows(user);
        let start = place.map(|place| {
            let (partition, row) = place.as_str().split_once('\n').unwrap_or_default();
            (partition.to_owned(), row.to_owned())
        });
        let mut rest = rows.range((start.map_or(Unbounded, Excluded), Unbounded));
        let page: Vec<_> = rest.by_ref().take(PAGE).collect();
        let next = rest.next().and(page.last()).map(|((partition, row), _)| {
            let place = format!("{partition}\n{row}");
            Place::new(place)
        });
        let traces = page.into_iter().filter_map(|(_, trace)| trace.clone());
        Ok(TracePage {
            traces: traces.collect(),
            next,
        })
    }

    async fn remove_name(
        &self,
        conversation: &ConversationId,
        seq: Seq,
    ) -> Result<(), InternalError> {
        self.pause().await;
        let mut state = self.state();
        let log = state.logs.entry(conversation.clone()).or_default();
        if let Some(entry) = log.get_mut(&seq) {
            remove_name(entry);
        }
        Ok(())
    }

    async fn remove_reaction_name(
        &self,
        conversation: &ConversationId,
        reaction: &ReactionKey,
    ) -> Result<(), InternalError> {
        self.pause().await;
        let key = (conversation.clone(), reaction.clone());
        if let Some(row) = self.state().reactions.get_mut(&key) {
            row.name = DisplayName::of(&reaction.user, "");
        }
        Ok(())
    }

    async fn delete_own(&self, user: &UserId, row: &Own) -> Result<(), InternalError> {
        self.pause().await;
        let mut state = self.state();
        match row {
            Own::Connection(connection) => {
                state.claims.remove(&connection.id);
                let key = (user.clone(), connection.id.clone());
                state.connections.remove(&key);
            }
            Own::Presence(_) => {
                state.presences.remove(user);
            }
            Own::Unknown(_) => {}
        }
        Ok(())
    }
}

fn remove_name(entry: &mut Entry) {
    let sender = entry.draft.sender.clone();
    match &mut entry.draft.content {
        Content::Message { name, .. } | Content::Reaction { name, .. } => {
            *name = DisplayName::of(&sender, "");
        }
        Content::ParticipantAdded { user, name } | Content::ParticipantRemoved { user, name } => {
            *name = DisplayName::of(user, "");
        }
        Content::MessageEdited { .. } | Content::MessageDeleted { .. } => {}
    }
}

impl State {
    /// Returns all rows, each with what it is of the user.
    fn rows(&self, user: &UserId) -> BTreeMap<Key, Option<Trace>> {
        let mut rows = BTreeMap::new();
        let mut add = |partition: String, row: String, trace: Option<Trace>| {
            rows.insert((partition, row), trace);
        };
        let of = |id: &ConversationId| format!("conversation {id}");
        for (id, conversation) in &self.conversations {
            let trace = Trace::Created(conversation.clone());
            let is_theirs = conversation.created_by == *user;
            add(of(id), "about".to_owned(), is_theirs.then_some(trace));
        }
        for (id, log) in &self.logs {
            for (seq, entry) in log {
                let named = entry.draft.content.named(&entry.draft.sender);
                let is_theirs =
                    entry.draft.sender == *user || named.is_some_and(|(named, _)| named == user);
                let trace = Trace::Entry(id.clone(), entry.clone());
                let row = format!("entry {:012}", seq.number());
                add(of(id), row, is_theirs.then_some(trace));
            }
        }
        for (id, participant) in self.participants.keys() {
            let trace = Trace::Participation(id.clone());
            let row = format!("participant {participant}");
            add(of(id), row, (participant == user).then_some(trace));
        }
        for ((id, connection), subscription) in &self.subscriptions {
            let trace = Trace::Subscription(id.clone(), connection.clone());
            let row = format!("subscription {connection}");
            add(of(id), row, (subscription.user == *user).then_some(trace));
        }
        for ((owner, id), connection) in &self.connections {
            let trace = Trace::Own(Own::Connection(connection.clone()));
            let row = format!("connection {id}");
            add(
                format!("user {owner}"),
                row,
                (owner == user).then_some(trace),
            );
        }
        for (owner, (presence, _)) in &self.presences {
            let trace = Trace::Own(Own::Presence(*presence));
            let row = "presence".to_owned();
            add(
                format!("user {owner}"),
                row,
                (owner == user).then_some(trace),
            );
        }
        rows
    }
}

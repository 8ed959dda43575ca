//! Logs in memory. In an unsteady runtime they behave like a database under faults: a read may see
//! two states, a put may be repeated because its result was lost, and a put may take effect after
//! its writer was killed.

use super::FakeChat;
use crate::{
    domain::{Content, ConversationId, Entry, Seq},
    error::InternalError,
    ports::{Log, Page, Put, Random as _},
};

/// Bytes after which a page ends.
const PAGE_BYTES: usize = 1_000_000;

fn page(entries: impl Iterator<Item = Entry>, limit: usize) -> Page {
    let mut entries = entries.peekable();
    let mut bytes = 0;
    let mut page = Vec::new();
    while page.len() < limit
        && bytes < PAGE_BYTES
        && let Some(entry) = entries.next()
    {
        bytes += size(&entry);
        page.push(entry);
    }
    Page {
        entries: page,
        more: entries.peek().is_some(),
    }
}

/// Returns the approximate size of an entry in a table.
fn size(entry: &Entry) -> usize {
    match &entry.draft.content {
        Content::Message { body, .. } => 200 + body.as_str().len(),
        _ => 200,
    }
}

impl Log for FakeChat {
    async fn read_from(
        &self,
        conversation: &ConversationId,
        first: Seq,
        limit: usize,
    ) -> Result<Page, InternalError> {
        self.pause().await;
        if !self.runtime.happens(3) {
            let found = page(self.state().entries(conversation, first..), limit);
            self.count("read_from", found.entries.len());
            return Ok(found);
        }
        let mut found = self.log(conversation);
        let passed = self.passed(found.len() as u64);
        found.retain(|entry| entry.seq.number() < passed);
        self.pause().await;
        let rest = self.log(conversation).into_iter();
        found.extend(rest.filter(|entry| entry.seq.number() >= passed));
        found.retain(|entry| entry.seq >= first);
        let found = page(found.into_iter(), limit);
        self.count("read_from", found.entries.len());
        Ok(found)
    }

    async fn read_back(
        &self,
        conversation: &ConversationId,
        last: Seq,
        limit: usize,
    ) -> Result<Page, InternalError> {
        self.pause().await;
        if !self.runtime.happens(3) {
            let found = page(self.state().entries(conversation, ..=last).rev(), limit);
            self.count("read_back", found.entries.len());
            return Ok(found);
        }
        let mut found = self.log(conversation);
        let passed = self.passed(found.len() as u64);
        found.retain(|entry| entry.seq.number() >= passed);
        self.pause().await;
        let mut rest = self.log(conversation);
        rest.retain(|entry| entry.seq.number() < passed);
        rest.append(&mut found);
        rest.retain(|entry| entry.seq <= last);
        let found = page(rest.into_iter().rev(), limit);
        self.count("read_back", found.entries.len());
        Ok(found)
    }

    async fn read_at(
        &self,
        conversation: &ConversationId,
        positions: &[Seq],
    ) -> Result<Vec<Entry>, InternalError> {
        self.pause().await;
        let mut found = self.log(conversation);
        found.retain(|entry| positions.contains(&entry.seq));
        self.count("read_at", found.len());
        Ok(found)
    }

    async fn stored_at(
        &self,
        positions: &[(ConversationId, Seq)],
    ) -> Result<Vec<(ConversationId, Seq)>, InternalError> {
        self.pause().await;
        let mut found = positions.to_vec();
        let state = self.state();
        found.retain(|(conversation, position)| {
            let log = state.logs.get(conversation);
            log.is_some_and(|log| log.contains_key(position))
        });
        drop(state);
        self.count("stored_at", found.len());
        Ok(found)
    }

    async fn put(
        &self,
        conversation: &ConversationId,
        entry: &Entry,
    ) -> Result<Put, InternalError> {
        let mut on_the_wire = OnTheWire {
            chat: self,
            put: (conversation, entry),
            arrived: false,
        };
        self.pause().await;
        on_the_wire.arrived = true;
        let put = self.put_now(conversation, entry).await;
        if self.runtime.happens(4) {
            // The result is lost, and the put repeated.
            self.pause().await;
            return Ok(self.put_now(conversation, entry).await);
        }
        Ok(put)
    }
}

impl FakeChat {
    /// Yields to other tasks. Sometimes completes a put of a killed writer.
    pub(super) async fn pause(&self) {
        self.runtime.pause().await;
        if self.runtime.happens(8) {
            self.land();
        }
    }

    /// Returns the first position of the second part of a torn read. Often this is the position
    /// after the next one, so the read misses the next entry and finds the one after it.
    fn passed(&self, head: u64) -> u64 {
        if self.runtime.happens(2) {
            head + 2
        } else {
            self.runtime.below(head + 2)
        }
    }

    /// Completes a half-visible transaction, or else the oldest put whose writer was killed.
    /// Returns whether there was one.
    pub fn land(&self) -> bool {
        let mut state = self.state();
        if let Some(half) = state.half_seen.first() {
            let (conversation, seq) = (half.conversation.clone(), half.entry.seq);
            state.show(&conversation, |half| half.entry.seq == seq);
            return true;
        }
        if state.on_the_wire.is_empty() {
            return false;
        }
        let (conversation, entry) = state.on_the_wire.remove(0);
        state.put(&conversation, &entry, None);
        true
    }
}

/// A put that has not reached the store. If its writer is killed now, the put may take effect
/// later, or never.
struct OnTheWire<'a> {
    chat: &'a FakeChat,
    put: (&'a ConversationId, &'a Entry),
    arrived: bool,
}

impl Drop for OnTheWire<'_> {
    fn drop(&mut self) {
        if !self.arrived && self.chat.runtime.happens(2) {
            let (conversation, entry) = self.put;
            let put = (conversation.clone(), entry.clone());
            self.chat.state().on_the_wire.push(put);
        }
    }
}

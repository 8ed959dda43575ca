//! Logs in memory. In an unsteady runtime they behave like a database under faults: a read may see
//! two states, a put may be repeated because its result was lost, and a put may take effect after
//! its writer was killed.

use super::{
    FakeChat,
    memory::{Half, HalfSeen, State},
};
use crate::{
    contract::MOST_PARTICIPANTS,
    domain::{Body, Change, Content, ConversationId, Entry, Revision, Rewrite, Seq},
    error::InternalError,
    mutant::mutant,
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

impl State {
    fn put(&mut self, conversation: &ConversationId, entry: &Entry, hidden: Option<Half>) -> Put {
        self.puts += 1;
        let seq = entry.seq;
        let change = entry.change();
        let rewrite = entry.draft.rewrite();
        // Every change of participants writes their number, and every edit its message.
        self.show(conversation, |half| {
            half.entry.seq == seq
                || (change.is_some() && half.entry.change().is_some())
                || rewrite
                    .as_ref()
                    .is_some_and(|rewrite| half.rewrites(rewrite.target))
        });
        let log = self.logs.entry(conversation.clone()).or_default();
        if let Some(winner) = log.get(&seq)
            && !mutant!(NoCondition)
        {
            return Put::Taken(winner.clone());
        }
        if let Some(change) = &change {
            let key = (conversation.clone(), change.user().clone());
            let takes_part = self.participants.contains_key(&key);
            if takes_part == matches!(change, Change::Joins(_)) {
                return Put::Unchanged;
            }
            let rows = self.participants.keys();
            let present = rows.filter(|(id, _)| id == conversation).count();
            if !takes_part && present >= MOST_PARTICIPANTS {
                return Put::Full;
            }
        }
        if let Some(rewrite) = &rewrite
            && !self.may_rewrite(conversation, rewrite)
        {
            return Put::Unchanged;
        }
        for half in [Half::Entry, Half::Row] {
            if hidden != Some(half) {
                self.store(conversation, entry, half);
            }
        }
        if let Some(hidden) = hidden.filter(|_| change.is_some() || rewrite.is_some()) {
            self.half_seen.push(HalfSeen {
                conversation: conversation.clone(),
                entry: entry.clone(),
                hidden,
            });
        }
        Put::Stored
    }

    /// Returns whether a message may be changed: it exists, and is not deleted.
    fn may_rewrite(&self, conversation: &ConversationId, rewrite: &Rewrite<'_>) -> bool {
        let log = self.logs.get(conversation);
        let message = log.and_then(|log| log.get(&rewrite.target));
        match message.map(|message| &message.draft.content) {
            Some(Content::Message { revision, .. }) => {
                let revives = rewrite.body.is_some() && mutant!(EditRevives);
                revision.deletion().is_none() || revives
            }
            _ => false,
        }
    }

    fn rewrite(&mut self, conversation: &ConversationId, entry: &Entry) {
        let Entry { seq, draft, .. } = entry;
        let seq = *seq;
        let Some(rewrite) = draft.rewrite() else {
            return;
        };
        let log = self.logs.entry(conversation.clone()).or_default();
        let message = log.get_mut(&rewrite.target);
        let Some(Content::Message { body, revision, .. }) =
            message.map(|message| &mut message.draft.content)
        else {
            return;
        };
        (*body, *revision) = match rewrite.body {
            Some(text) => {
                let at = draft.sent_at;
                (text.clone(), Revision::Edited { seq, at })
            }
            None => {
                let by = draft.sender.clone();
                (Body::deleted(), Revision::Deleted { seq, by })
            }
        };
    }

    fn store(&mut self, conversation: &ConversationId, entry: &Entry, half: Half) {
        if half == Half::Entry {
            let log = self.logs.entry(conversation.clone()).or_default();
            log.insert(entry.seq, entry.clone().without_text());
            return;
        }
        self.rewrite(conversation, entry);
        match entry.change() {
            Some(Change::Joins(participant)) => {
                let key = (conversation.clone(), participant.user.clone());
                self.participants.insert(key, participant);
            }
            Some(Change::Leaves(user)) if !mutant!(AnswerBeforeRow) => {
                let key = (conversation.clone(), user.clone());
                self.participants.remove(&key);
            }
            _ => {}
        }
    }

    /// Makes the hidden halves of some transactions visible. A real store would report a conflict
    /// to writers of the same rows, and they would retry until the transactions are complete.
    fn show(&mut self, conversation: &ConversationId, which: impl Fn(&HalfSeen) -> bool) {
        let (done, rest) = std::mem::take(&mut self.half_seen)
            .into_iter()
            .partition(|half| half.conversation == *conversation && which(half));
        self.half_seen = rest;
        let done: Vec<HalfSeen> = done;
        for half in done {
            self.store(&half.conversation, &half.entry, half.hidden);
        }
    }
}

impl HalfSeen {
    fn rewrites(&self, target: Seq) -> bool {
        let rewrite = self.entry.draft.rewrite();
        rewrite.is_some_and(|rewrite| rewrite.target == target)
    }
}

impl FakeChat {
    /// Stores an entry. If a row or a changed message is stored with it, one half may become visible
    /// before the other.
    async fn put_now(&self, conversation: &ConversationId, entry: &Entry) -> Put {
        let change = entry.change();
        let is_rewrite = entry.draft.rewrite().is_some();
        if change.is_none() && !is_rewrite {
            return self.state().put(conversation, entry, None);
        }
        if let Some(change) = change
            && mutant!(RowThenEntry)
        {
            return self.put_row_then_entry(conversation, entry, &change).await;
        }
        if is_rewrite && mutant!(EditInTwoWrites) {
            return self.put_entry_then_message(conversation, entry).await;
        }
        let hidden = match (self.runtime.happens(3), self.runtime.happens(2)) {
            (true, true) => Some(Half::Entry),
            (true, false) => Some(Half::Row),
            (false, _) => None,
        };
        let put = self.state().put(conversation, entry, hidden);
        self.pause().await;
        let seq = entry.seq;
        self.state()
            .show(conversation, |half| half.entry.seq == seq);
        put
    }

    /// Stores row and entry with two writes instead of one.
    async fn put_row_then_entry(
        &self,
        conversation: &ConversationId,
        entry: &Entry,
        change: &Change<'_>,
    ) -> Put {
        let key = (conversation.clone(), change.user().clone());
        let takes_part = self.state().participants.contains_key(&key);
        if takes_part == matches!(change, Change::Joins(_)) {
            return Put::Unchanged;
        }
        self.state().store(conversation, entry, Half::Row);
        self.pause().await;
        let mut state = self.state();
        let log = state.logs.entry(conversation.clone()).or_default();
        if let Some(winner) = log.get(&entry.seq) {
            return Put::Taken(winner.clone());
        }
        log.insert(entry.seq, entry.clone());
        Put::Stored
    }

    /// Stores an entry and the message that it changes with two writes instead of one.
    async fn put_entry_then_message(&self, conversation: &ConversationId, entry: &Entry) -> Put {
        let alone = entry.clone().without_text();
        let put = match entry.draft.content {
            Content::MessageDeleted { .. } => self.state().put(conversation, entry, None),
            _ => self.state().put(conversation, &alone, None),
        };
        if put == Put::Stored {
            self.pause().await;
            self.state().rewrite(conversation, entry);
        }
        put
    }

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

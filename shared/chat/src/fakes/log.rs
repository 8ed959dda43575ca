//! Logs in memory, which in an unsteady world fail as those of a database do: a read is torn in two, the answer to a
//! put is lost and the put repeated, and a put arrives when its writer is dead.

use super::{FakeChat, memory::State};
use crate::{
    domain::{Content, ConversationId, Draft, Event, Seq},
    failure::Fault,
    mistake::{Mistake, made},
    ports::{Log, Page, Put, Random as _},
};

/// Bytes after which a page ends.
const PAGE_BYTES: usize = 1_000_000;

fn page(events: impl Iterator<Item = Event>, limit: usize) -> Page {
    let mut events = events.peekable();
    let mut bytes = 0;
    let mut page = Vec::new();
    while page.len() < limit
        && bytes < PAGE_BYTES
        && let Some(event) = events.next()
    {
        bytes += size(&event);
        page.push(event);
    }
    Page {
        events: page,
        more: events.peek().is_some(),
    }
}

/// Nearly what an entry takes in a table.
fn size(event: &Event) -> usize {
    match &event.draft.content {
        Content::Message { body, .. } => 200 + body.as_str().len(),
        Content::ParticipantAdded { .. } | Content::ParticipantRemoved { .. } => 200,
    }
}

impl Log for FakeChat {
    async fn read_from(
        &self,
        conversation: &ConversationId,
        first: Seq,
        limit: usize,
    ) -> Result<Page, Fault> {
        self.pause().await;
        let mut found = self.log(conversation);
        if self.world.happens(3) {
            let passed = self.passed(found.len() as u64);
            found.retain(|event| event.seq.number() < passed);
            self.pause().await;
            let rest = self.log(conversation).into_iter();
            found.extend(rest.filter(|event| event.seq.number() >= passed));
        }
        found.retain(|event| event.seq >= first);
        Ok(page(found.into_iter(), limit))
    }

    async fn read_back(
        &self,
        conversation: &ConversationId,
        last: Seq,
        limit: usize,
    ) -> Result<Page, Fault> {
        self.pause().await;
        let mut found = self.log(conversation);
        if self.world.happens(3) {
            let passed = self.passed(found.len() as u64);
            found.retain(|event| event.seq.number() >= passed);
            self.pause().await;
            let mut rest = self.log(conversation);
            rest.retain(|event| event.seq.number() < passed);
            rest.append(&mut found);
            found = rest;
        }
        found.retain(|event| event.seq <= last);
        Ok(page(found.into_iter().rev(), limit))
    }

    async fn put(
        &self,
        conversation: &ConversationId,
        seq: Seq,
        draft: &Draft,
    ) -> Result<Put, Fault> {
        let mut on_the_wire = OnTheWire {
            chat: self,
            put: (conversation, seq, draft),
            arrived: false,
        };
        self.pause().await;
        on_the_wire.arrived = true;
        let put = self.state().put(conversation, seq, draft);
        if self.world.happens(4) {
            // The answer is lost, and the put repeated.
            self.pause().await;
            return Ok(self.state().put(conversation, seq, draft));
        }
        Ok(put)
    }
}

impl State {
    fn put(&mut self, conversation: &ConversationId, seq: Seq, draft: &Draft) -> Put {
        self.puts += 1;
        let log = self.logs.entry(conversation.clone()).or_default();
        if let Some(winner) = log.get(&seq)
            && !made(Mistake::NoCondition)
        {
            return Put::Taken(Event {
                seq,
                draft: winner.clone(),
            });
        }
        log.insert(seq, draft.clone());
        Put::Stored
    }
}

impl FakeChat {
    /// Lets others run, and perhaps a put arrive whose writer is dead.
    pub(super) async fn pause(&self) {
        self.world.pause().await;
        if self.world.happens(8) {
            self.land();
        }
    }

    /// The first position that a torn read comes to late: quite often it has found nothing at the next place of the log,
    /// and then finds what is stored behind it.
    fn passed(&self, head: u64) -> u64 {
        if self.world.happens(2) {
            head + 2
        } else {
            self.world.below(head + 2)
        }
    }

    /// Lets the oldest put arrive whose writer is dead. Whether there was one.
    pub fn land(&self) -> bool {
        let mut state = self.state();
        if state.on_the_wire.is_empty() {
            return false;
        }
        let (conversation, seq, draft) = state.on_the_wire.remove(0);
        state.put(&conversation, seq, &draft);
        true
    }
}

/// A put that has been sent: if its writer dies now, it may arrive later, or never.
struct OnTheWire<'a> {
    chat: &'a FakeChat,
    put: (&'a ConversationId, Seq, &'a Draft),
    arrived: bool,
}

impl Drop for OnTheWire<'_> {
    fn drop(&mut self) {
        if !self.arrived && self.chat.world.happens(2) {
            let (conversation, seq, draft) = self.put;
            let put = (conversation.clone(), seq, draft.clone());
            self.chat.state().on_the_wire.push(put);
        }
    }
}

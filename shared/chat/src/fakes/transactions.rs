//! Puts of entries in memory: alone, or in one transaction with a row or a changed message, of which
//! a reader may see one half before the other.

use super::{
    FakeChat,
    memory::{Half, HalfSeen, State},
};
use crate::{
    contract::MOST_PARTICIPANTS,
    domain::{
        Body, Change, Content, ConversationId, Entry, ReactionChange, ReactionKey, Revision,
        Rewrite, Seq,
    },
    mutant::mutant,
    ports::Put,
};

impl State {
    /// Stores an entry, unless a condition fails. The half `hidden` becomes visible later.
    pub(super) fn put(
        &mut self,
        conversation: &ConversationId,
        entry: &Entry,
        hidden: Option<Half>,
    ) -> Put {
        self.puts += 1;
        let seq = entry.seq;
        let change = entry.change();
        let rewrite = entry.draft.rewrite();
        let reaction = entry.reaction();
        // Every change of participants writes their number, every edit its message, and every
        // reaction its row.
        self.show(conversation, |half| {
            half.entry.seq == seq
                || (change.is_some() && half.entry.change().is_some())
                || rewrite
                    .as_ref()
                    .is_some_and(|rewrite| half.rewrites(rewrite.target))
                || reaction
                    .as_ref()
                    .is_some_and(|reaction| half.changes(reaction.key()))
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
        if let Some(reaction) = &reaction
            && !self.may_change(conversation, reaction)
        {
            return Put::Unchanged;
        }
        for half in [Half::Entry, Half::Row] {
            if hidden != Some(half) {
                self.store(conversation, entry, half);
            }
        }
        if let Some(hidden) = hidden.filter(|_| writes_more(entry)) {
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

    /// Returns whether a reaction may be stored or deleted: it does not exist, or does.
    fn may_change(&self, conversation: &ConversationId, reaction: &ReactionChange) -> bool {
        let key = (conversation.clone(), reaction.key().clone());
        let is_given = matches!(reaction, ReactionChange::Given(_));
        let exists = self.reactions.contains_key(&key);
        exists != is_given || mutant!(DoubledReaction)
    }

    fn change_reaction(&mut self, conversation: &ConversationId, entry: &Entry) {
        match entry.reaction() {
            Some(ReactionChange::Given(reaction)) => {
                let key = (conversation.clone(), reaction.key.clone());
                self.reactions.insert(key, reaction);
            }
            Some(ReactionChange::Withdrawn(key)) => {
                self.reactions.remove(&(conversation.clone(), key));
            }
            None => {}
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
        self.change_reaction(conversation, entry);
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
    pub(super) fn show(
        &mut self,
        conversation: &ConversationId,
        which: impl Fn(&HalfSeen) -> bool,
    ) {
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
    fn changes(&self, key: &ReactionKey) -> bool {
        let reaction = self.entry.reaction();
        reaction.is_some_and(|reaction| reaction.key() == key)
    }

    fn rewrites(&self, target: Seq) -> bool {
        let rewrite = self.entry.draft.rewrite();
        rewrite.is_some_and(|rewrite| rewrite.target == target)
    }
}

/// Returns whether an entry is stored together with a row or a changed message.
fn writes_more(entry: &Entry) -> bool {
    entry.change().is_some() || entry.draft.rewrite().is_some() || entry.reaction().is_some()
}

impl FakeChat {
    /// Stores an entry. If a row or a changed message is stored with it, one half may become visible
    /// before the other.
    pub(super) async fn put_now(&self, conversation: &ConversationId, entry: &Entry) -> Put {
        let change = entry.change();
        let is_rewrite = entry.draft.rewrite().is_some();
        if !writes_more(entry) {
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
        if entry.reaction().is_some() && mutant!(ReactionInTwoWrites) {
            return self.put_entry_then_reaction(conversation, entry).await;
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

    /// Stores an entry and the row of its reaction with two writes instead of one.
    async fn put_entry_then_reaction(&self, conversation: &ConversationId, entry: &Entry) -> Put {
        let put = self.state().put(conversation, entry, Some(Half::Row));
        if put == Put::Stored {
            // Dropped before the second write, the writer leaves only the entry.
            let half = self.state().half_seen.pop();
            self.pause().await;
            if half.is_some() {
                self.state().change_reaction(conversation, entry);
            }
        }
        put
    }
}

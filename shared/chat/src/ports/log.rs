//! The logs of all conversations.

use std::future::Future;

use crate::{
    domain::{ConversationId, Entry, Seq},
    error::InternalError,
};

/// The logs of all conversations.
pub trait Log {
    /// Reads entries from `first` on, ascending, at most `limit` entries and 1 MB.
    ///
    /// - Entries MUST be ascending and without omissions.
    /// - A page MUST include every entry of its range that was stored before the call, unless
    ///   [`Page::more`] is set.
    fn read_from(
        &self,
        conversation: &ConversationId,
        first: Seq,
        limit: usize,
    ) -> impl Future<Output = Result<Page, InternalError>> + Send;

    /// Reads entries up to and including `last`, **descending**, at most `limit` entries and 1 MB.
    fn read_back(
        &self,
        conversation: &ConversationId,
        last: Seq,
        limit: usize,
    ) -> impl Future<Output = Result<Page, InternalError>> + Send;

    /// Reads the entries at these positions, at most [`MOST_POSITIONS`], in any order.
    ///
    /// - Every entry that exists at one of the positions MUST be returned once.
    fn read_at(
        &self,
        conversation: &ConversationId,
        positions: &[Seq],
    ) -> impl Future<Output = Result<Vec<Entry>, InternalError>> + Send;

    /// Returns which of these positions have an entry, at most [`MOST_POSITIONS`], in any order.
    /// **Eventually consistent**: a new entry may be missing for a second.
    fn stored_at(
        &self,
        positions: &[(ConversationId, Seq)],
    ) -> impl Future<Output = Result<Vec<(ConversationId, Seq)>, InternalError>> + Send;

    /// Stores an entry at its position, with its counters.
    ///
    /// - A put MUST NOT replace an existing entry, and MUST return the entry that is there.
    /// - A repeated put MUST return the entry that it stored, even if an earlier attempt of this
    ///   same call stored it.
    /// - A change of participants MUST be stored together with the participant's row.
    /// - If the position is taken, neither entry nor row MUST be stored.
    /// - A change without effect MUST store nothing, and MUST return [`Put::Unchanged`]: the user
    ///   already is a participant (for an addition) or is not one (for a removal).
    /// - An edit or a deletion MUST be stored together with the message that it changes, and the
    ///   text MUST NOT be stored anywhere else.
    /// - An edit or a deletion of a deleted message MUST store nothing, and MUST return
    ///   [`Put::Unchanged`].
    /// - A reaction MUST be stored together with its row.
    /// - A reaction without effect MUST store nothing, and MUST return [`Put::Unchanged`]: there
    ///   already is (to react) or is no (to withdraw) reaction of the user with the emoji.
    /// - An addition beyond the limit of participants MUST store nothing, and MUST return
    ///   [`Put::Full`]. The limit belongs to the configuration of the store.
    ///
    /// A concurrent reader may see the entry before the row or the changed message, or after it.
    fn put(
        &self,
        conversation: &ConversationId,
        entry: &Entry,
    ) -> impl Future<Output = Result<Put, InternalError>> + Send;
}

/// The most positions of one [`Log::read_at`] or [`Log::stored_at`].
pub const MOST_POSITIONS: usize = 100;

/// A page of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries, in the order of the read.
    pub entries: Vec<Entry>,
    /// Whether the read stopped at its limit. There may be more entries.
    pub more: bool,
}

/// The outcome of [`Log::put`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is matched at once, and never stored"
)]
pub enum Put {
    /// The entry is stored.
    Stored,
    /// The position already had this entry.
    Taken(Entry),
    /// The change has no effect: the user already is (or is not) a participant, the message is
    /// deleted, or the user already reacts (or does not react) with the emoji.
    Unchanged,
    /// The conversation has as many participants as the store allows.
    Full,
}

//! How far participants have read.

use std::future::Future;

use crate::{
    domain::{ConversationId, Seq, UserId},
    error::InternalError,
};

/// How far participants have read.
pub trait Receipts {
    /// Moves a participant's position forward to `receipt.position`, and also what others see of
    /// it, unless the receipt is private.
    ///
    /// Returns what moved, or `None` if the user is not a participant.
    ///
    /// - A position MUST only grow.
    /// - A private receipt MUST NOT change what others see.
    /// - A receipt of a user who is not a participant MUST store nothing.
    fn advance(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        receipt: Receipt,
    ) -> impl Future<Output = Result<Option<Advanced>, InternalError>> + Send;
}

/// A participant says how far they have read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The position, which must be one of the log. [`Seq::START`] moves nothing.
    pub position: Seq,
    /// The number of messages up to the position.
    pub messages: u64,
    /// Whether others must not see it.
    pub private: bool,
}

/// The effect of a [`Receipt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// The participant's position afterwards, and the number of messages up to it.
    pub read_to: Seq,
    /// The number of messages up to `read_to`.
    pub messages: u64,
    /// Whether the position moved.
    pub moved: bool,
    /// Whether the position that others see moved.
    pub shown: bool,
}

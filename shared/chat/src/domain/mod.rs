//! The words of the chat as types: each can only be made from input that keeps its rule, so whoever holds one need not
//! check it again. None of them is serializable; wire shapes are made in [`crate::wire`] and in the routes.

mod conversation;
mod entry;
mod identifiers;
mod people;
mod text;
mod time;

pub use conversation::{Conversation, Participant, Role};
pub use entry::{Change, Content, Digest, Draft, Entry, Seq};
pub use identifiers::{ConnectionId, ConversationId, MessageId, UserId};
pub use people::{Connection, Identity, Subscription};
pub use text::{Body, DisplayName, Title};
pub use time::{CONNECTION_LIFETIME, Timestamp};

/// Why a text is not what it should be: a sentence for the person who sent it, which never repeats the text itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// It breaks the rule that the sentence names.
    #[error("{0}")]
    Invalid(&'static str),
    /// It keeps every rule but that of size.
    #[error("{0}")]
    TooLarge(&'static str),
}

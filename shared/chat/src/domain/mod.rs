//! The domain types. Each can only be created from input that keeps its rule, so no code needs to
//! check it again. They are not serializable; [`crate::wire`] and the routes define the shapes on
//! the wire.

mod content;
mod conversation;
mod counters;
mod emoji;
mod entry;
mod identifiers;
mod people;
mod reaction;
mod text;
mod time;
mod visible;

pub use content::{Content, Revision};
pub use conversation::{Conversation, Participant, ReadState, Role};
pub use counters::Counters;
pub use emoji::Emoji;
pub use entry::{Change, Digest, Draft, Entry, Rewrite, Seq};
pub use identifiers::{ConnectionId, ConversationId, MessageId, UserId};
pub use people::{Connection, Identity, Subscription};
pub use reaction::{Reaction, ReactionChange, ReactionKey};
pub use text::{Body, DisplayName, Title};
pub use time::{CONNECTION_LIFETIME, Timestamp};

/// A value that breaks a rule. The message is a sentence for the client and never repeats the
/// value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The value breaks the stated rule.
    #[error("{0}")]
    Invalid(&'static str),
    /// The value is larger than the stated limit.
    #[error("{0}")]
    TooLarge(&'static str),
}

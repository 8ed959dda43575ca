//! The routes, one file each. A new route is a new file here and a line in this list.

pub mod add_participant;
pub mod connect;
pub mod create_conversation;
pub mod default;
pub mod delete_message;
pub mod disconnect;
pub mod edit_message;
pub mod get_conversation;
pub mod list_conversations;
pub mod ping;
pub mod read_events;
pub mod read_messages;
pub mod receipt;
pub mod remove_participant;
pub mod send_message;
pub mod subscribe;
pub mod typing;
pub mod unsubscribe;

pub use crate::description::{Described, Member};
pub use crate::message_change::{Revised, StoredChange};
pub use crate::participant_change::Changed;
pub use add_participant::AddParticipant;
pub use create_conversation::CreateConversation;
pub use delete_message::DeleteMessage;
pub use edit_message::EditMessage;
pub use get_conversation::GetConversation;
pub use list_conversations::ListConversations;
pub use ping::Ping;
pub use read_events::ReadEvents;
pub use read_messages::ReadMessages;
pub use receipt::Receipt;
pub use remove_participant::RemoveParticipant;
pub use send_message::SendMessage;
pub use subscribe::Subscribe;
pub use typing::Typing;
pub use unsubscribe::Unsubscribe;

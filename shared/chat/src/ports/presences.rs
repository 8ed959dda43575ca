//! When users last looked at the chat.

use std::future::Future;

use crate::{
    domain::{ConnectionId, Timestamp, UserId},
    error::InternalError,
};

/// When users last looked at the chat.
pub trait Presences {
    /// Records that the user looks at the chat on a connection. Returns the presence afterwards.
    ///
    /// - Looking MUST NOT change whether the presence is shown.
    fn look(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> impl Future<Output = Result<Presence, InternalError>> + Send;

    /// Records that the user has looked away from the chat on a connection. Returns the presence
    /// afterwards.
    ///
    /// - If the user has looked on another connection since, it MUST change nothing.
    fn look_away(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> impl Future<Output = Result<Presence, InternalError>> + Send;

    /// Shows or hides a user's presence.
    ///
    /// - It MUST NOT change when the user has looked.
    fn show_presence(
        &self,
        user: &UserId,
        shown: bool,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Reads the presences of at most 100 users, in any order. A user who has never looked may be
    /// missing. **Eventually consistent.**
    fn presences(
        &self,
        users: &[UserId],
    ) -> impl Future<Output = Result<Vec<(UserId, Presence)>, InternalError>> + Send;
}

/// When a user last looked at the chat. The default is a user who never has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// When the user said last that they look or look away; `None` if they never have.
    pub seen_at: Option<Timestamp>,
    /// Whether they have not looked away since.
    pub active: bool,
    /// Whether others may see it.
    pub shown: bool,
}

impl Default for Presence {
    fn default() -> Self {
        Self {
            seen_at: None,
            active: false,
            shown: true,
        }
    }
}

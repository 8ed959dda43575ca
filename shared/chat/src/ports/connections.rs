//! The connections of users.

use std::future::Future;

use crate::{
    domain::{Connection, ConnectionId, ConversationId, UserId},
    error::InternalError,
};

/// The connections of users.
pub trait Connections {
    /// Stores a connection.
    ///
    /// - A connection MUST be read with its expiry.
    fn add_connection(
        &self,
        user: &UserId,
        connection: &Connection,
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Deletes a connection and its subscriptions to `conversations`, those that exist, and its
    /// places unless there are no `conversations`. If it fails, some of them may be deleted.
    ///
    /// - Removing a connection MUST delete its subscriptions to these conversations and no others.
    fn remove_connection(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        conversations: &[ConversationId],
    ) -> impl Future<Output = Result<(), InternalError>> + Send;

    /// Reads all connections of a user, including expired ones.
    fn connections_of(
        &self,
        user: &UserId,
    ) -> impl Future<Output = Result<Vec<Connection>, InternalError>> + Send;
}

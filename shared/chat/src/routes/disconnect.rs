//! `$disconnect`: a connection has closed. The gateway may call this late, twice or never.

use crate::{
    domain::{ConnectionId, UserId},
    failure::Fault,
    fan_out::forget,
    ports::{Connections, Subscriptions},
};

/// Deletes every row of the connection.
///
/// # Errors
/// A [`Fault`]; what is left is inert and expires.
pub async fn handle<P: Subscriptions + Connections + Sync>(
    ports: &P,
    user: &UserId,
    connection: &ConnectionId,
) -> Result<(), Fault> {
    forget(ports, user, connection).await
}

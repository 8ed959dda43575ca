//! `$connect`: a connection has been authorized and is about to open.

use crate::{
    domain::{Connection, Identity},
    error::{Rejection, RequestError},
    ports::{Clock, Connections},
};

/// Stores the connection, so that its user can be told what concerns him.
///
/// # Errors
/// `unauthenticated` if the token has ended since the authorizer answered.
pub async fn handle<P: Connections + Clock>(
    ports: &P,
    identity: &Identity,
    connection: &Connection,
) -> Result<(), RequestError> {
    if identity.expires <= ports.now() {
        return Err(Rejection::Unauthenticated.into());
    }
    ports.add_connection(&identity.user, connection).await?;
    Ok(())
}

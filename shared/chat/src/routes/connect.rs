//! `$connect`: an authorized connection is about to open.

use crate::{
    domain::{Connection, Identity},
    error::{Rejection, RequestError},
    ports::{Clock, Connections},
};

/// Stores the connection, so that notices to its user reach it.
///
/// # Errors
/// `unauthenticated` if the token has expired since the authorizer checked it.
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

//! `$connect`: an authorized connection is about to open.

use crate::{
    domain::{Connection, Identity},
    error::{Rejection, RequestError},
    ports::{Clock, Connections},
};

/// Stores the connection, so that notices to its user reach it. A user has at most `most` stored
/// connections that have not expired.
///
/// The row is written first and then all rows of the user are read, with strong consistency. Of any
/// connections, the one that reads last sees the rows of all others, so no more than `most` are
/// accepted, however many open at once. Connections that open at once may all be refused, although
/// one more would have been allowed.
///
/// # Errors
/// - `unauthenticated` if the token has expired since the authorizer checked it.
/// - [`Rejection::TooManyConnections`]; then the row is deleted again.
pub async fn handle<P: Connections + Clock>(
    ports: &P,
    identity: &Identity,
    connection: &Connection,
    most: usize,
) -> Result<(), RequestError> {
    if identity.expires <= ports.now() {
        return Err(Rejection::Unauthenticated.into());
    }
    ports.add_connection(&identity.user, connection).await?;
    let stored = ports.connections_of(&identity.user).await?;
    let now = ports.now();
    let open = stored.iter().filter(|stored| stored.expires_at() > now);
    if open.count() > most {
        ports
            .remove_connection(&identity.user, &connection.id, &[])
            .await?;
        return Err(Rejection::TooManyConnections.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;
    use crate::{fakes::FakeChat, routes::disconnect};

    /// Opens a connection of Ada whose token is valid for an hour.
    async fn open(chat: &FakeChat, name: &str, most: usize) -> bool {
        let (identity, connection) = chat.connection(name);
        match handle(chat, &identity, &connection, most).await {
            Ok(()) => true,
            Err(RequestError::Rejected(Rejection::TooManyConnections)) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn a_user_has_a_limited_number_of_connections() {
        let chat = FakeChat::new();
        let open = |name: &str| chat.run(open(&chat, name, 2));
        assert!(open("ada-1") && open("ada-2"));
        assert!(!open("ada-3"));
        assert_eq!(
            chat.connection_rows(),
            2,
            "a refused connection leaves no row"
        );
        assert!(open("ada-2"), "a repeated event is accepted again");
        assert!(open("grace-1"), "each user has a limit of their own");

        let (identity, connection) = chat.connection("ada-1");
        chat.run(disconnect::handle(&chat, &identity.user, &connection.id))
            .unwrap();
        assert!(open("ada-3"));
    }

    #[test]
    fn expired_connections_do_not_count() {
        let chat = FakeChat::new();
        assert!(chat.run(open(&chat, "ada-1", 1)));
        assert!(!chat.run(open(&chat, "ada-2", 1)));
        chat.runtime.advance(Duration::from_secs(3_600));
        assert!(chat.run(open(&chat, "ada-2", 1)));
    }

    #[test]
    fn connections_that_open_at_once_do_not_exceed_the_limit() {
        for seed in 0..300 {
            let chat = FakeChat::unsteady(seed);
            let names: Vec<_> = (0..6).map(|number| format!("ada-{number}")).collect();
            let all = names.iter().map(|name| open(&chat, name, 3));
            let accepted = chat.run(join_all(all));
            let accepted = accepted.into_iter().filter(|accepted| *accepted).count();
            assert!(accepted <= 3, "seed {seed}: {accepted} connections");
            assert_eq!(chat.connection_rows(), accepted, "seed {seed}");
        }
    }
}

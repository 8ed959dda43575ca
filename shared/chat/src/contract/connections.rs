use crate::{
    domain::{Connection, Timestamp},
    ports::Connections,
};

use std::time::Duration;

use super::{NOW, connection, connection_until, user};

pub async fn all_stored_connections_of_a_user_are_returned(ports: &impl Connections) {
    let connected_at = Timestamp::from_seconds(1_000);
    let stale = Connection::new(connection("a-stale=").id, connected_at, NOW);
    let rows = [stale, connection("b="), connection("c=")];
    for row in rows.iter().rev() {
        ports.add_connection(&user("ada"), row).await.unwrap();
    }
    ports
        .add_connection(&user("ada#2"), &connection("d="))
        .await
        .unwrap();

    let mut found = ports.connections_of(&user("ada")).await.unwrap();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(found, rows);
    assert_eq!(ports.connections_of(&user("nobody")).await.unwrap(), []);
}

pub async fn a_connection_must_be_read_with_its_expiry(ports: &impl Connections) {
    let lasting = connection("a=");
    let brief = connection_until("b=", NOW.plus(Duration::from_secs(60)));
    for row in [&lasting, &brief] {
        ports.add_connection(&user("ada"), row).await.unwrap();
    }
    let mut found = ports.connections_of(&user("ada")).await.unwrap();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(found, [lasting, brief]);
}

pub async fn removing_deletes_one_connection_if_it_exists(ports: &impl Connections) {
    for name in ["a=", "b="] {
        ports
            .add_connection(&user("ada"), &connection(name))
            .await
            .unwrap();
    }
    for _ in 0..2 {
        ports
            .remove_connection(&user("ada"), &connection("a=").id)
            .await
            .unwrap();
        assert_eq!(
            ports.connections_of(&user("ada")).await.unwrap(),
            [connection("b=")]
        );
    }
}

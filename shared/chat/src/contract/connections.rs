use crate::{
    domain::{Connection, Timestamp},
    ports::{Connections, Subscriptions},
};

use std::time::Duration;

use super::{NOW, connection, connection_until, conversation_id, subscription, user};

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
            .remove_connection(&user("ada"), &connection("a=").id, &[])
            .await
            .unwrap();
        assert_eq!(
            ports.connections_of(&user("ada")).await.unwrap(),
            [connection("b=")]
        );
    }
}

/// More subscriptions than DynamoDB deletes in one call.
pub async fn removing_a_connection_must_delete_its_subscriptions_to_these_conversations_and_no_others(
    ports: &(impl Connections + Subscriptions),
) {
    let ids: Vec<_> = (0..60)
        .map(|number| conversation_id(&format!("c-{number:02}")))
        .collect();
    let removed = &ids[2..];
    let (ada, other) = (subscription("ada", "a="), subscription("ada", "other="));
    for connection in [&ada.connection, &other.connection] {
        ports
            .add_connection(&user("ada"), connection)
            .await
            .unwrap();
    }
    for id in &ids {
        ports.subscribe(id, &ada).await.unwrap();
    }
    ports.subscribe(&removed[0], &other).await.unwrap();
    for connection in [&ada.connection, &other.connection] {
        let claimed = ports.claim(connection, &ids[2..3], 100).await;
        assert!(claimed.unwrap());
    }

    // A row that does not exist and a conversation that is named twice have no effect.
    let named = [removed, &[removed[0].clone(), conversation_id("none")]].concat();
    for _ in 0..2 {
        ports
            .remove_connection(&ada.user, &ada.connection.id, &named)
            .await
            .unwrap();
        let left = ports.connections_of(&ada.user).await.unwrap();
        assert_eq!(left, std::slice::from_ref(&other.connection));
        for (index, id) in ids.iter().enumerate() {
            let expected: &[_] = match index {
                0 | 1 => std::slice::from_ref(&ada),
                2 => std::slice::from_ref(&other),
                _ => &[],
            };
            let found = ports.roster(id).await.unwrap().subscriptions;
            assert_eq!(found, expected, "{id}");
        }
    }
    let other_places = ports.places_of(&other.connection.id).await.unwrap();
    assert_eq!(other_places, &ids[2..3]);
    assert_eq!(ports.places_of(&ada.connection.id).await.unwrap(), []);
}

//! Nothing is pushed to a connection after its token has ended.

use super::*;

fn pushed(client: &str, connection: &str, event: &str) -> Value {
    json!({"type": "pushed", "client": client, "user": "bob", "connection": connection, "event": event})
}

fn expired(client: &str, connection: &str) -> Value {
    json!({"type": "expired", "client": client, "user": "bob", "connection": connection})
}

#[test]
fn pushes_end_with_the_token_of_their_own_connection() {
    let lines = [
        pushed("bob-1", "K1", "message"),
        expired("bob-1", "K1"),
        pushed("bob-1", "K2", "message"),
        pushed("bob-2", "K3", "added"),
        expired("bob-1", "K2"),
    ];
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn a_push_after_the_end_of_the_token_breaks_expired() {
    for event in ["message", "participantAdded", "added", "removed"] {
        let lines = [
            pushed("bob-1", "K1", "message"),
            expired("bob-1", "K1"),
            pushed("bob-2", "K3", "message"),
            pushed("bob-1", "K1", event),
        ];
        let what = format!("{event} was pushed to bob's connection K1 after its token had ended");
        breaks(&lines, Promise::Expired, &what, &["2", "4"]);
    }
}

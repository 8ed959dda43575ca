use serde_json::json;

use super::*;
use crate::{
    fakes::{FakeChat, PushOutcome},
    routes::CreateConversation,
};

/// Ada and Grace are participants; Grace has three subscribed connections.
fn three_subscribers() -> FakeChat {
    let chat = FakeChat::new();
    chat.conversation("c", &["ada", "grace"]);
    for connection in ["grace-1", "grace-2", "grace-3"] {
        chat.connect(connection);
        chat.frame(
            connection,
            json!({"action": "subscribe", "conversation": "c"}),
        );
    }
    chat
}

fn send(chat: &FakeChat) {
    let frame = json!({"action": "sendMessage", "conversation": "c", "id": "m", "body": "Hello"});
    assert_eq!(chat.frame("ada-1", frame)["event"], "sent");
}

fn named(connection: &str) -> ConnectionId {
    ConnectionId::new(connection).unwrap()
}

#[test]
fn a_gone_connection_loses_its_rows_and_others_keep_theirs() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Gone]);
    send(&chat);
    assert_eq!(chat.pushed_to(), ["grace-1", "grace-3"]);
    assert_eq!(chat.connection_rows(), 4);
}

#[test]
fn a_connection_in_its_handshake_keeps_its_rows() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace"]);
    let (identity, mut connection) = chat.connection("grace-1");
    connection.connected_at = chat.now();
    let subscription = Subscription {
        user: identity.user,
        connection,
    };
    chat.run(chat.subscribe(&c, &subscription)).unwrap();
    chat.fail_pushes(&named("grace-1"), [PushOutcome::Gone]);
    send(&chat);
    assert_eq!(chat.connection_rows(), 1);
}

#[test]
fn a_busy_push_is_retried() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 3]);
    send(&chat);
    assert_eq!(chat.pushed_to(), ["grace-1", "grace-3", "grace-2"]);
}

#[test]
fn a_failed_push_stops_neither_other_pushes_nor_the_reply() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-1"), [PushOutcome::Failed]);
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 1_000]);
    send(&chat);
    assert_eq!(chat.pushed_to(), ["grace-3"]);
    assert_eq!(chat.connection_rows(), 6);
}

#[test]
fn a_push_to_a_client_that_does_not_read_is_attempted_four_times() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 1_000]);
    let began = chat.now();
    send(&chat);
    assert_eq!(chat.push_attempts(&named("grace-2")), 4);
    assert!(chat.now().since(began) < Duration::from_millis(300));
}

#[test]
fn the_client_of_a_given_up_push_repairs_the_gap() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 4]);
    send(&chat);
    // The entry is the newest one, so no later push shows the gap, but `ping` does.
    let ping = json!({"action": "ping", "positions": {"c": 0}});
    assert_eq!(chat.frame("grace-2", ping)["heads"], json!({"c": 1}));
    let again = json!({"action": "subscribe", "conversation": "c", "after": 0});
    assert_eq!(chat.frame("grace-2", again)["events"][0]["id"], "m");
}

#[test]
fn a_push_that_is_not_answered_is_given_up() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Unanswered]);
    let began = chat.now();
    send(&chat);
    assert_eq!(chat.pushed_to(), ["grace-1", "grace-3"]);
    assert_eq!(chat.now().since(began), PUSH_LIMIT);
}

#[test]
fn a_fan_out_counts_the_pushes_that_it_missed_and_ends_in_time() {
    let chat = FakeChat::new();
    let targets: Vec<Subscription> = (0..200)
        .map(|number| {
            let (identity, connection) = chat.connection(&format!("grace-{number}"));
            let outcomes = match number {
                0 => vec![],
                1 => vec![PushOutcome::Busy; 4],
                _ => vec![PushOutcome::Unanswered],
            };
            chat.fail_pushes(&connection.id, outcomes);
            Subscription {
                user: identity.user,
                connection,
            }
        })
        .collect();
    let began = chat.now();
    let deadline = began.plus(Duration::from_secs(9));
    let outcome = chat.run(push_all(&chat, targets, "{}", deadline));
    assert_eq!(chat.now().since(began), TIME_LIMIT);
    assert_eq!(outcome.total, 200);
    assert!(outcome.given_up >= WIDTH, "{outcome:?}");
    assert_eq!(outcome.given_up + outcome.remaining + 1, 200, "{outcome:?}");
}

#[test]
fn stale_rows_receive_nothing() {
    let chat = three_subscribers();
    chat.remove(&ConversationId::new("c").unwrap(), "grace");
    send(&chat);
    assert_eq!(chat.pushed_to(), [""; 0]);

    let chat = three_subscribers();
    chat.runtime.advance(crate::domain::CONNECTION_LIFETIME);
    send(&chat);
    assert_eq!(chat.pushed_to(), [""; 0]);
}

#[test]
fn entries_and_notices_are_pushed_until_the_token_ends() {
    let all = ["grace-1", "grace-2", "grace-3"];
    let invite = |chat: &FakeChat| {
        let fields = json!({"id": "d", "participants": ["grace"]});
        chat.ask::<CreateConversation>("ada", fields).unwrap();
    };
    // The tokens of a fake chat are valid for an hour.
    for (seconds, recipients) in [(3_599, &all[..]), (3_600, &[])] {
        let chat = three_subscribers();
        chat.runtime.advance(Duration::from_secs(seconds));
        send(&chat);
        assert_eq!(chat.pushed_to(), recipients, "a message after {seconds} s");
        invite(&chat);
        assert_eq!(chat.pushed_to(), recipients, "a notice after {seconds} s");
    }
}

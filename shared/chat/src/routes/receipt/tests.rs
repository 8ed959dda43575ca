use serde_json::{Value, json};

use super::*;
use crate::{
    fakes::FakeChat,
    ports::Participants as _,
    routes::{AddParticipant, ListConversations, RemoveParticipant},
};

/// Ten messages of Ada in `c`. Ada, Grace and Bob have two subscribed connections each, and Grace a
/// third one that is not subscribed. Mallory is not a participant.
fn chat() -> FakeChat {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace", "bob"]);
    chat.history(&c, "ada", 10);
    for connection in ["ada-1", "ada-2", "grace-1", "grace-2", "bob-1", "bob-2"] {
        chat.connect(connection);
        chat.frame(
            connection,
            json!({"action": "subscribe", "conversation": "c"}),
        );
    }
    chat.connect("grace-3");
    chat
}

fn receipt(read: u64) -> Value {
    json!({"action": "receipt", "conversation": "c", "read": read})
}

fn private(read: u64) -> Value {
    let mut receipt = receipt(read);
    receipt["private"] = json!(true);
    receipt
}

/// Returns the position up to which a user has read, and their unread messages.
fn unread(chat: &FakeChat, user: &str) -> (u64, u64) {
    let list = chat.ask::<ListConversations>(user, json!({})).unwrap();
    let listed = &list["conversations"][0];
    (
        listed["readTo"].as_u64().unwrap(),
        listed["unread"].as_u64().unwrap(),
    )
}

const OTHERS: [&str; 4] = ["ada-1", "ada-2", "bob-1", "bob-2"];

#[test]
fn a_receipt_reaches_the_own_connections_and_the_other_participants() {
    let chat = chat();
    chat.frame("grace-1", receipt(7));
    let pushed = json!({"event": "read", "conversation": "c", "user": "grace", "readTo": 7,
        "messages": 7});
    // Also the own connection that is not subscribed: the badge of another device.
    let own = ["grace-2", "grace-3"].into_iter();
    let expected: Vec<_> = own
        .chain(OTHERS)
        .map(|name| (name.to_owned(), pushed.clone()))
        .collect();
    assert_eq!(chat.pushed(), expected);
    assert_eq!(unread(&chat, "grace"), (7, 3));
    assert_eq!(unread(&chat, "bob"), (0, 10));
}

#[test]
fn over_http_the_answer_has_the_newest_position_and_all_own_connections_are_told() {
    let chat = chat();
    let put = |read: u64| {
        let fields = json!({"conversation": "c", "read": read});
        let answer = chat.ask::<Receipt>("grace", fields).unwrap();
        (answer["readTo"].clone(), answer["messages"].clone())
    };
    assert_eq!(put(7), (json!(7), json!(7)));
    assert_eq!(chat.pushed_to().len(), 7);
    for read in [7, 4, 0] {
        assert_eq!(put(read), (json!(7), json!(7)));
        assert_eq!(chat.pushed_to(), [""; 0], "nothing new is pushed");
    }
    assert_eq!(put(10), (json!(10), json!(10)));
    assert_eq!(unread(&chat, "grace"), (10, 0));
}

#[test]
fn a_private_receipt_reaches_only_the_own_connections() {
    let chat = chat();
    chat.frame("grace-1", private(7));
    assert_eq!(chat.pushed_to(), ["grace-2", "grace-3"]);
    assert_eq!(unread(&chat, "grace"), (7, 3));
    // A public receipt shows others a position that the user has reached in private.
    chat.frame("grace-1", receipt(6));
    let pushed = chat.pushed();
    assert_eq!(pushed.len(), 4);
    assert!(pushed.iter().all(|(_, frame)| frame["readTo"] == 6));
    assert_eq!(unread(&chat, "grace"), (7, 3));
}

#[test]
fn messages_are_counted_up_to_the_position_whatever_lies_between() {
    let chat = chat();
    let c = ConversationId::new("c").unwrap();
    chat.remove(&c, "bob");
    chat.history(&c, "ada", 2);
    let fields = json!({"conversation": "c", "read": 11});
    let answer = chat.ask::<Receipt>("grace", fields).unwrap();
    assert_eq!(answer["messages"], 10);
    assert_eq!(unread(&chat, "grace"), (11, 2));
}

#[test]
fn only_a_position_of_the_log_is_stored() {
    let chat = chat();
    for (read, code) in [
        (json!(11), "unknown_position"),
        (json!(999_999_999_999_u64), "unknown_position"),
        (json!(-1), "unknown_position"),
        (json!(1.5), "unknown_position"),
        (json!("7"), "invalid"),
        (Value::Null, "invalid"),
    ] {
        let fields = json!({"conversation": "c", "read": read});
        let problem = chat.ask::<Receipt>("grace", fields).unwrap_err();
        assert_eq!(
            (&problem["code"], &problem["field"]),
            (&json!(code), &json!("read")),
            "{read}"
        );
    }
    let fields = json!({"conversation": "c", "read": 1, "private": "no"});
    let problem = chat.ask::<Receipt>("grace", fields);
    assert_eq!(problem.unwrap_err()["field"], "private");
    assert_eq!(chat.pushed_to(), [""; 0]);
    assert_eq!(unread(&chat, "grace"), (0, 10));
}

#[test]
fn a_stranger_stores_nothing_and_learns_nothing() {
    let chat = chat();
    let known = chat
        .ask::<Receipt>("mallory", json!({"conversation": "c", "read": 7}))
        .unwrap_err();
    assert_eq!(known["code"], "not_found");
    for (conversation, read) in [("c", 0), ("c", 11), ("none", 0), ("none", 7)] {
        let fields = json!({"conversation": conversation, "read": read});
        assert_eq!(chat.ask::<Receipt>("mallory", fields).unwrap_err(), known);
    }
    assert_eq!(chat.pushed_to(), [""; 0]);
    let c = ConversationId::new("c").unwrap();
    let row = chat.run(chat.participant(&c, &chat.identity("mallory").user));
    assert_eq!(row.unwrap(), None);
}

#[test]
fn a_removed_participant_starts_again_where_they_are_added() {
    let chat = chat();
    chat.frame("grace-1", receipt(7));
    let user = json!({"conversation": "c", "user": "grace"});
    chat.ask::<RemoveParticipant>("ada", user.clone()).unwrap();
    let _ = chat.pushed();
    chat.frame("grace-1", receipt(9));
    assert_eq!(chat.pushed_to(), [""; 0]);
    chat.ask::<AddParticipant>("ada", user).unwrap();
    let _ = chat.pushed();
    assert_eq!(unread(&chat, "grace"), (12, 0));
    // A late receipt of the time before moves nothing.
    chat.frame("grace-1", receipt(8));
    assert_eq!(unread(&chat, "grace"), (12, 0));
}

#[test]
fn in_a_large_conversation_only_the_own_connections_are_told() {
    for (others, expected) in [(19, 2), (20, 1)] {
        let chat = FakeChat::new();
        let users: Vec<String> = (1..=others).map(|n| format!("user{n}-1")).collect();
        let mut people: Vec<&str> = users.iter().map(|name| &name[..name.len() - 2]).collect();
        people.insert(0, "ada");
        let c = chat.conversation("c", &people);
        chat.history(&c, "ada", 1);
        for connection in ["ada-1", "ada-2", &users[0]] {
            chat.connect(connection);
            chat.frame(
                connection,
                json!({"action": "subscribe", "conversation": "c"}),
            );
        }
        chat.frame("ada-1", receipt(1));
        assert_eq!(chat.pushed_to().len(), expected, "{others} others");
    }
}

use serde_json::{Value, json};

use super::*;
use crate::{
    fakes::FakeChat,
    routes::{AddParticipant, SendMessage},
};

/// Ada owns the conversation `c`. Everybody has a connection that is subscribed to it.
fn conversation(users: &[&str]) -> (FakeChat, ConversationId) {
    let chat = FakeChat::new();
    let c = chat.conversation("c", users);
    for user in users {
        let connection = format!("{user}-1");
        chat.connect(&connection);
        let subscribe = json!({"action": "subscribe", "conversation": "c"});
        assert_eq!(chat.frame(&connection, subscribe)["event"], "subscribed");
    }
    (chat, c)
}

fn remove(chat: &FakeChat, by: &str, users: Value) -> Result<Value, Value> {
    chat.ask::<RemoveParticipants>(by, json!({"conversation": "c", "users": users}))
}

fn outcome(user: &str, outcome: &str, seq: Option<u64>) -> Value {
    json!({"user": user, "outcome": outcome, "seq": seq})
}

#[test]
fn each_removal_is_an_entry_that_is_pushed_and_a_notice() {
    let (chat, c) = conversation(&["ada", "bob", "carol", "dave"]);
    assert_eq!(
        remove(&chat, "ada", json!(["bob", "mallory", "carol", "bob"])),
        Ok(json!({"users": [
            outcome("bob", "removed", Some(1)),
            outcome("mallory", "unchanged", None),
            outcome("carol", "removed", Some(2)),
        ]}))
    );
    let pushed = chat.pushed();
    for stays in ["ada-1", "dave-1"] {
        let frames = pushed.iter().filter(|(to, _)| to == stays);
        let entries: Vec<(&Value, &Value)> = frames
            .map(|(_, frame)| (&frame["seq"], &frame["user"]))
            .collect();
        let expected = [(&json!(1), &json!("bob")), (&json!(2), &json!("carol"))];
        assert_eq!(entries, expected, "{stays}");
    }
    let notice = json!({"event": "removed", "conversation": "c"});
    for gone in ["bob-1", "carol-1"] {
        let frames = pushed.iter().filter(|(to, _)| to == gone);
        let frames: Vec<&Value> = frames.map(|(_, frame)| frame).collect();
        assert_eq!(frames, [&notice], "{gone}");
    }
    assert_eq!(pushed.len(), 6);
    assert_eq!(chat.log(&c).len(), 2);
    let left: Vec<String> = chat
        .subscriptions()
        .into_iter()
        .map(|(_, row)| row.user.to_string())
        .collect();
    assert_eq!(left, ["ada", "dave"]);
}

#[test]
fn a_removed_user_neither_stores_nor_receives_until_added_again() {
    let (chat, _) = conversation(&["ada", "bob", "carol"]);
    remove(&chat, "ada", json!(["bob", "carol"])).unwrap();
    let _ = chat.take_pushed();
    let message = json!({"conversation": "c", "id": "m", "body": "Hello"});
    let rejected = chat.ask::<SendMessage>("bob", message.clone()).unwrap_err();
    assert_eq!(rejected["code"], "not_found");
    chat.ask::<SendMessage>("ada", message.clone()).unwrap();
    assert_eq!(chat.pushed_to(), ["ada-1"]);
    let again = json!({"conversation": "c", "user": "bob"});
    chat.ask::<AddParticipant>("ada", again).unwrap();
    assert_eq!(chat.ask::<SendMessage>("bob", message).unwrap()["seq"], 5);
}

#[test]
fn a_repetition_stores_nothing_and_completes_an_interrupted_removal() {
    let (chat, c) = conversation(&["ada", "bob", "carol"]);
    // The rows of the subscriptions are left.
    chat.remove(&c, "bob");
    chat.remove(&c, "carol");
    let users = json!(["bob", "carol"]);
    for _ in 0..2 {
        assert_eq!(
            remove(&chat, "ada", users.clone()),
            Ok(json!({"users": [
                outcome("bob", "unchanged", None),
                outcome("carol", "unchanged", None),
            ]}))
        );
        assert_eq!(chat.subscriptions().len(), 1);
        assert_eq!(chat.log(&c).len(), 2);
        assert_eq!(chat.pushed_to(), [""; 0]);
    }
}

#[test]
fn only_the_owner_removes_many_and_not_themselves() {
    let (chat, c) = conversation(&["ada", "bob", "carol"]);
    for (by, users, code) in [
        ("bob", json!(["carol"]), "forbidden"),
        ("mallory", json!(["carol"]), "not_found"),
        ("ada", json!(["bob", "ada"]), "forbidden"),
        ("ada", json!("bob"), "invalid"),
        ("ada", json!(["bob", 5]), "invalid"),
        ("ada", json!([""]), "invalid"),
        ("ada", json!(null), "invalid"),
    ] {
        let refused = remove(&chat, by, users.clone()).unwrap_err();
        assert_eq!(refused["code"], code, "{by} {users}");
    }
    assert_eq!(chat.log(&c), []);
    assert_eq!(remove(&chat, "ada", json!([])), Ok(json!({"users": []})));
}

#[test]
fn at_most_25_users_are_removed_with_one_put_for_each() {
    let names: Vec<String> = (10..40).map(|number| format!("user-{number}")).collect();
    let mut users: Vec<&str> = names.iter().map(String::as_str).collect();
    users.insert(0, "ada");
    let chat = FakeChat::new();
    chat.conversation("c", &users);
    let refused = remove(&chat, "ada", json!(&names[..26])).unwrap_err();
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("invalid"), &json!("users"))
    );

    let _ = chat.take_calls();
    let before = chat.puts();
    remove(&chat, "ada", json!(&names[..25])).unwrap();
    assert_eq!(chat.puts() - before, 25);
    let calls = chat.take_calls();
    let of = |method: &str| calls.iter().filter(|call| call.method == method).count();
    assert_eq!(
        (of("participant"), of("read_back"), of("read_from")),
        (27, 1, 0)
    );
}

#[test]
fn the_cost_grows_with_the_number_of_users() {
    let cost = |users: Value| {
        let fields = json!({"users": users});
        let fields = Fields::from_object(fields.as_object().cloned().unwrap());
        <RemoveParticipants as Route<FakeChat>>::cost(&fields)
    };
    for (users, expected) in [
        (json!([]), 4),
        (json!(["bob"]), 6),
        (json!(["bob", "carol", "bob"]), 8),
        // Rejected later.
        (json!(5), 4),
        (json!(null), 4),
    ] {
        assert_eq!(cost(users.clone()), expected, "{users}");
    }
}

#[test]
fn users_for_whom_there_is_no_time_are_reported_as_such() {
    let (chat, c) = conversation(&["ada", "bob", "carol"]);
    let fields = json!({"conversation": "c", "users": ["bob", "mallory"]});
    let request = Request {
        identity: chat.identity("ada"),
        connection: None,
        fields: Fields::from_object(fields.as_object().cloned().unwrap()),
        deadline: chat.now(),
    };
    let removals = chat
        .run(RemoveParticipants::handle(&chat, &request))
        .unwrap();
    assert_eq!(
        serde_json::to_value(removals).unwrap(),
        json!({"users": [
            outcome("bob", "contended", None),
            outcome("mallory", "unchanged", None),
        ]})
    );
    assert_eq!(chat.log(&c), []);
    // The rows of a user who is still a participant stay.
    assert_eq!(chat.subscriptions().len(), 3);
}

use serde_json::{Value, json};

use crate::{
    fakes::FakeChat,
    routes::{AddParticipant, RemoveParticipant},
};

/// Ada and Grace in `c` and `d` with three messages each. Grace is subscribed to `c`.
fn chat() -> FakeChat {
    let chat = FakeChat::new();
    for id in ["c", "d"] {
        let conversation = chat.conversation(id, &["ada", "grace"]);
        chat.history(&conversation, "ada", 3);
    }
    chat.conversation("foreign", &["ada"]);
    let frame = json!({"action": "subscribe", "conversation": "c"});
    assert_eq!(chat.frame("grace-1", frame)["event"], "subscribed");
    let _ = chat.take_calls();
    chat
}

fn catch_up(chat: &FakeChat, conversation: &str, after: Value) -> Value {
    let frame = json!({"action": "catchUp", "ref": "r", "conversation": conversation,
        "after": after});
    chat.frame("grace-1", frame)
}

fn seqs(reply: &Value) -> Vec<u64> {
    let entries = reply["events"].as_array().unwrap().iter();
    entries.map(|e| e["seq"].as_u64().unwrap()).collect()
}

#[test]
fn missed_entries_are_returned_and_nothing_is_written() {
    let chat = chat();
    let rows = chat.connection_rows();
    let reply = catch_up(&chat, "c", json!(1));
    assert_eq!(seqs(&reply), [2, 3]);
    assert_eq!(reply["events"][0]["body"], "text 2");
    for (name, expected) in [
        ("event", json!("caughtUp")),
        ("ref", json!("r")),
        ("conversation", json!("c")),
        ("head", json!(3)),
        ("limited", json!(false)),
        ("subscribed", json!(true)),
    ] {
        assert_eq!(reply[name], expected, "{name}");
    }
    assert_eq!(reply.get("messages"), None);
    let calls: Vec<_> = chat.take_calls().iter().map(|call| call.method).collect();
    assert_eq!(
        calls,
        ["places_of", "participant", "read_from", "participant"]
    );
    assert_eq!(chat.connection_rows(), rows);
}

#[test]
fn a_connection_that_is_not_subscribed_is_told() {
    let chat = chat();
    let reply = catch_up(&chat, "d", json!(0));
    assert_eq!(
        (seqs(&reply), &reply["subscribed"]),
        (vec![1, 2, 3], &json!(false))
    );

    // The subscription of a user who was removed does not come back with the user.
    let grace = json!({"conversation": "c", "user": "grace"});
    chat.ask::<RemoveParticipant>("ada", grace.clone()).unwrap();
    assert_eq!(catch_up(&chat, "c", json!(3))["code"], "not_found");
    chat.ask::<AddParticipant>("ada", grace).unwrap();
    let reply = catch_up(&chat, "c", json!(3));
    assert_eq!(
        (seqs(&reply), &reply["subscribed"]),
        (vec![4, 5], &json!(false))
    );
}

#[test]
fn positions_are_required_and_checked() {
    let chat = chat();
    for after in [json!(4), json!(-1), json!(0.5)] {
        assert_eq!(
            catch_up(&chat, "c", after.clone())["code"],
            "unknown_position",
            "{after}"
        );
    }
    let missing = catch_up(&chat, "c", Value::Null);
    assert_eq!(
        (&missing["code"], &missing["field"]),
        (&json!("invalid"), &json!("after"))
    );
    let wanted = json!([{"conversation": "c", "after": 1}, {"conversation": "d"}]);
    let missing = chat.frame(
        "grace-1",
        json!({"action": "catchUp", "conversations": wanted}),
    );
    let expected = (&json!("invalid"), &json!("conversations"));
    assert_eq!((&missing["code"], &missing["field"]), expected);
}

#[test]
fn many_conversations_have_one_outcome_each() {
    let chat = chat();
    let wanted = json!([
        {"conversation": "d", "after": 2},
        {"conversation": "foreign", "after": 0},
        {"conversation": "c", "after": 3},
        {"conversation": "none", "after": 0},
    ]);
    let frame = json!({"action": "catchUp", "ref": "r", "conversations": wanted});
    let reply = chat.frame("grace-1", frame);
    assert_eq!(
        (&reply["event"], &reply["ref"]),
        (&json!("caughtUp"), &json!("r"))
    );
    let outcomes = reply["conversations"].as_array().unwrap();
    let short: Vec<_> = outcomes
        .iter()
        .map(|outcome| (outcome["subscribed"].as_bool(), outcome["code"].as_str()))
        .collect();
    let not_found = (None, Some("not_found"));
    let expected = [
        (Some(false), None),
        not_found,
        (Some(true), None),
        not_found,
    ];
    assert_eq!(short, expected);
    assert_eq!((seqs(&outcomes[0]), seqs(&outcomes[2])), (vec![3], vec![]));
}

#[test]
fn a_long_gap_is_read_page_by_page() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["grace"]);
    chat.history(&c, "grace", 250);
    let (mut seen, mut pages) = (0, 0);
    loop {
        let reply = catch_up(&chat, "c", json!(seen));
        assert_eq!(reply["head"], 250, "every page has the current head");
        seen = *seqs(&reply).last().unwrap();
        pages += 1;
        if reply["limited"] == json!(false) {
            break;
        }
    }
    assert_eq!((seen, pages), (250, 3));
}

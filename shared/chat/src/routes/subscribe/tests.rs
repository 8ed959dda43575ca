mod many;
mod places;
mod receipts;

use std::time::Duration;

use serde_json::{Value, json};

use super::Subscribe;
use crate::{
    fakes::FakeChat,
    fields::Fields,
    missed::PAGE_TEXTS,
    ports::Clock as _,
    request::{Request, Route as _},
    routes::EditMessage,
};

pub fn subscribe(chat: &FakeChat, connection: &str, after: Value) -> Value {
    chat.frame(
        connection,
        json!({"action": "subscribe", "ref": "s", "conversation": "c", "after": after}),
    )
}

pub fn seqs(reply: &Value) -> Vec<u64> {
    reply["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["seq"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_subscriber_gets_missed_entries_and_then_new_ones() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace"]);
    chat.history(&c, "ada", 3);
    let reply = subscribe(&chat, "grace-1", json!(1));
    assert_eq!(seqs(&reply), [2, 3]);
    assert_eq!(
        (
            &reply["event"],
            &reply["ref"],
            &reply["head"],
            &reply["limited"]
        ),
        (&json!("subscribed"), &json!("s"), &json!(3), &json!(false))
    );
    assert_eq!(reply["events"][0]["body"], "text 2");
    let frame = json!({"action": "sendMessage", "conversation": "c", "id": "x", "body": "new"});
    chat.frame("ada-1", frame);
    assert_eq!(chat.pushed_to(), ["grace-1"]);
}

#[test]
fn positions_are_checked() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada"]);
    chat.history(&c, "ada", 3);
    for (after, expected) in [
        (json!(0), Some(vec![1, 2, 3])),
        (json!(3), Some(vec![])),
        (Value::Null, Some(vec![])),
        (json!(4), None),
        (json!(-1), None),
        (json!(0.5), None),
    ] {
        let reply = subscribe(&chat, "ada-1", after.clone());
        match expected {
            Some(expected) => {
                assert_eq!(
                    (seqs(&reply), &reply["head"]),
                    (expected, &json!(3)),
                    "{after}"
                );
            }
            None => assert_eq!(reply["code"], "unknown_position", "{after}"),
        }
    }
    chat.conversation("empty", &["ada"]);
    let frame = json!({"action": "subscribe", "conversation": "empty", "after": 0});
    assert_eq!(chat.frame("ada-1", frame)["head"], 0);
}

#[test]
fn a_client_catches_up_page_by_page() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada"]);
    chat.history(&c, "ada", 250);
    let (mut seen, mut pages) = (0, 0);
    loop {
        let reply = subscribe(&chat, "ada-1", json!(seen));
        assert_eq!(reply["head"], 250, "every page has the current head");
        let page = seqs(&reply);
        assert_eq!(
            page,
            (seen + 1..=seen + page.len() as u64).collect::<Vec<_>>()
        );
        seen += page.len() as u64;
        pages += 1;
        if reply["limited"] == json!(false) {
            break;
        }
    }
    assert_eq!((seen, pages), (250, 3));
}

/// Whether API Gateway sends a longer reply of a route is not known: a frame has at most 32 KB.
const LONGEST_REPLY: usize = 30_000;

#[test]
fn a_reply_has_at_most_30_000_bytes_and_progresses() {
    // The longest names, ids and references, escaped where they can be.
    let (conversation, user) = ("c".repeat(64), "\"".repeat(120));
    for body in [
        "\u{1f600}".repeat(4_000),
        "\"".repeat(8_192),
        "x".repeat(16_384),
        "x".repeat(1_000),
        "x".to_owned(),
    ] {
        let chat = FakeChat::new();
        let name = format!("{user}-1");
        chat.conversation(&conversation, &[&user]);
        for n in 0..120 {
            let id = format!("{n:0>64}");
            let frame = json!({"action": "sendMessage", "conversation": conversation, "id": id,
                "body": body});
            assert_eq!(chat.frame(&name, frame)["event"], "sent");
        }
        let mut seen = 0;
        loop {
            let frame = json!({"action": "subscribe", "ref": "\"".repeat(64),
                "conversation": conversation, "after": seen});
            let reply = chat.frame(&name, frame);
            let length = reply.to_string().len();
            assert!(length <= LONGEST_REPLY, "{length} bytes");
            let page = seqs(&reply);
            assert_eq!(page.first(), Some(&(seen + 1)));
            seen = *page.last().unwrap();
            if reply["limited"] == json!(false) {
                break;
            }
        }
        assert_eq!(seen, 120);
    }
}

#[test]
fn a_non_participant_learns_nothing_and_leaves_no_row() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada"]);
    chat.history(&c, "ada", 1);
    for after in [json!(0), json!(1), json!(7), Value::Null] {
        let known = subscribe(&chat, "mallory-1", after.clone());
        assert_eq!(known["code"], "not_found");
        let frame =
            json!({"action": "subscribe", "ref": "s", "conversation": "none", "after": after});
        assert_eq!(chat.frame("mallory-1", frame), known);
    }
    assert_eq!(chat.connection_rows(), 0);
}

#[test]
fn nothing_is_pushed_after_unsubscribe() {
    let chat = FakeChat::new();
    chat.conversation("c", &["ada", "grace"]);
    subscribe(&chat, "grace-1", Value::Null);
    let frame = json!({"action": "unsubscribe", "ref": "u", "conversation": "c"});
    let gone = json!({"event": "unsubscribed", "ref": "u", "conversation": "c"});
    assert_eq!(chat.frame("grace-1", frame.clone()), gone);
    assert_eq!(chat.frame("mallory-1", frame), gone);
    let frame = json!({"action": "sendMessage", "conversation": "c", "id": "x", "body": "new"});
    chat.frame("ada-1", frame);
    assert_eq!(chat.pushed_to(), [""; 0]);
}

#[test]
fn a_repeated_subscription_does_not_outlive_the_token() {
    let chat = FakeChat::new();
    chat.conversation("c", &["ada", "grace"]);
    let (identity, connection) = chat.connection("grace-1");
    let fields = json!({"conversation": "c"}).as_object().cloned().unwrap();
    let minute = Duration::from_secs(60);
    let mut request = Request {
        identity,
        connection: Some(connection),
        fields: Fields::from_object(fields),
        deadline: chat.now(),
    };
    for _ in 0..59 {
        chat.runtime.advance(minute);
        request.deadline = chat.now().plus(minute);
        chat.run(Subscribe::handle(&chat, &request)).unwrap();
    }
    for (id, recipients) in [("m-1", &["grace-1"][..]), ("m-2", &[])] {
        let frame = json!({"action": "sendMessage", "conversation": "c", "id": id, "body": "new"});
        chat.frame("ada-1", frame);
        assert_eq!(chat.pushed_to(), recipients, "{id}");
        chat.runtime.advance(minute);
    }
}

#[test]
fn a_page_reads_the_texts_of_a_bounded_number_of_edits() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace"]);
    let messages = 2 * PAGE_TEXTS + 10;
    chat.history(&c, "ada", messages);
    for target in 1..=messages {
        let fields = json!({"conversation": "c", "id": format!("e-{target}"), "target": target,
            "body": format!("new {target}")});
        chat.ask::<EditMessage>("ada", fields).unwrap();
    }
    let (mut position, mut pages, mut texts) = (messages as u64, 0, Vec::new());
    loop {
        let _ = chat.take_calls();
        let page = subscribe(&chat, "grace-1", json!(position));
        let calls = chat.take_calls();
        let reads = calls.iter().filter(|call| call.method == "read_at");
        let rows: Vec<usize> = reads.map(|call| call.rows).collect();
        assert!(rows.len() == 1 && rows[0] <= PAGE_TEXTS, "{calls:?}");
        let entries = page["events"].as_array().unwrap();
        texts.extend(entries.iter().map(|entry| entry["body"].clone()));
        position = *seqs(&page).last().unwrap();
        pages += 1;
        if page["limited"] == false {
            break;
        }
    }
    let expected: Vec<Value> = (1..=messages).map(|n| json!(format!("new {n}"))).collect();
    assert_eq!((texts, pages), (expected, 3));
}

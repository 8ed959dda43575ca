use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    domain::{Content, ConversationId, Revision},
    fakes::FakeChat,
    ports::{MOST_POSITIONS, Participants as _},
    routes::{EditMessage, ListConversations, ReadEvents, ReadMessages, SendMessage},
};

fn edit(id: &str, target: u64, body: &str, after: Option<u64>) -> Value {
    json!({"action": "editMessage", "conversation": "c", "id": id, "target": target, "body": body,
        "after": after})
}

fn code(reply: &Value) -> &str {
    reply["code"].as_str().unwrap_or("none")
}

/// Ada and Grace, whose connections are subscribed to `c`. Ada has sent `Hello` at 1.
fn talk() -> FakeChat {
    let chat = FakeChat::new();
    chat.conversation("c", &["grace", "ada"]);
    for connection in ["ada-1", "ada-2", "grace-1"] {
        chat.connect(connection);
        let subscribe = json!({"action": "subscribe", "conversation": "c"});
        chat.frame(connection, subscribe);
    }
    let hello = json!({"action": "sendMessage", "conversation": "c", "id": "m-1", "body": "Hello"});
    assert_eq!(chat.frame("ada-1", hello)["seq"], 1);
    let _ = chat.pushed();
    chat
}

fn c() -> ConversationId {
    ConversationId::new("c").unwrap()
}

fn events(chat: &FakeChat, user: &str, after: u64) -> Vec<Value> {
    let fields = json!({"conversation": "c", "after": after, "limit": 1_000});
    let page = chat.ask::<ReadEvents>(user, fields).unwrap();
    page["events"].as_array().unwrap().clone()
}

#[test]
fn an_edit_is_acknowledged_pushed_and_read_everywhere() {
    for after in [Some(1), Some(0), None] {
        let chat = talk();
        let reply = chat.frame("ada-1", edit("e-1", 1, "Hello again", after));
        let at = reply["sentAt"].clone();
        let edited = json!({"event": "edited", "conversation": "c", "id": "e-1", "seq": 2,
            "sentAt": at, "duplicate": false});
        assert_eq!(reply, edited);
        let entry = json!({"event": "messageEdited", "conversation": "c", "seq": 2, "id": "e-1",
            "target": 1, "body": "Hello again", "sender": "ada", "sentAt": at});
        let expected = ["ada-2", "grace-1"].map(|name| (name.to_owned(), entry.clone()));
        assert_eq!(chat.pushed(), expected);

        let read = events(&chat, "grace", 0);
        assert_eq!(read[1], entry);
        let message = json!({"event": "message", "conversation": "c", "seq": 1, "id": "m-1",
            "sender": "ada", "name": "Ada", "body": "Hello again",
            "edited": {"seq": 2, "at": at}, "sentAt": read[0]["sentAt"]});
        assert_eq!(read[0], message);
        let subscribe = json!({"action": "subscribe", "conversation": "c", "after": 0});
        assert_eq!(chat.frame("grace-1", subscribe)["events"], json!(read));
        let history = chat.ask::<ReadMessages>("grace", json!({"conversation": "c"}));
        assert_eq!(history.unwrap()["messages"], json!([message]));
        let list = chat.ask::<ListConversations>("grace", json!({})).unwrap();
        assert_eq!(list["conversations"][0]["lastMessage"], message);
    }
}

#[test]
fn a_repeated_edit_is_stored_once_and_pushed_again_with_its_text() {
    for after in [Some(1), Some(2), None] {
        let chat = talk();
        let first = chat.frame("ada-1", edit("e-1", 1, "Again", Some(1)));
        let _ = chat.pushed();
        let second = chat.frame("ada-2", edit("e-1", 1, "Again", after));
        assert_eq!(
            (&second["seq"], &second["duplicate"]),
            (&json!(2), &json!(true))
        );
        assert_eq!(second["sentAt"], first["sentAt"]);
        let pushed = chat.pushed();
        assert_eq!(pushed.len(), 2, "after {after:?}");
        assert_eq!(pushed[0].1["body"], "Again");

        for other in [
            edit("e-1", 1, "Other", after),
            edit("e-1", 2, "Again", after),
        ] {
            assert_eq!(code(&chat.frame("ada-1", other)), "id_reused");
        }
        let message =
            json!({"action": "sendMessage", "conversation": "c", "id": "e-1", "body": "Again"});
        assert_eq!(code(&chat.frame("ada-1", message)), "id_reused");
        assert_eq!(chat.log(&c()).len(), 2);
    }
}

#[test]
fn only_the_newest_edit_has_a_text() {
    let chat = talk();
    chat.frame("ada-1", edit("e-1", 1, "First", None));
    chat.frame("ada-1", edit("e-2", 1, "Second", None));
    let bodies = |after| -> Vec<Value> {
        let read = events(&chat, "grace", after).into_iter();
        read.map(|entry| entry["body"].clone()).collect()
    };
    assert_eq!(bodies(0), [json!("Second"), Value::Null, json!("Second")]);
    assert_eq!(bodies(1), [Value::Null, json!("Second")]);
    let _ = chat.pushed();
    chat.frame("ada-1", edit("e-1", 1, "First", None));
    let (_, repeated) = &chat.pushed()[0];
    assert_eq!(
        (&repeated["seq"], &repeated["body"]),
        (&json!(2), &Value::Null)
    );
}

#[test]
fn a_repeated_message_that_was_edited_is_still_its_duplicate() {
    let chat = talk();
    chat.frame("ada-1", edit("e-1", 1, "Again", None));
    let _ = chat.pushed();
    for after in [Some(0), Some(1), None] {
        let hello = json!({"action": "sendMessage", "conversation": "c", "id": "m-1",
            "body": "Hello", "after": after});
        let reply = chat.frame("ada-1", hello);
        assert_eq!(
            (&reply["seq"], &reply["duplicate"]),
            (&json!(1), &json!(true))
        );
        let (_, pushed) = &chat.pushed()[0];
        assert_eq!(pushed["body"], "Again");
    }
    assert_eq!(chat.log(&c()).len(), 2);
}

#[test]
fn what_cannot_be_edited_is_refused_and_nothing_is_stored() {
    for after in [Some(0), None] {
        let mut chat = talk();
        chat.edit_window = Duration::from_secs(60);
        let refused = |chat: &FakeChat, connection: &str, target: u64| {
            let reply = chat.frame(connection, edit("e-1", target, "Again", after));
            (code(&reply).to_owned(), reply["field"].clone())
        };
        let unknown = ("unknown_message".to_owned(), json!("target"));
        let forbidden = ("forbidden".to_owned(), Value::Null);
        assert_eq!(refused(&chat, "ada-1", 2), unknown, "beyond the head");
        assert_eq!(refused(&chat, "grace-1", 1), forbidden, "of another sender");
        chat.runtime.advance(Duration::from_secs(61));
        assert_eq!(refused(&chat, "ada-1", 1), forbidden, "beyond the window");
        assert_eq!(chat.log(&c()).len(), 1);
        assert_eq!(chat.pushed(), []);
    }
}

#[test]
fn an_entry_that_is_not_a_message_cannot_be_edited() {
    let chat = FakeChat::new();
    chat.conversation("c", &["ada", "grace", "mallory"]);
    chat.history(&c(), "ada", 1);
    chat.remove(&c(), "mallory");
    let edited = |id: &str, target| {
        let fields = edit(id, target, "Again", None);
        chat.ask::<EditMessage>("ada", fields)
    };
    assert_eq!(edited("e-1", 1).unwrap()["seq"], 3);
    for target in [2, 3] {
        let refused = edited("e-2", target).unwrap_err();
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!("unknown_message"), &json!("target"))
        );
    }
}

#[test]
fn a_repetition_may_come_after_the_window() {
    let chat = talk();
    chat.frame("ada-1", edit("e-1", 1, "Again", None));
    chat.runtime.advance(Duration::from_secs(25 * 60 * 60));
    let fields = edit("e-1", 1, "Again", Some(1));
    let repeated = chat.ask::<EditMessage>("ada", fields).unwrap();
    assert_eq!(
        (&repeated["seq"], &repeated["duplicate"]),
        (&json!(2), &json!(true))
    );
}

#[test]
fn an_invalid_field_is_named() {
    let chat = talk();
    for (field, value, expected) in [
        ("conversation", json!(""), "invalid"),
        ("id", Value::Null, "invalid"),
        ("target", Value::Null, "invalid"),
        ("target", json!(0), "invalid"),
        ("target", json!(1.5), "invalid"),
        ("target", json!("1"), "invalid"),
        ("body", json!(" "), "invalid"),
        ("body", Value::Null, "invalid"),
        ("body", json!("x".repeat(16_385)), "too_large"),
        ("after", json!("1"), "invalid"),
    ] {
        let mut frame = edit("e-1", 1, "Again", None);
        frame[field] = value;
        let reply = chat.frame("ada-1", frame);
        assert_eq!(
            (code(&reply), &reply["field"]),
            (expected, &json!(field)),
            "{reply}"
        );
    }
    assert_eq!(chat.log(&c()).len(), 1);
}

#[test]
fn an_editor_who_reads_their_own_removal_stores_nothing() {
    for after in [Some(0), Some(1), None] {
        let chat = talk();
        let participant = chat.run(chat.participant(&c(), &chat.identity("ada").user));
        chat.remove(&c(), "ada");
        // The row is still found, as by a request that reads it just before the removal.
        chat.restore_row(&c(), participant.unwrap().unwrap());
        let reply = chat.frame("ada-1", edit("e-1", 1, "Again", after));
        assert_eq!(code(&reply), "not_found", "after {after:?}");
        let log = chat.log(&c());
        assert_eq!(log.len(), 2);
        let Content::Message { revision, .. } = &log[0].draft.content else {
            panic!("a message was stored");
        };
        assert_eq!(*revision, Revision::Original);
    }
}

#[test]
fn a_page_reads_the_texts_of_a_bounded_number_of_edits() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace"]);
    let messages = 2 * MOST_POSITIONS as u64 + 50;
    chat.history(&c, "ada", usize::try_from(messages).unwrap());
    for target in 1..=messages {
        let fields = edit(
            &format!("e-{target}"),
            target,
            &format!("new {target}"),
            None,
        );
        chat.ask::<EditMessage>("ada", fields).unwrap();
    }
    let (mut position, mut pages, mut texts) = (messages, 0, Vec::new());
    loop {
        let _ = chat.take_calls();
        let fields = json!({"conversation": "c", "after": position, "limit": 1_000});
        let page = chat.ask::<ReadEvents>("grace", fields).unwrap();
        let calls = chat.take_calls();
        let reads: Vec<_> = calls
            .iter()
            .filter(|call| call.method == "read_at")
            .collect();
        assert!(
            reads.len() == 1 && reads[0].rows <= MOST_POSITIONS,
            "{reads:?}"
        );
        assert_eq!(page["head"], 2 * messages);
        let entries = page["events"].as_array().unwrap();
        texts.extend(entries.iter().map(|entry| entry["body"].clone()));
        position = entries.last().unwrap()["seq"].as_u64().unwrap();
        pages += 1;
        if page["limited"] == false {
            break;
        }
    }
    let expected: Vec<Value> = (1..=messages).map(|n| json!(format!("new {n}"))).collect();
    assert_eq!((texts, pages), (expected, 3));
    // Edits of messages on the same page cost no read.
    let fields = json!({"conversation": "c", "after": 0, "limit": 1_000});
    let _ = chat.take_calls();
    let page = chat.ask::<ReadEvents>("grace", fields).unwrap();
    assert_eq!(
        page["events"].as_array().unwrap().len() as u64,
        2 * messages
    );
    let calls = chat.take_calls();
    assert!(
        calls.iter().all(|call| call.method != "read_at"),
        "{calls:?}"
    );
}

#[test]
fn a_message_may_be_edited_over_http_and_is_pushed_to_every_connection() {
    let chat = talk();
    let fields = json!({"conversation": "c", "id": "e-1", "target": 1, "body": "Again"});
    assert_eq!(chat.ask::<EditMessage>("ada", fields).unwrap()["seq"], 2);
    assert_eq!(chat.pushed_to(), ["ada-1", "ada-2", "grace-1"]);
    let other = json!({"conversation": "c", "id": "m-2", "body": "Other"});
    assert_eq!(chat.ask::<SendMessage>("ada", other).unwrap()["seq"], 3);
}

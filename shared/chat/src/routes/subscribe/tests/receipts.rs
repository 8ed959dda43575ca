//! Read positions in the reply.

use serde_json::json;

use super::{many::three_conversations, subscribe};
use crate::{domain::ConversationId, fakes::FakeChat, routes::AddParticipant};

#[test]
fn with_receipts_the_reply_says_how_far_everybody_has_read() {
    let chat = three_conversations();
    let c = ConversationId::new("c").unwrap();
    chat.remove(&c, "ada");
    chat.ask::<AddParticipant>("grace", json!({"conversation": "c", "user": "bob"}))
        .unwrap();
    for (connection, read, private) in [("grace-1", 3, true), ("bob-1", 5, false)] {
        let receipt = json!({"action": "receipt", "conversation": "c", "read": read,
            "private": private});
        chat.frame(connection, receipt);
    }
    for (after, connection, expected) in [
        (json!(null), "grace-1", json!({"grace": 3, "bob": 5})),
        (json!(0), "grace-1", json!({"grace": 3, "bob": 5})),
        (json!(5), "bob-1", json!({"bob": 5})),
    ] {
        let frame = json!({"action": "subscribe", "conversation": "c", "after": after,
            "receipts": true});
        let reply = chat.frame(connection, frame);
        assert_eq!((&reply["head"], &reply["messages"]), (&json!(5), &json!(3)));
        assert_eq!(reply["read"], expected);
    }
    let reply = subscribe(&chat, "grace-1", json!(0));
    assert_eq!((reply.get("messages"), reply.get("read")), (None, None));
    let reply = chat.frame(
        "mallory-1",
        json!({"action": "subscribe", "conversation": "c", "receipts": true}),
    );
    assert_eq!(reply["code"], "not_found");
    let many = json!({"action": "subscribe", "receipts": true,
        "conversations": [{"conversation": "c"}, {"conversation": "d"}]});
    let outcomes = chat.frame("grace-1", many)["conversations"].clone();
    assert_eq!(outcomes[0]["read"], json!({"grace": 3, "bob": 5}));
    assert_eq!(
        (&outcomes[1]["read"], &outcomes[1]["messages"]),
        (&json!({}), &json!(3))
    );
}

#[test]
fn in_a_large_conversation_only_the_own_position_is_in_the_reply() {
    for (others, expected) in [(19, 2), (20, 1)] {
        let chat = FakeChat::new();
        let users: Vec<String> = (1..=others).map(|n| format!("user{n}")).collect();
        let mut people: Vec<&str> = users.iter().map(String::as_str).collect();
        people.insert(0, "ada");
        let c = chat.conversation("c", &people);
        chat.history(&c, "ada", 1);
        for connection in ["user1-1", "user2-1"] {
            let receipt = json!({"action": "receipt", "conversation": "c", "read": 1});
            chat.frame(connection, receipt);
        }
        let frame = json!({"action": "subscribe", "conversation": "c", "receipts": true});
        let reply = chat.frame("user1-1", frame);
        assert_eq!(reply["read"].as_object().unwrap().len(), expected);
    }
}

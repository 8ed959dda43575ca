use serde_json::{Value, json};

use crate::{
    domain::{Content, ConversationId},
    fakes::FakeChat,
    ports::Participants as _,
    routes::{DeleteMessage, EditMessage, ListConversations, ReadEvents, ReadMessages},
};

const SECRET: &str = "the door code is 4711";

fn delete(id: &str, target: u64, after: Option<u64>) -> Value {
    json!({"action": "deleteMessage", "conversation": "c", "id": id, "target": target,
        "after": after})
}

fn code(reply: &Value) -> &str {
    reply["code"].as_str().unwrap_or("none")
}

fn c() -> ConversationId {
    ConversationId::new("c").unwrap()
}

/// Grace owns `c`; Ada and Edsger are participants. Ada has sent a message at 1.
fn talk() -> FakeChat {
    let chat = FakeChat::new();
    chat.conversation("c", &["grace", "ada", "edsger"]);
    for connection in ["ada-1", "grace-1", "edsger-1"] {
        chat.connect(connection);
        let subscribe = json!({"action": "subscribe", "conversation": "c"});
        chat.frame(connection, subscribe);
    }
    let secret = json!({"action": "sendMessage", "conversation": "c", "id": "m-1", "body": SECRET});
    assert_eq!(chat.frame("ada-1", secret)["seq"], 1);
    let _ = chat.pushed();
    chat
}

/// Returns everything that a participant can read.
fn all_answers(chat: &FakeChat) -> String {
    let c = || json!({"conversation": "c"});
    let subscribe = json!({"action": "subscribe", "conversation": "c", "after": 0});
    let answers = [
        chat.ask::<ReadEvents>("grace", c()).unwrap(),
        chat.ask::<ReadMessages>("grace", c()).unwrap(),
        chat.ask::<ListConversations>("grace", json!({})).unwrap(),
        chat.frame("grace-1", subscribe),
    ];
    json!(answers).to_string()
}

#[test]
fn a_deleted_text_is_in_no_row_no_answer_and_no_frame() {
    for after in [Some(1), None] {
        let chat = talk();
        let edit = json!({"action": "editMessage", "conversation": "c", "id": "e-1", "target": 1,
            "body": SECRET.to_uppercase()});
        chat.frame("ada-1", edit.clone());
        assert!(all_answers(&chat).contains(&SECRET.to_uppercase()));
        let _ = chat.pushed();

        let reply = chat.frame("ada-1", delete("d-1", 1, after));
        let at = reply["sentAt"].clone();
        let deleted = json!({"event": "deleted", "conversation": "c", "id": "d-1", "seq": 3,
            "sentAt": at, "duplicate": false});
        assert_eq!(reply, deleted);
        let entry = json!({"event": "messageDeleted", "conversation": "c", "seq": 3, "id": "d-1",
            "target": 1, "by": "ada", "sentAt": at});
        let expected = ["edsger-1", "grace-1"].map(|name| (name.to_owned(), entry.clone()));
        assert_eq!(chat.pushed(), expected);

        // Repetitions of what held the text push again, without it.
        let secret =
            json!({"action": "sendMessage", "conversation": "c", "id": "m-1", "body": SECRET});
        assert_eq!(chat.frame("ada-1", secret)["duplicate"], true);
        assert_eq!(chat.frame("ada-1", edit)["duplicate"], true);
        let pushed = json!(chat.pushed()).to_string().to_lowercase();
        assert!(pushed.contains("m-1") && pushed.contains("e-1"));
        let answers = all_answers(&chat).to_lowercase();
        assert!(!answers.contains(SECRET) && !pushed.contains(SECRET));
        let history = chat.ask::<ReadMessages>("grace", json!({"conversation": "c"}));
        let message = &history.unwrap()["messages"][0];
        let expected = json!({"seq": 3, "by": "ada"});
        assert_eq!(
            (&message["body"], &message["deleted"]),
            (&json!(""), &expected)
        );
        for entry in chat.log(&c()) {
            let text = match &entry.draft.content {
                Content::Message { body, .. } => Some(body.as_str()),
                Content::MessageEdited { body, .. } => body.as_ref().map(|body| body.as_str()),
                _ => None,
            };
            assert_eq!(text.unwrap_or_default(), "", "{}", entry.seq);
        }
    }
}

#[test]
fn an_edit_after_a_deletion_does_not_bring_the_text_back() {
    for after in [Some(1), None] {
        let chat = talk();
        chat.frame("ada-1", delete("d-1", 1, None));
        let edit = json!({"conversation": "c", "id": "e-1", "target": 1, "body": SECRET,
            "after": after});
        let refused = chat.ask::<EditMessage>("ada", edit).unwrap_err();
        assert_eq!(
            (code(&refused), &refused["field"]),
            ("unknown_message", &json!("target"))
        );
        assert_eq!(chat.log(&c()).len(), 2);
        assert!(!all_answers(&chat).contains(SECRET));
    }
}

#[test]
fn a_message_is_deleted_by_its_sender_or_by_the_owner() {
    let chat = talk();
    let refused = chat.frame("edsger-1", delete("d-1", 1, Some(0)));
    assert_eq!(code(&refused), "forbidden");
    assert_eq!(chat.log(&c()).len(), 1);
    let deleted = chat.frame("grace-1", delete("d-1", 1, Some(0)));
    assert_eq!(
        (&deleted["event"], &deleted["seq"]),
        (&json!("deleted"), &json!(2))
    );
    let (_, pushed) = &chat.pushed()[0];
    assert_eq!(pushed["by"], "grace");
}

#[test]
fn deleting_again_is_answered_with_the_first_deletion() {
    for after in [Some(0), Some(2), None] {
        let chat = talk();
        let first = chat.frame("ada-1", delete("d-1", 1, None));
        let _ = chat.pushed();
        for (connection, id) in [("ada-1", "d-1"), ("ada-1", "d-2"), ("edsger-1", "d-3")] {
            let again = chat.frame(connection, delete(id, 1, after));
            let expected = json!({"event": "deleted", "conversation": "c", "id": id, "seq": 2,
                "sentAt": first["sentAt"], "duplicate": true});
            assert_eq!(again, expected);
            // The first request may have ended before its pushes.
            let pushed = chat.pushed();
            assert_eq!(pushed.len(), 2);
            assert_eq!(
                (&pushed[0].1["id"], &pushed[0].1["by"]),
                (&json!("d-1"), &json!("ada"))
            );
        }
        assert_eq!(chat.log(&c()).len(), 2);
    }
}

#[test]
fn what_is_not_a_message_cannot_be_deleted() {
    let chat = talk();
    chat.remove(&c(), "edsger");
    for (number, target) in (1..).zip([2, 3]) {
        let fields = delete(&format!("d-{number}"), target, None);
        let refused = chat.ask::<DeleteMessage>("grace", fields).unwrap_err();
        assert_eq!(
            (code(&refused), &refused["field"]),
            ("unknown_message", &json!("target"))
        );
    }
    let mut frame = delete("d-1", 1, None);
    frame["target"] = json!("first");
    assert_eq!(chat.frame("grace-1", frame)["field"], "target");
    assert_eq!(chat.log(&c()).len(), 2);
}

#[test]
fn a_user_who_reads_their_own_removal_deletes_nothing() {
    for after in [Some(0), Some(1), None] {
        let chat = talk();
        let participant = chat.run(chat.participant(&c(), &chat.identity("ada").user));
        chat.remove(&c(), "ada");
        chat.restore_row(&c(), participant.unwrap().unwrap());
        let reply = chat.frame("ada-1", delete("d-1", 1, after));
        assert_eq!(code(&reply), "not_found", "after {after:?}");
        assert!(all_answers(&chat).contains(SECRET));
    }
}

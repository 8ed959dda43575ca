use futures_util::future::join_all;
use serde_json::{Value, json};

use super::MOST_EMOJI;
use crate::{
    domain::{ConversationId, ReactionKey},
    fakes::FakeChat,
    mutant::{Mutant, with_mutant},
    ports::Participants as _,
    routes::{
        DeleteMessage, ListConversations, React, ReadEvents, ReadMessages, RemoveParticipant,
        WithdrawReaction,
    },
};

fn frame(target: u64, emoji: &str, on: bool, after: Option<u64>) -> Value {
    json!({"action": "react", "conversation": "c", "target": target, "emoji": emoji, "on": on,
        "after": after})
}

fn code(reply: &Value) -> &str {
    reply["code"].as_str().unwrap_or("none")
}

fn c() -> ConversationId {
    ConversationId::new("c").unwrap()
}

/// Grace owns `c`, Ada and Edsger are participants. Ada has sent `Hello` at 1.
fn talk() -> FakeChat {
    let chat = FakeChat::new();
    chat.conversation("c", &["grace", "ada", "edsger"]);
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

/// Returns the reactions as `EMOJI USER`.
fn rows(chat: &FakeChat) -> Vec<String> {
    let rows = chat.reaction_rows(&c()).into_iter();
    rows.map(|row| format!("{} {}", row.key.emoji, row.key.user))
        .collect()
}

#[test]
fn a_reaction_is_answered_pushed_and_read_everywhere() {
    for after in [Some(1), Some(0), None] {
        let chat = talk();
        let reply = chat.frame("ada-1", frame(1, "👍\u{fe0f}", true, after));
        let reacted = json!({"event": "reacted", "conversation": "c", "target": 1, "emoji": "👍",
            "on": true, "seq": 2});
        assert_eq!(reply, reacted);
        let pushed = chat.pushed();
        let at = pushed[0].1["sentAt"].clone();
        let entry = json!({"event": "reaction", "conversation": "c", "seq": 2, "target": 1,
            "emoji": "👍", "on": true, "user": "ada", "name": "Ada", "sentAt": at});
        let expected = ["ada-2", "grace-1"].map(|name| (name.to_owned(), entry.clone()));
        assert_eq!(pushed, expected);

        let fields = json!({"conversation": "c"});
        let read = chat.ask::<ReadEvents>("grace", fields.clone()).unwrap();
        assert_eq!(read["events"][1], entry);
        let subscribe = json!({"action": "subscribe", "conversation": "c", "after": 1});
        assert_eq!(chat.frame("grace-1", subscribe)["events"], json!([entry]));
        let mut fields = fields;
        let page = chat.ask::<ReadMessages>("grace", fields.clone()).unwrap();
        assert_eq!(page.get("reactions"), None);
        fields["reactions"] = json!(true);
        let page = chat.ask::<ReadMessages>("grace", fields).unwrap();
        let expected =
            json!([{"target": 1, "emoji": "👍", "user": "ada", "name": "Ada", "seq": 2}]);
        assert_eq!(page["reactions"], expected);
    }
}

#[test]
fn what_is_so_already_stores_nothing() {
    for after in [Some(1), None] {
        let chat = talk();
        let react = |connection: &str, on| {
            let reply = chat.frame(connection, frame(1, "👍", on, after));
            assert_eq!(reply["on"], on, "{reply}");
            reply["seq"].clone()
        };
        assert_eq!(react("ada-1", false), Value::Null);
        assert_eq!(react("ada-1", true), 2);
        let _ = chat.pushed();
        let puts = chat.puts();
        assert_eq!(react("ada-1", true), Value::Null);
        assert_eq!(react("ada-2", true), Value::Null);
        assert_eq!((chat.puts(), chat.pushed()), (puts, vec![]));
        assert_eq!(react("grace-1", true), 3);
        assert_eq!(rows(&chat), ["👍 ada", "👍 grace"]);
        assert_eq!(react("ada-2", false), 4);
        assert_eq!(react("ada-1", false), Value::Null);
        assert_eq!(rows(&chat), ["👍 grace"]);
        assert_eq!(chat.head(&c()), 4);
    }
}

#[test]
fn clicks_at_once_leave_one_reaction() {
    let chat = talk();
    let click = |connection: &'static str| {
        let text = frame(1, "👍", true, Some(1)).to_string();
        let chat = &chat;
        async move { chat.text_later(connection, &text).await }
    };
    let replies = chat.run(join_all(["ada-1", "ada-2", "ada-1"].map(click)));
    let stored = replies.iter().filter(|reply| !reply["seq"].is_null());
    assert_eq!(stored.count(), 1, "{replies:?}");
    assert!(replies.iter().all(|reply| reply["event"] == "reacted"));
    assert_eq!((rows(&chat).len(), chat.head(&c())), (1, 2));
}

#[test]
fn emoji_are_told_apart_by_skin_tone_only() {
    let chat = talk();
    for (emoji, seq) in [
        ("👍", json!(2)),
        ("👍🏻", json!(3)),
        ("👍🏿", json!(4)),
        ("👍\u{fe0f}", Value::Null),
        ("❤\u{fe0f}", json!(5)),
        ("❤", Value::Null),
        ("1\u{fe0f}\u{20e3}", json!(6)),
        ("🇩🇪", json!(7)),
        ("👩\u{200d}👩\u{200d}👧\u{200d}👦", json!(8)),
    ] {
        let reply = chat.frame("ada-1", frame(1, emoji, true, None));
        assert_eq!(reply["seq"], seq, "{reply}");
    }
    for bad in ["", "a", "👍👍", "🇩", "\u{200d}", "★"] {
        let reply = chat.frame("ada-1", frame(1, bad, true, None));
        assert_eq!(
            (code(&reply), &reply["field"]),
            ("invalid", &json!("emoji")),
            "{bad}"
        );
    }
    assert_eq!(chat.head(&c()), 8);
}

#[test]
fn what_is_not_a_live_message_gets_no_reaction() {
    for after in [Some(0), None] {
        let chat = talk();
        chat.remove(&c(), "edsger");
        let second =
            json!({"action": "sendMessage", "conversation": "c", "id": "m-2", "body": "Bye"});
        assert_eq!(chat.frame("ada-1", second)["seq"], 3);
        chat.frame("ada-1", frame(3, "👍", true, None));
        let deletion = json!({"conversation": "c", "id": "d-1", "target": 3});
        chat.ask::<DeleteMessage>("ada", deletion).unwrap();
        let head = chat.head(&c());
        // A change of participants, a deleted message, a reaction, a deletion, beyond the head.
        for target in [2, 3, 4, 5, 6, 999] {
            for on in [true, false] {
                let reply = chat.frame("grace-1", frame(target, "👍", on, after));
                assert_eq!(
                    (code(&reply), &reply["field"]),
                    ("unknown_message", &json!("target")),
                    "{target}"
                );
            }
        }
        assert_eq!(chat.head(&c()), head);
        // A deleted message is read without reactions.
        let fields = json!({"conversation": "c", "reactions": true});
        let page = chat.ask::<ReadMessages>("grace", fields).unwrap();
        assert_eq!(page["reactions"], json!([]));
    }
}

#[test]
fn an_invalid_field_is_named() {
    let chat = talk();
    for (field, value) in [
        ("conversation", json!("")),
        ("target", Value::Null),
        ("target", json!(0)),
        ("target", json!("1")),
        ("emoji", Value::Null),
        ("emoji", json!(5)),
        ("on", json!("yes")),
        ("after", json!("1")),
    ] {
        let mut request = frame(1, "👍", true, None);
        request[field] = value;
        let reply = chat.frame("ada-1", request);
        assert_eq!(
            (code(&reply), &reply["field"]),
            ("invalid", &json!(field)),
            "{reply}"
        );
    }
    let reply = chat.frame("ada-1", frame(1, "👍", true, Some(9)));
    assert_eq!(code(&reply), "unknown_position");
    assert_eq!(chat.head(&c()), 1);
}

/// Twenty different emoji.
fn many() -> Vec<String> {
    let faces = ('\u{1f600}'..).take(MOST_EMOJI);
    faces.map(String::from).collect()
}

#[test]
fn a_message_has_at_most_twenty_different_emoji() {
    for after in [Some(1), None] {
        let chat = talk();
        for emoji in &many() {
            assert_eq!(
                code(&chat.frame("ada-1", frame(1, emoji, true, None))),
                "none"
            );
        }
        let refused = chat.frame("grace-1", frame(1, "👍", true, after));
        assert_eq!(code(&refused), "forbidden", "{refused}");
        let one = &many()[3];
        assert_eq!(chat.frame("grace-1", frame(1, one, true, after))["seq"], 22);
        // Still used by Grace.
        assert_eq!(chat.frame("ada-1", frame(1, one, false, after))["seq"], 23);
        assert_eq!(
            code(&chat.frame("ada-1", frame(1, "👍", true, after))),
            "forbidden"
        );
        assert_eq!(
            chat.frame("grace-1", frame(1, one, false, after))["seq"],
            24
        );
        assert_eq!(chat.frame("ada-1", frame(1, "👍", true, after))["seq"], 25);
    }
}

/// Returns the number of different emoji after four users react with one of their own at once,
/// when the message has 19.
fn emoji_after_a_race(seed: u64) -> usize {
    let chat = FakeChat::unsteady(seed);
    let c = chat.conversation("c", &["ada", "bob", "carol", "dan"]);
    chat.history(&c, "ada", 1);
    while chat.land() {}
    let head = |chat: &FakeChat| chat.head(&c);
    for emoji in many().iter().skip(1) {
        let fields = json!({"conversation": "c", "target": 1, "emoji": emoji});
        chat.ask::<React>("ada", fields).unwrap();
    }
    while chat.land() {}
    let after = head(&chat);
    let users = [("ada", "👍"), ("bob", "❤"), ("carol", "🦀"), ("dan", "🎉")];
    let react = |(user, emoji)| {
        let fields = json!({"conversation": "c", "target": 1, "emoji": emoji, "after": after});
        chat.ask_later::<React>(user, fields)
    };
    let _ = chat.run(join_all(users.map(react)));
    while chat.land() {}
    let different: std::collections::BTreeSet<_> = chat
        .reaction_rows(&c)
        .into_iter()
        .map(|row| row.key.emoji)
        .collect();
    different.len()
}

#[test]
fn emoji_at_once_do_not_exceed_the_limit() {
    for seed in 0..200 {
        assert_eq!(emoji_after_a_race(seed), MOST_EMOJI, "seed {seed}");
    }
    let exceeded = with_mutant(Some(Mutant::EmojiUncounted), || {
        (0..200).any(|seed| emoji_after_a_race(seed) > MOST_EMOJI)
    });
    assert!(exceeded, "no seed shows the mutant");
}

#[test]
fn a_removed_participant_reacts_no_more_and_their_reactions_stay() {
    for after in [Some(0), Some(2), None] {
        let chat = talk();
        chat.frame("ada-1", frame(1, "👍", true, None));
        let participant = chat.run(chat.participant(&c(), &chat.identity("ada").user));
        let removal = json!({"conversation": "c", "user": "ada"});
        chat.ask::<RemoveParticipant>("grace", removal).unwrap();
        for (emoji, on) in [("❤", true), ("👍", false)] {
            let reply = chat.frame("ada-1", frame(1, emoji, on, after));
            assert_eq!(code(&reply), "not_found");
        }
        // The row is still found, as by a request that reads it just before the removal.
        chat.restore_row(&c(), participant.unwrap().unwrap());
        for (emoji, on) in [("❤", true), ("👍", false)] {
            let reply = chat.frame("ada-1", frame(1, emoji, on, after));
            assert_eq!(code(&reply), "not_found", "after {after:?}");
        }
        assert_eq!(
            (rows(&chat), chat.head(&c())),
            (vec!["👍 ada".to_owned()], 3)
        );
        let fields = json!({"conversation": "c", "reactions": true});
        let page = chat.ask::<ReadMessages>("grace", fields).unwrap();
        assert_eq!(page["reactions"][0]["name"], "Ada");
    }
}

#[test]
fn a_reaction_is_no_message_and_not_unread() {
    let chat = talk();
    let before = chat.ask::<ListConversations>("grace", json!({})).unwrap();
    for number in 0..30 {
        chat.frame("ada-1", frame(1, "👍", number % 2 == 0, None));
    }
    let after = chat.ask::<ListConversations>("grace", json!({})).unwrap();
    let mut expected = before["conversations"][0].clone();
    expected["head"] = json!(31);
    assert_eq!(after["conversations"][0], expected);
    assert_eq!(
        (&expected["messages"], &expected["unread"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn a_reaction_may_be_given_and_withdrawn_over_http() {
    let chat = talk();
    let fields = json!({"conversation": "c", "target": 1, "emoji": "👍"});
    let reply = chat.ask::<React>("ada", fields.clone()).unwrap();
    assert_eq!((&reply["on"], &reply["seq"]), (&json!(true), &json!(2)));
    assert_eq!(chat.pushed_to(), ["ada-1", "ada-2", "grace-1"]);
    let reply = chat.ask::<WithdrawReaction>("ada", fields.clone()).unwrap();
    assert_eq!((&reply["on"], &reply["seq"]), (&json!(false), &json!(3)));
    let reply = chat.ask::<WithdrawReaction>("ada", fields).unwrap();
    assert_eq!((&reply["on"], &reply["seq"]), (&json!(false), &Value::Null));
    let key: Vec<ReactionKey> = chat
        .reaction_rows(&c())
        .into_iter()
        .map(|row| row.key)
        .collect();
    assert_eq!(key, []);
}

#[test]
fn what_a_reaction_reads_does_not_depend_on_the_number_of_reactions() {
    let chat = FakeChat::new();
    let users: Vec<String> = (0..90).map(|number| format!("user-{number}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let c = chat.conversation("c", &users);
    chat.history(&c, "user-0", 1);
    for user in &users {
        let after = chat.head(&c);
        let _ = chat.take_calls();
        let fields = json!({"conversation": "c", "target": 1, "emoji": "👍", "after": after});
        chat.ask::<React>(user, fields).unwrap();
        let methods: Vec<_> = chat.take_calls().iter().map(|call| call.method).collect();
        let expected = [
            "participant",
            "read_from",
            "read_at",
            "standing",
            "participants",
            "roster_page",
        ];
        assert_eq!(methods, expected, "{user}");
    }
}

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Subscribe;
use crate::{
    fakes::FakeChat,
    fields::Fields,
    ports::{Clock as _, Receipts as _},
    request::{Request, Route as _},
    routes::{AddParticipant, RemoveParticipant, SendMessage},
};

fn subscribe(chat: &FakeChat, connection: &str, after: Value) -> Value {
    chat.frame(
        connection,
        json!({"action": "subscribe", "ref": "s", "conversation": "c", "after": after}),
    )
}

fn seqs(reply: &Value) -> Vec<u64> {
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
fn a_connection_has_at_most_100_subscriptions() {
    let chat = FakeChat::new();
    for n in 0..=100 {
        chat.conversation(&format!("c{n}"), &["ada"]);
        let frame = json!({"action": "subscribe", "conversation": format!("c{n}")});
        let reply = chat.frame("ada-1", frame);
        assert_eq!(
            reply["event"],
            if n < 100 { "subscribed" } else { "error" },
            "{n}"
        );
    }
    let again = chat.frame(
        "ada-1",
        json!({"action": "subscribe", "conversation": "c5"}),
    );
    assert_eq!(again["event"], "subscribed");
    assert_eq!(chat.connection_rows(), 100);

    // A place that becomes free can be used.
    for (action, id) in [("unsubscribe", "c5"), ("subscribe", "c100")] {
        let reply = chat.frame("ada-1", json!({"action": action, "conversation": id}));
        assert_eq!(reply["event"], format!("{action}d"), "{reply}");
    }
    assert_eq!(chat.connection_rows(), 100);
}

/// Otherwise others could use up a connection by adding and removing its user.
#[test]
fn a_removal_frees_the_places_of_its_user() {
    let chat = FakeChat::new();
    for n in 0..=100 {
        let id = format!("c{n}");
        chat.conversation(&id, &["mallory", "ada"]);
        let frame = json!({"action": "subscribe", "conversation": id});
        assert_eq!(chat.frame("ada-1", frame)["event"], "subscribed", "{n}");
        let fields = json!({"conversation": id, "user": "ada"});
        chat.ask::<RemoveParticipant>("mallory", fields).unwrap();
    }
    assert_eq!(chat.connection_rows(), 0);
}

#[test]
fn subscriptions_at_once_do_not_exceed_the_limit() {
    let chat = FakeChat::new();
    let frames: Vec<String> = (0..170)
        .map(|n| {
            let id = format!("c{n}");
            chat.conversation(&id, &["ada"]);
            json!({"action": "subscribe", "conversation": id}).to_string()
        })
        .collect();
    let requests = frames.iter().map(|frame| chat.text_later("ada-1", frame));
    let replies = chat.run(join_all(requests));
    let subscribed = |reply: &&Value| reply["event"] == "subscribed";
    assert_eq!(replies.iter().filter(subscribed).count(), 100);
    assert_eq!(chat.connection_rows(), 100);
}

#[test]
fn no_subscription_is_left_without_a_place() {
    for seed in 0..500 {
        let chat = FakeChat::unsteady(seed);
        for id in ["c", "d"] {
            chat.conversation(id, &["ada"]);
        }
        let frames: Vec<String> = (0..12)
            .map(|n| {
                let action = ["subscribe", "unsubscribe"][n / 2 % 2];
                let id = ["c", "d"][n % 2];
                json!({"action": action, "conversation": id}).to_string()
            })
            .collect();
        let requests = frames.iter().map(|frame| chat.text_later("ada-1", frame));
        chat.run(join_all(requests));
        let (_, connection) = chat.connection("ada-1");
        let places = chat.claims(&connection.id);
        for (conversation, _) in chat.subscriptions() {
            assert!(places.contains(&conversation), "seed {seed}");
        }
    }
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

/// Ada and Grace in `c`, `d` and `e` with three messages of Ada each.
fn three_conversations() -> FakeChat {
    let chat = FakeChat::new();
    for id in ["c", "d", "e"] {
        let conversation = chat.conversation(id, &["ada", "grace"]);
        chat.history(&conversation, "ada", 3);
    }
    chat
}

#[test]
fn many_conversations_have_one_outcome_each() {
    let chat = three_conversations();
    chat.conversation("foreign", &["ada"]);
    let wanted = json!([
        {"conversation": "e", "after": 1},
        {"conversation": "foreign", "after": 0},
        {"conversation": "c"},
        {"conversation": "d", "after": 4},
        {"conversation": "none"},
    ]);
    let frame = json!({"action": "subscribe", "ref": "s", "conversations": wanted});
    let reply = chat.frame("grace-1", frame);
    assert_eq!(
        (&reply["event"], &reply["ref"], reply.get("conversation")),
        (&json!("subscribed"), &json!("s"), None)
    );
    let outcomes = reply["conversations"].as_array().unwrap();
    let ids: Vec<_> = outcomes.iter().map(|o| &o["conversation"]).collect();
    assert_eq!(ids, ["e", "foreign", "c", "d", "none"]);
    let codes: Vec<_> = outcomes.iter().map(|o| o["code"].as_str()).collect();
    let not_found = Some("not_found");
    let expected = [None, not_found, None, Some("unknown_position"), not_found];
    assert_eq!(codes, expected);
    assert_eq!(seqs(&outcomes[0]), [2, 3]);
    assert_eq!(outcomes[0]["head"], 3);
    assert_eq!(
        (seqs(&outcomes[2]), &outcomes[2]["head"]),
        (vec![], &json!(3))
    );
    assert_eq!(outcomes[0].get("event"), None);

    // The subscriptions stand, as of single requests.
    for (id, expected) in [("e", 1), ("c", 1), ("foreign", 0), ("none", 0)] {
        let message = json!({"conversation": id, "id": "x", "body": "new"});
        let _ = chat.ask::<SendMessage>("ada", message);
        assert_eq!(chat.pushed_to().len(), expected, "{id}");
    }
}

#[test]
fn the_entries_of_many_conversations_share_the_bytes_of_a_reply() {
    let chat = FakeChat::new();
    let ids = ["a", "b", "c"];
    for id in ids {
        let conversation = chat.conversation(id, &["ada", "grace"]);
        let body = "x".repeat(3_000);
        for number in 1..=3 {
            let message = json!({"conversation": id, "id": format!("m{number}"), "body": body});
            chat.ask::<SendMessage>("ada", message).unwrap();
        }
        assert_eq!(chat.head(&conversation), 3);
    }
    let wanted = ids.map(|id| json!({"conversation": id, "after": 0}));
    let frame = json!({"action": "subscribe", "conversations": wanted});
    let reply = chat.frame("grace-1", frame);
    assert!(reply.to_string().len() < 30_000);
    let outcomes = reply["conversations"].as_array().unwrap();
    let shown: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            (
                seqs(outcome),
                outcome["head"].clone(),
                outcome["limited"].clone(),
            )
        })
        .collect();
    let outcome = |seqs: &[u64], limited: bool| (seqs.to_vec(), json!(3), json!(limited));
    let expected = [
        outcome(&[1, 2, 3], false),
        outcome(&[1, 2, 3], false),
        outcome(&[1], true),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_reply_with_the_longest_ids_fits_into_a_frame() {
    let chat = FakeChat::new();
    // Quotes are escaped, so such an id takes twice its length.
    let users: Vec<String> = (0..19)
        .map(|n| format!("{n:02}{}", "\"".repeat(126)))
        .collect();
    let mut people: Vec<&str> = users.iter().map(String::as_str).collect();
    people.insert(0, "ada");
    let ids: Vec<String> = (0..20)
        .map(|n| format!("{n:02}{}", "c".repeat(62)))
        .collect();
    for id in &ids {
        let c = chat.conversation(id, &people);
        chat.history(&c, "ada", 100);
        for user in &people {
            let user = crate::domain::UserId::new(*user).unwrap();
            let receipt = crate::ports::Receipt {
                position: crate::domain::Seq::new(100).unwrap(),
                messages: 100,
                private: false,
            };
            chat.run(chat.advance(&c, &user, receipt)).unwrap();
        }
    }
    let wanted: Vec<Value> = ids
        .iter()
        .map(|id| json!({"conversation": id, "after": 0}))
        .collect();
    for frame in [
        json!({"action": "subscribe", "conversations": wanted, "receipts": true}),
        json!({"action": "subscribe", "conversation": ids[0], "after": 0, "receipts": true}),
        json!({"action": "ping", "watch": ids[..5]}),
    ] {
        let reply = chat.frame("ada-1", frame);
        assert_eq!(reply.get("code"), None);
        let length = reply.to_string().len();
        assert!(length <= 30_000, "{length} bytes");
    }
}

#[test]
fn a_list_of_conversations_is_checked() {
    let chat = three_conversations();
    let many: Vec<Value> = (0..21)
        .map(|n| json!({"conversation": format!("c{n}")}))
        .collect();
    let twice = json!([{"conversation": "c"}, {"conversation": "c", "after": 1}]);
    for list in [
        json!([]),
        json!("c"),
        json!(["c"]),
        json!([{"after": 1}]),
        json!([{"conversation": "c d"}]),
        json!([{"conversation": "c", "after": "1"}]),
        json!(many),
        twice,
    ] {
        let reply = chat.frame(
            "grace-1",
            json!({"action": "subscribe", "conversations": list}),
        );
        assert_eq!(
            (&reply["code"], &reply["field"]),
            (&json!("invalid"), &json!("conversations")),
            "{list}"
        );
    }
    let both = json!({"action": "subscribe", "conversation": "c",
        "conversations": [{"conversation": "d"}]});
    assert_eq!(chat.frame("grace-1", both)["field"], "conversations");
    assert_eq!(chat.subscriptions(), []);
}

#[test]
fn many_subscriptions_cost_as_many_tokens() {
    let number = |number| std::num::NonZeroU32::new(number).unwrap();
    let mut chat = three_conversations();
    chat.limits = crate::rate_limit::RateLimits::new(number(1), number(4));
    let wanted = ["c", "d", "e"].map(|id| json!({"conversation": id}));
    let frame = json!({"action": "subscribe", "conversations": wanted});
    assert_eq!(chat.frame("grace-1", frame.clone())["event"], "subscribed");
    let reply = chat.frame("grace-1", frame);
    assert_eq!(
        (&reply["code"], &reply["retryAfterMs"]),
        (&json!("rate_limited"), &json!(2_000))
    );
}

#[test]
fn with_receipts_the_reply_says_how_far_everybody_has_read() {
    let chat = three_conversations();
    let c = crate::domain::ConversationId::new("c").unwrap();
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

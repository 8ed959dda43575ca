use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Subscribe;
use crate::{
    fakes::FakeChat,
    fields::Fields,
    ports::Clock as _,
    request::{Request, Route as _},
    routes::RemoveParticipant,
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

//! The places of a connection for subscriptions.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{fakes::FakeChat, routes::RemoveParticipant};

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

/// The first 15 of 20 conversations get the places that are left.
#[test]
fn many_subscriptions_share_the_places_that_are_left() {
    let chat = FakeChat::new();
    for n in 0..105 {
        chat.conversation(&format!("c{n}"), &["ada"]);
    }
    let many = |ids: std::ops::Range<usize>| {
        let wanted: Vec<_> = ids
            .map(|n| json!({"conversation": format!("c{n}")}))
            .collect();
        let frame = json!({"action": "subscribe", "conversations": wanted});
        let outcomes = chat.frame("ada-1", frame)["conversations"].clone();
        let outcomes = outcomes.as_array().unwrap().clone();
        outcomes
            .iter()
            .filter(|outcome| outcome["head"].is_u64())
            .count()
    };
    for first in [0, 20, 40, 60] {
        assert_eq!(many(first..first + 20), 20);
    }
    assert_eq!(many(80..85), 5);
    assert_eq!(many(85..105), 15);
    // Those that have places already need none.
    assert_eq!(many(75..95), 20);
    assert_eq!(chat.connection_rows(), 100);
    let (_, connection) = chat.connection("ada-1");
    assert_eq!(chat.claims(&connection.id).len(), 100);
}

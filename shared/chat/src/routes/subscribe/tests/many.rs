//! Many conversations in one frame.

use std::num::NonZeroU32;

use serde_json::{Value, json};

use super::seqs;
use crate::{
    domain::{Seq, UserId},
    fakes::FakeChat,
    ports::{Receipt, Receipts as _},
    rate_limit::RateLimits,
    routes::SendMessage,
};

/// Ada and Grace in `c`, `d` and `e` with three messages of Ada each.
pub fn three_conversations() -> FakeChat {
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
            let user = UserId::new(*user).unwrap();
            let receipt = Receipt {
                position: Seq::new(100).unwrap(),
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
    let number = |number| NonZeroU32::new(number).unwrap();
    let mut chat = three_conversations();
    chat.limits = RateLimits::new(number(1), number(4));
    let wanted = ["c", "d", "e"].map(|id| json!({"conversation": id}));
    let frame = json!({"action": "subscribe", "conversations": wanted});
    assert_eq!(chat.frame("grace-1", frame.clone())["event"], "subscribed");
    let reply = chat.frame("grace-1", frame);
    assert_eq!(
        (&reply["code"], &reply["retryAfterMs"]),
        (&json!("rate_limited"), &json!(2_000))
    );
}

/// The rows of all are written before anything is read, so no entry is missed in between.
#[test]
fn many_subscriptions_are_checked_and_claimed_together() {
    let chat = three_conversations();
    let wanted = json!([{"conversation": "c"}, {"conversation": "d"}, {"conversation": "none"}]);
    let _ = chat.take_calls();
    chat.frame(
        "grace-1",
        json!({"action": "subscribe", "conversations": wanted}),
    );
    let calls = chat.take_calls();
    let methods: Vec<_> = calls.iter().map(|call| call.method).collect();
    let (first, rest) = methods.split_at(4);
    let of = |method: &str| first.iter().filter(|first| **first == method).count();
    assert_eq!(
        (of("subscribe"), of("participations_of")),
        (3, 1),
        "{methods:?}"
    );
    let of = |method: &str| rest.iter().filter(|first| **first == method).count();
    assert_eq!((of("read_back"), of("participant")), (2, 2), "{methods:?}");
    assert_eq!(of("unsubscribe"), 1, "{methods:?}");
    let places = chat.claims(&chat.connection("grace-1").1.id);
    assert_eq!(places.len(), 2);
}

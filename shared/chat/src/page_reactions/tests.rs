use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    domain::{Content, ConversationId, Draft, Emoji, MessageId, Seq},
    fakes::FakeChat,
    ports::{Clock as _, Log as _, MOST_REACTIONS, Put},
    routes::{DeleteMessage, ReadMessages},
};

/// A log of `messages` messages.
fn talk(messages: usize) -> (FakeChat, ConversationId) {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace"]);
    chat.history(&c, "ada", messages);
    (chat, c)
}

/// Stores reactions of `users` users to a message. They need not be participants any more.
fn react(chat: &FakeChat, c: &ConversationId, target: u64, emoji: &str, users: usize) {
    for number in 0..users {
        let user = chat.identity(&format!("user-{number:04}"));
        let id = MessageId::new(format!("r-{}", chat.head(c))).unwrap();
        let content = Content::Reaction {
            target: Seq::new(target).unwrap(),
            emoji: Emoji::new(emoji).unwrap(),
            on: true,
            name: user.name,
        };
        let draft = Draft::new(user.user, id, chat.now(), content);
        let entry = chat.next_entry(c, draft);
        assert_eq!(chat.run(chat.put(c, &entry)).unwrap(), Put::Stored);
    }
}

fn page(chat: &FakeChat, more: Value) -> Value {
    let mut fields = json!({"conversation": "c", "reactions": true});
    fields
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let _ = chat.take_calls();
    let page = chat.ask::<ReadMessages>("grace", fields).unwrap();
    let calls = chat.take_calls();
    let reads: Vec<_> = calls
        .iter()
        .filter(|call| call.method == "reactions")
        .collect();
    assert!(reads.len() <= 1, "{calls:?}");
    assert!(page["reactions"].as_array().unwrap().len() <= MOST_REACTIONS);
    page
}

type Found = BTreeSet<(u64, String, String)>;

fn reactions(page: &Value) -> Found {
    let rows = page["reactions"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| {
        (
            row["target"].as_u64().unwrap(),
            text(&row["emoji"]),
            text(&row["user"]),
        )
    })
    .collect()
}

/// Reads the messages before a position and their reactions, as a client does. Returns the positions,
/// the reactions and the number of requests.
fn read_all(chat: &FakeChat, before: u64, limit: usize) -> (Vec<u64>, Found, usize) {
    let (mut seqs, mut found, mut requests) = (Vec::new(), Found::new(), 0);
    let mut before = json!(before);
    loop {
        let answer = page(chat, json!({"before": before, "limit": limit}));
        requests += 1;
        let messages = answer["messages"].as_array().unwrap();
        seqs.extend(
            messages
                .iter()
                .rev()
                .map(|message| message["seq"].as_u64().unwrap()),
        );
        found.extend(reactions(&answer));
        let mut next = answer["reactionsNext"].clone();
        if !next.is_null() {
            assert_eq!(messages.len(), 1, "the page has only this message");
        }
        while !next.is_null() {
            let seq = messages[0]["seq"].as_u64().unwrap();
            let rest = json!({"before": seq + 1, "limit": 1, "reactionsNext": next});
            let rest = page(chat, rest);
            assert_eq!(rest["messages"], json!(messages));
            assert!(found.is_disjoint(&reactions(&rest)));
            found.extend(reactions(&rest));
            next = rest["reactionsNext"].clone();
            requests += 1;
        }
        before = answer["before"].clone();
        if answer["limited"] == false {
            return (seqs, found, requests);
        }
    }
}

fn stored(chat: &FakeChat, c: &ConversationId) -> Found {
    let rows = chat.reaction_rows(c).into_iter();
    rows.map(|row| {
        let key = row.key;
        (
            key.target.number(),
            key.emoji.to_string(),
            key.user.to_string(),
        )
    })
    .collect()
}

#[test]
fn a_page_has_the_reactions_to_its_messages_only() {
    let (chat, c) = talk(10);
    for target in [2, 5, 6, 9] {
        react(&chat, &c, target, "👍", 2);
        react(&chat, &c, target, "❤", 1);
    }
    let answer = page(&chat, json!({"before": 7, "limit": 2}));
    let targets: Vec<u64> = reactions(&answer)
        .into_iter()
        .map(|(target, ..)| target)
        .collect();
    assert_eq!(targets, [5, 5, 5, 6, 6, 6]);
    let rows = answer["reactions"].as_array().unwrap();
    assert!(rows.is_sorted_by_key(|row| row["target"].as_u64()));
    assert_eq!(answer["before"], 5);
    assert_eq!(answer.get("reactionsNext"), None);
    assert_eq!(page(&chat, json!({"before": 1}))["reactions"], json!([]));
    assert_eq!(
        page(&chat, json!({"before": 5, "limit": 2}))["reactions"],
        json!([])
    );
}

#[test]
fn ten_thousand_messages_are_read_with_the_reactions_of_every_page() {
    let (chat, c) = talk(10_000);
    for target in (1..=10_000).step_by(97) {
        react(&chat, &c, target, "👍", 3);
    }
    let (seqs, found, requests) = read_all(&chat, 10_001, 50);
    assert!(seqs.into_iter().eq((1..=10_000).rev()));
    assert_eq!(found, stored(&chat, &c));
    assert_eq!(requests, 200);
}

#[test]
fn a_page_with_many_reactions_ends_earlier_and_misses_none() {
    let (chat, c) = talk(6);
    for (target, users) in [(1, 10), (2, 700), (3, 400), (4, 250), (5, 351), (6, 999)] {
        react(&chat, &c, target, "👍", users);
    }
    let newest = page(&chat, json!({"before": 7}));
    let seqs = |page: &Value| -> Vec<u64> {
        let messages = page["messages"].as_array().unwrap().iter();
        messages
            .map(|message| message["seq"].as_u64().unwrap())
            .collect()
    };
    // 1,000 fit, but not the 351 of the message before.
    assert_eq!((seqs(&newest), &newest["before"]), (vec![6], &json!(6)));
    assert_eq!(newest.get("reactionsNext"), None);
    // 351 and 250, but not the 400 of the message before.
    let next = page(&chat, json!({"before": 6}));
    assert_eq!((seqs(&next), &next["before"]), (vec![4, 5], &json!(4)));
    let (seqs, found, requests) = read_all(&chat, 7, 50);
    assert_eq!(seqs, [6, 5, 4, 3, 2, 1]);
    assert_eq!(found, stored(&chat, &c));
    assert_eq!(requests, 4);
}

#[test]
fn a_message_with_more_reactions_than_a_page_is_continued() {
    let (chat, c) = talk(3);
    for emoji in ["👍", "❤", "👍🏻"] {
        react(&chat, &c, 2, emoji, 900);
    }
    react(&chat, &c, 3, "👍", 1);
    react(&chat, &c, 1, "👍", 1);
    let (seqs, found, requests) = read_all(&chat, 4, 50);
    assert_eq!(seqs, [3, 2, 1]);
    assert_eq!(found, stored(&chat, &c));
    assert_eq!(requests, 5);
}

#[test]
fn a_deleted_message_has_no_reactions() {
    let (chat, c) = talk(2);
    react(&chat, &c, 1, "👍", 2);
    react(&chat, &c, 2, "👍", 2);
    let deletion = json!({"conversation": "c", "id": "d-1", "target": 1});
    chat.ask::<DeleteMessage>("ada", deletion).unwrap();
    let answer = page(&chat, json!({}));
    let targets: Vec<u64> = reactions(&answer)
        .into_iter()
        .map(|(target, ..)| target)
        .collect();
    assert_eq!(targets, [2, 2]);
}

#[test]
fn wrong_parameters_are_named() {
    let (chat, _) = talk(1);
    for (field, value) in [
        ("reactions", json!("yes")),
        ("reactions", json!(1)),
        ("reactionsNext", json!("👍")),
        ("reactionsNext", json!("ada 👍")),
    ] {
        let mut fields = json!({"conversation": "c", "reactions": true});
        fields[field] = value;
        let problem = chat.ask::<ReadMessages>("grace", fields).unwrap_err();
        assert_eq!(
            (&problem["code"], &problem["field"]),
            (&json!("invalid"), &json!(field))
        );
    }
}

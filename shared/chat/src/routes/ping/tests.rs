use std::num::NonZeroU32;

use serde_json::{Value, json};

use super::*;
use crate::{
    fakes::FakeChat,
    mutant::{Mutant, with_mutant},
    rate_limit::RateLimits,
    routes::{AddParticipant, RemoveParticipant, ShowPresence},
};

#[test]
fn only_newer_heads_of_the_callers_conversations_are_returned() {
    let chat = FakeChat::new();
    for (id, users) in [
        ("behind", ["ada"]),
        ("level", ["ada"]),
        ("foreign", ["grace"]),
    ] {
        let conversation = chat.conversation(id, &users);
        chat.history(&conversation, "grace", 3);
    }
    let positions = json!({"behind": 1, "level": 3, "foreign": 0, "nothing": 0});
    let reply = chat.frame(
        "ada-1",
        json!({"action": "ping", "ref": "p", "positions": positions}),
    );
    assert_eq!(
        reply,
        json!({"event": "pong", "ref": "p", "heads": {"behind": 3}})
    );
    assert_eq!(
        chat.frame("ada-1", json!({"action": "ping"})),
        json!({"event": "pong", "heads": {}})
    );
}

/// Pings are most of all requests, and most conversations are quiet.
#[test]
fn a_ping_looks_for_newer_entries_only_and_of_participants_only() {
    let chat = FakeChat::new();
    for id in ["c", "d"] {
        let conversation = chat.conversation(id, &["ada"]);
        chat.history(&conversation, "ada", 3);
        let frame = json!({"action": "subscribe", "conversation": id});
        chat.frame("ada-1", frame);
    }
    let methods = |connection: &str, positions: Value| {
        let _ = chat.take_calls();
        chat.frame(
            connection,
            json!({"action": "ping", "positions": positions}),
        );
        let calls = chat.take_calls();
        calls.iter().map(|call| call.method).collect::<Vec<_>>()
    };
    let quiet = methods("ada-1", json!({"c": 3, "d": 3}));
    assert_eq!(quiet, ["places_of", "stored_at"]);
    // Where there is a newer entry, participation is checked after the head is read.
    let behind = methods("ada-1", json!({"c": 2, "d": 3}));
    assert_eq!(
        behind,
        ["places_of", "stored_at", "read_back", "participant"]
    );
    // A place proves participation. Without one, the row does.
    let unsubscribed = methods("ada-2", json!({"c": 3}));
    assert_eq!(
        unsubscribed,
        ["places_of", "participations_of", "stored_at"]
    );
    let stranger = methods("mallory-1", json!({"c": 0}));
    assert_eq!(stranger, ["places_of", "participations_of"]);
}

/// The place is left over if a removal is killed before it cleans up.
#[test]
fn a_place_without_a_participant_shows_no_head() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace"]);
    chat.frame(
        "grace-1",
        json!({"action": "subscribe", "conversation": "c"}),
    );
    chat.remove(&c, "grace");
    chat.history(&c, "ada", 3);
    let reply = chat.frame("grace-1", json!({"action": "ping", "positions": {"c": 0}}));
    assert_eq!(reply["heads"], json!({}));
}

#[test]
fn positions_are_checked() {
    let chat = FakeChat::new();
    let many: serde_json::Map<_, _> = (0..21).map(|n| (format!("c{n}"), json!(0))).collect();
    for positions in [
        json!([]),
        json!({"c": "1"}),
        json!({"c": -1}),
        json!({"c d": 1}),
        json!(many),
    ] {
        let reply = chat.frame("ada-1", json!({"action": "ping", "positions": positions}));
        assert_eq!(
            (&reply["code"], &reply["field"]),
            (&json!("invalid"), &json!("positions"))
        );
    }
}

/// Ada, Grace and Bob in `c`, where all have read the first message; Ada and Mallory in `d`.
fn people() -> FakeChat {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace", "bob"]);
    chat.conversation("d", &["ada", "mallory"]);
    chat.history(&c, "ada", 1);
    has_read(&chat, "grace-1", 1, false);
    has_read(&chat, "bob-1", 1, false);
    chat
}

/// Says on a connection how far its user has read in `c`.
fn has_read(chat: &FakeChat, connection: &str, read: u64, private: bool) {
    let receipt = json!({"action": "receipt", "conversation": "c", "read": read,
        "private": private});
    chat.frame(connection, receipt);
}

fn says(chat: &FakeChat, connection: &str, presence: &str) -> Value {
    let reply = chat.frame(connection, json!({"action": "ping", "presence": presence}));
    assert_eq!(reply["event"], "pong");
    reply
}

/// Returns the presences that a connection sees in a conversation.
fn watch(chat: &FakeChat, connection: &str, conversation: &str) -> Value {
    let frame = json!({"action": "ping", "watch": [conversation]});
    chat.frame(connection, frame)["presence"].clone()
}

fn minutes(chat: &FakeChat, minutes: u64) {
    chat.runtime.advance(Duration::from_secs(60 * minutes));
}

const ONLINE: &str = r#"{"grace":{"online":true}}"#;

#[test]
fn a_user_who_looks_is_online_until_they_look_away_or_the_lease_ends() {
    let chat = people();
    assert_eq!(watch(&chat, "ada-1", "c"), json!({}), "nobody has looked");
    says(&chat, "grace-1", "active");
    assert_eq!(watch(&chat, "ada-1", "c").to_string(), ONLINE);
    minutes(&chat, 4);
    says(&chat, "grace-1", "active");
    minutes(&chat, 5);
    assert_eq!(watch(&chat, "ada-1", "c").to_string(), ONLINE);
    says(&chat, "grace-1", "away");
    let last = watch(&chat, "ada-1", "c")["grace"]["lastSeen"].clone();
    let minute = Timestamp::from_seconds(chat.now().seconds() / 60 * 60);
    assert_eq!(last, json!(minute.rfc3339()));

    // A page that closes without a word, or whose `$disconnect` is lost, leaves no ghost.
    says(&chat, "grace-1", "active");
    minutes(&chat, 5);
    assert_eq!(watch(&chat, "ada-1", "c").to_string(), ONLINE);
    chat.runtime.advance(Duration::from_secs(30));
    assert!(watch(&chat, "ada-1", "c")["grace"]["lastSeen"].is_string());
}

#[test]
fn a_hidden_page_does_not_switch_off_another_device() {
    let chat = people();
    says(&chat, "grace-1", "active");
    says(&chat, "grace-2", "active");
    says(&chat, "grace-1", "away");
    assert_eq!(watch(&chat, "ada-1", "c").to_string(), ONLINE);
    says(&chat, "grace-2", "away");
    assert!(watch(&chat, "ada-1", "c")["grace"]["lastSeen"].is_string());
}

#[test]
fn a_user_who_hides_is_seen_by_nobody_and_sees_nobody() {
    let chat = people();
    says(&chat, "grace-1", "active");
    says(&chat, "bob-1", "active");
    let show = |shown: bool| {
        let answer = chat.ask::<ShowPresence>("grace", json!({"shown": shown}));
        assert_eq!(answer.unwrap(), json!({"shown": shown}));
    };
    show(false);
    let of_bob = json!({"bob": {"online": true}});
    assert_eq!(watch(&chat, "ada-1", "c"), of_bob);
    assert_eq!(watch(&chat, "grace-1", "c"), json!({}));
    // Neither looking nor looking away shows them again.
    assert_eq!(says(&chat, "grace-1", "active")["shown"], false);
    assert_eq!(says(&chat, "grace-1", "away")["shown"], false);
    let pong = chat.frame("grace-1", json!({"action": "ping", "watch": []}));
    assert_eq!(pong["shown"], false);
    assert_eq!(watch(&chat, "ada-1", "c"), of_bob);
    show(true);
    assert_eq!(watch(&chat, "grace-1", "c"), of_bob);
    says(&chat, "grace-1", "active");
    assert_eq!(watch(&chat, "ada-1", "c")["grace"], json!({"online": true}));
    assert_eq!(says(&chat, "grace-1", "active").get("shown"), None);
}

/// Runs the test with a safeguard taken out, and expects it to fail.
fn is_found(mutant: Mutant, test: fn()) {
    let found = std::panic::catch_unwind(|| with_mutant(Some(mutant), test));
    with_mutant(None, || assert!(found.is_err(), "the mutant is not found"));
}

#[test]
fn each_safeguard_of_presence_is_needed() {
    is_found(
        Mutant::AwayForAll,
        a_hidden_page_does_not_switch_off_another_device,
    );
    is_found(
        Mutant::HiddenSeeOthers,
        a_user_who_hides_is_seen_by_nobody_and_sees_nobody,
    );
    is_found(
        Mutant::WatchedByStrangers,
        only_participants_of_a_shared_conversation_see_a_presence,
    );
    is_found(
        Mutant::SeenUnasked,
        a_user_who_was_only_added_is_not_seen_until_they_show_what_they_have_read,
    );
}

/// Any user can add another one to a conversation that they have just made.
#[test]
fn a_user_who_was_only_added_is_not_seen_until_they_show_what_they_have_read() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["mallory", "grace"]);
    chat.history(&c, "mallory", 2);
    let bob = json!({"conversation": "c", "user": "bob"});
    chat.ask::<AddParticipant>("mallory", bob).unwrap();
    for connection in ["mallory-1", "grace-1", "bob-1"] {
        says(&chat, connection, "active");
    }
    assert_eq!(watch(&chat, "mallory-1", "c"), json!({}));
    // Nor does a private receipt tell others that they have read something.
    has_read(&chat, "grace-1", 2, true);
    assert_eq!(watch(&chat, "mallory-1", "c"), json!({}));
    has_read(&chat, "grace-1", 1, false);
    assert_eq!(watch(&chat, "mallory-1", "c").to_string(), ONLINE);
    // The others have asked for the owner's presence.
    let online = json!({"online": true});
    assert_eq!(
        watch(&chat, "bob-1", "c"),
        json!({"grace": online, "mallory": online})
    );
}

#[test]
fn only_participants_of_a_shared_conversation_see_a_presence() {
    let chat = people();
    says(&chat, "grace-1", "active");
    let frame = json!({"action": "ping", "watch": ["c", "d", "none"]});
    let pong = chat.frame("mallory-1", frame);
    assert_eq!(
        (&pong["presence"], &pong["read"]),
        (&json!({}), &json!({"d": {}}))
    );
    assert_eq!(watch(&chat, "ada-1", "c").to_string(), ONLINE);
    let user = json!({"conversation": "c", "user": "ada"});
    chat.ask::<RemoveParticipant>("ada", user).unwrap();
    assert_eq!(watch(&chat, "ada-1", "c"), json!({}));
}

#[test]
fn a_stranger_who_watches_causes_the_same_calls_for_every_conversation() {
    let chat = people();
    let crowd: Vec<String> = (0..51).map(|n| format!("user{n}")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    chat.conversation("large", &crowd);
    let calls = ["none", "c", "large"].map(|conversation| {
        let _ = chat.take_calls();
        assert_eq!(watch(&chat, "mallory-1", conversation), json!({}));
        let calls = chat.take_calls().into_iter();
        calls.map(|call| call.method).collect::<Vec<_>>()
    });
    assert_eq!(calls[0], ["participants", "participant"]);
    assert_eq!((&calls[1], &calls[2]), (&calls[0], &calls[0]));
}

#[test]
fn a_watched_conversation_shows_how_far_participants_have_read() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace", "bob"]);
    chat.history(&c, "ada", 5);
    has_read(&chat, "ada-1", 5, true);
    has_read(&chat, "grace-1", 3, false);
    has_read(&chat, "bob-1", 4, true);
    let frame = json!({"action": "ping", "watch": ["c"]});
    let read = chat.frame("ada-1", frame)["read"].clone();
    assert_eq!(read, json!({"c": {"ada": 5, "grace": 3}}));
}

#[test]
fn in_large_conversations_nobody_sees_the_others() {
    let users: Vec<String> = (0..51).map(|n| format!("user{n}")).collect();
    for (most, reads, presences) in [(20, 20, 19), (21, 1, 20), (50, 1, 49), (51, 1, 0)] {
        let chat = FakeChat::new();
        let users: Vec<&str> = users.iter().take(most).map(String::as_str).collect();
        let c = chat.conversation("c", &users);
        chat.history(&c, "user0", 1);
        for user in &users {
            let connection = format!("{user}-1");
            says(&chat, &connection, "active");
            has_read(&chat, &connection, 1, false);
        }
        let pong = chat.frame("user1-1", json!({"action": "ping", "watch": ["c"]}));
        let length = |value: &Value| value.as_object().unwrap().len();
        assert_eq!(length(&pong["presence"]), presences, "{most} participants");
        assert_eq!(length(&pong["read"]["c"]), reads, "{most} participants");
    }
}

#[test]
fn presence_and_watch_are_checked() {
    let chat = people();
    let many: Vec<String> = (0..6).map(|n| format!("c{n}")).collect();
    for (field, value) in [
        ("presence", json!("here")),
        ("presence", json!(true)),
        ("watch", json!("c")),
        ("watch", json!([1])),
        ("watch", json!(["c d"])),
        ("watch", json!(many)),
    ] {
        let mut frame = json!({"action": "ping"});
        frame[field] = value;
        let reply = chat.frame("ada-1", frame);
        assert_eq!(
            (&reply["code"], &reply["field"]),
            (&json!("invalid"), &json!(field))
        );
    }
}

#[test]
fn a_ping_costs_tokens_for_its_positions() {
    for (number, cost) in [(0, 1), (4, 1), (5, 2), (20, 5), (21, 1)] {
        let mut chat = FakeChat::new();
        let of = |number: u32| NonZeroU32::new(number).unwrap();
        chat.limits = RateLimits::new(of(1), of(100));
        let positions: BTreeMap<String, u64> = (0..number)
            .map(|number| (format!("c{number}"), 0))
            .collect();
        let ping = json!({"action": "ping", "positions": positions});
        chat.frame("ada-1", ping);
        let (ada, now) = (chat.identity("ada").user, chat.now());
        assert_eq!(chat.limits.spend(&ada, 100 - cost, now), Ok(()), "{number}");
        assert!(chat.limits.spend(&ada, 1, now).is_err(), "{number}");
    }
}

//! The calls that a request makes for a user who is not a participant. They must be few, and must
//! not depend on whether the conversation exists.

use futures_util::future::join;
use serde_json::{Value, json};

use crate::{
    fakes::{Call, FakeChat},
    request::Route,
    routes::{
        AddParticipant, CreateConversation, DeleteMessage, EditMessage, GetConversation, React,
        ReadEvents, ReadMessages, Receipt, RemoveParticipant, RemoveParticipants, SendMessage,
        WithdrawReaction,
    },
};

/// Returns the participants of the long conversation: Ada, Grace and others.
fn users() -> Vec<String> {
    let others = (0..50).map(|number| format!("user-{number}"));
    ["ada".to_owned(), "grace".to_owned()]
        .into_iter()
        .chain(others)
        .collect()
}

/// The conversation `c` with a long log. Mallory is not a participant.
fn long_conversation() -> FakeChat {
    let chat = FakeChat::new();
    let users = users();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let c = chat.conversation("c", &users);
    chat.history(&c, "ada", 1_500);
    let _ = chat.take_calls();
    chat
}

/// Makes the request for `c` and for a conversation that does not exist. Returns the calls of both.
fn both(chat: &FakeChat, request: impl Fn(&str) -> Value) -> [Vec<Call>; 2] {
    let [foreign, missing] = ["c", "none"].map(|conversation| {
        let answer = request(conversation);
        (answer, chat.take_calls())
    });
    assert_eq!(foreign.0, missing.0, "the answers differ");
    [foreign.1, missing.1]
}

fn over_http<R: Route<FakeChat>>(chat: &FakeChat, fields: &Value) -> [Vec<Call>; 2] {
    both(chat, |conversation| {
        let mut fields = fields.clone();
        fields["conversation"] = json!(conversation);
        let problem = chat.ask::<R>("mallory", fields).unwrap_err();
        assert_eq!(problem["code"], "not_found");
        problem
    })
}

fn over_a_socket(chat: &FakeChat, fields: &Value) -> [Vec<Call>; 2] {
    both(chat, |conversation| {
        let mut frame = fields.clone();
        frame["conversation"] = json!(conversation);
        chat.frame("mallory-1", frame)
    })
}

#[test]
fn a_refused_request_makes_the_same_calls_for_a_missing_and_a_foreign_conversation() {
    let chat = long_conversation();
    let message = json!({"id": "m", "body": "Hi"});
    let change = json!({"id": "m", "target": 1, "body": "Hi"});
    let reaction = json!({"target": 1, "emoji": "👍"});
    let of_routes = [
        over_http::<ReadEvents>(&chat, &json!({"limit": 1_000})),
        over_http::<ReadEvents>(&chat, &json!({"after": 700})),
        over_http::<ReadMessages>(&chat, &json!({"limit": 1})),
        over_http::<ReadMessages>(&chat, &json!({"before": 700, "limit": 1_000})),
        over_http::<ReadMessages>(&chat, &json!({"reactions": true, "limit": 1_000})),
        over_http::<GetConversation>(&chat, &json!({})),
        over_http::<AddParticipant>(&chat, &json!({"user": "mallory"})),
        over_http::<RemoveParticipant>(&chat, &json!({"user": "grace"})),
        over_http::<RemoveParticipants>(&chat, &json!({"users": users()[1..20]})),
        over_http::<SendMessage>(&chat, &message),
        over_http::<EditMessage>(&chat, &change),
        over_http::<DeleteMessage>(&chat, &change),
        over_http::<React>(&chat, &reaction),
        over_http::<WithdrawReaction>(&chat, &reaction),
        over_a_socket(&chat, &json!({"action": "subscribe", "after": 0})),
        over_a_socket(&chat, &json!({"action": "subscribe", "after": 1_500})),
        over_a_socket(&chat, &json!({"action": "subscribe"})),
        over_a_socket(&chat, &json!({"action": "catchUp", "after": 0})),
        over_a_socket(&chat, &json!({"action": "catchUp", "after": 1_500})),
        over_a_socket(
            &chat,
            &json!({"action": "sendMessage", "id": "m", "body": "Hi"}),
        ),
        both(&chat, |conversation| {
            chat.frame(
                "mallory-1",
                json!({"action": "ping", "positions": {conversation: 0}}),
            )
        }),
    ];
    for (number, [foreign, missing]) in of_routes.iter().enumerate() {
        assert_eq!(foreign, missing, "request {number}");
        let rows: usize = foreign.iter().map(|call| call.rows).sum();
        assert_eq!(rows, 0, "request {number} reads something: {foreign:?}");
        assert!(foreign.len() <= 4, "request {number}: {foreign:?}");
    }
}

#[test]
fn a_refused_message_reads_a_few_entries_at_most() {
    let chat = long_conversation();
    for after in [0, 1, 700] {
        let message = json!({"id": "m", "body": "Hi", "after": after, "target": 1, "emoji": "👍"});
        for [foreign, missing] in [
            over_http::<SendMessage>(&chat, &message),
            over_http::<EditMessage>(&chat, &message),
            over_http::<DeleteMessage>(&chat, &message),
            over_http::<React>(&chat, &message),
        ] {
            let methods = |calls: &[Call]| calls.iter().map(|call| call.method).collect::<Vec<_>>();
            assert_eq!(methods(&foreign), methods(&missing), "after {after}");
            assert_eq!(methods(&foreign), ["participant", "read_from"]);
            let rows: usize = foreign.iter().map(|call| call.rows).sum();
            assert!(rows <= 4, "{rows} rows");
        }
    }
}

#[test]
fn a_refused_receipt_reads_one_entry_at_most() {
    let chat = long_conversation();
    for read in [0, 1, 700, 1_500, 1_501] {
        let receipt = json!({"read": read});
        let [foreign, missing] = over_http::<Receipt>(&chat, &receipt);
        let methods = |calls: &[Call]| calls.iter().map(|call| call.method).collect::<Vec<_>>();
        assert_eq!(methods(&foreign), methods(&missing), "read {read}");
        let rows: usize = foreign.iter().map(|call| call.rows).sum();
        assert!(rows <= 1, "{foreign:?}");
        assert!(foreign.len() <= 2, "{foreign:?}");
    }
}

#[test]
fn only_a_sender_who_is_behind_reads_the_log_twice() {
    for (after, reads) in [(1_500, 1), (1_498, 1), (1_490, 2), (600, 2)] {
        let chat = long_conversation();
        let message = json!({"conversation": "c", "id": "m", "body": "Hi", "after": after});
        let sent = chat.ask::<SendMessage>("ada", message).unwrap();
        assert_eq!(sent["seq"], 1_501, "after {after}");
        let calls = chat.take_calls();
        let of_log = calls.iter().filter(|call| call.method == "read_from");
        assert_eq!(of_log.count(), reads, "after {after}");
    }
}

#[test]
fn a_creator_who_is_not_a_participant_any_more_does_not_read_the_conversation() {
    let chat = long_conversation();
    chat.ask::<RemoveParticipant>("ada", json!({"conversation": "c", "user": "ada"}))
        .unwrap();
    let _ = chat.take_calls();
    let again = json!({"id": "c", "participants": users()});
    let problem = chat.ask::<CreateConversation>("ada", again).unwrap_err();
    assert_eq!(problem["code"], "not_found");
    let rows: usize = chat.take_calls().iter().map(|call| call.rows).sum();
    assert!(rows <= 2, "{rows} rows");
}

/// Ada removes Grace, and then deletes a message, while Grace asks for a change of it. Returns what
/// Grace is answered.
fn asked_during_removal<R: Route<FakeChat>>(seed: u64) -> Result<Value, Value> {
    let chat = FakeChat::unsteady(seed);
    let c = chat.conversation("c", &["ada", "grace"]);
    chat.history(&c, "ada", 1);
    while chat.land() {}
    let grace = json!({"conversation": "c", "user": "grace"});
    let change = |id| json!({"conversation": "c", "id": id, "target": 1, "after": 1, "body": "Hi"});
    let later = async {
        let removed = chat.ask_later::<RemoveParticipant>("ada", grace).await;
        if removed.is_ok() {
            let _ = chat.ask_later::<DeleteMessage>("ada", change("a")).await;
        }
    };
    let asked = chat.ask_later::<R>("grace", change("g"));
    chat.run(join(later, asked)).1
}

#[test]
fn a_removed_user_is_not_told_of_a_deletion_after_their_removal() {
    for seed in 0..500 {
        // The message is Ada's, so Grace may learn that, or that she is no participant any more.
        for told in [
            asked_during_removal::<EditMessage>(seed),
            asked_during_removal::<DeleteMessage>(seed),
        ] {
            let problem = told.unwrap_err();
            let code = problem["code"].as_str().unwrap();
            assert!(
                ["forbidden", "not_found"].contains(&code),
                "seed {seed}: {problem}"
            );
        }
    }
}

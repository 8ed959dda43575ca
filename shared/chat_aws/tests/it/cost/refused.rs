//! Requests of users who are not participants.

use chat::{
    error::{Rejection, RequestError},
    request::Route,
    routes::{
        AddParticipant, CatchUp, CreateConversation, DeleteMessage, EditMessage, GetConversation,
        Ping, React, ReadEvents, ReadMessages, Receipt, RemoveParticipant, RemoveParticipants,
        SendMessage, Subscribe, Typing, Unsubscribe, WithdrawReaction,
    },
};
use chat_aws::Ports;
use serde_json::{Value, json};

use super::{Small, line};
use crate::meter::Meter;

/// Refuses three requests.
pub async fn lines(small: &Small) -> Vec<String> {
    vec![
        line(
            "a read by a user who is not a participant",
            &small.refused::<ReadEvents>(json!({})).await,
        ),
        line(
            "`subscribe` by a user who is not a participant",
            &small.refused::<Subscribe>(json!({"after": 0})).await,
        ),
        line(
            "`receipt` by a user who is not a participant",
            &small.refused::<Receipt>(json!({"read": 0})).await,
        ),
    ]
}

/// Long messages, so that the answer to a query about the log would be large.
#[tokio::test]
async fn a_refused_request_costs_the_same_for_a_missing_and_for_a_foreign_conversation() {
    let small = Small::conversation().await;
    let body = "x".repeat(16_000);
    for number in 1..=12 {
        let fields = json!({"conversation": "c", "id": format!("m-{number}"), "body": body});
        small.ask::<SendMessage>("ada", fields).await;
    }
    let refused = [
        small.refused::<ReadEvents>(json!({"after": 0})).await,
        small.refused::<ReadMessages>(json!({"limit": 1})).await,
        small.refused::<GetConversation>(json!({})).await,
        small
            .refused::<AddParticipant>(json!({"user": "mallory"}))
            .await,
        small
            .refused::<RemoveParticipant>(json!({"user": "ada"}))
            .await,
        small
            .refused::<RemoveParticipants>(json!({"users": ["ada", "grace"]}))
            .await,
        small
            .refused::<SendMessage>(json!({"id": "n", "body": "Hi"}))
            .await,
        small
            .refused::<EditMessage>(json!({"id": "n", "target": 1, "body": "Hi"}))
            .await,
        small
            .refused::<DeleteMessage>(json!({"id": "n", "target": 1}))
            .await,
        small
            .refused::<React>(json!({"target": 1, "emoji": "👍"}))
            .await,
        small
            .refused::<WithdrawReaction>(json!({"target": 1, "emoji": "👍"}))
            .await,
        small
            .refused::<ReadMessages>(json!({"reactions": true}))
            .await,
    ];
    for cost in &refused {
        assert_eq!((cost.calls, cost.write_units), (1, 0.0));
        assert!(cost.read_units <= 1.0, "{cost:?}");
    }
    let cost = small.refused::<CatchUp>(json!({"after": 0})).await;
    assert_eq!((cost.calls, cost.write_units), (2, 0.0));
    for after in [json!(0), json!(12), Value::Null] {
        let cost = small.refused::<Subscribe>(json!({"after": after})).await;
        assert_eq!((cost.calls, cost.rounds), (4, 3), "{after}");
    }
    let mut pings = Vec::new();
    for conversation in ["c", "none"] {
        let positions = json!({"positions": {conversation: 0}});
        pings.push(small.frame::<Ping>("mallory-1", positions).await);
    }
    assert_eq!((&pings[0], small.meter.read_entries()), (&pings[1], 0));

    // A receipt asks for one entry, and then whether the caller has a row.
    for read in [1, 12, 13] {
        let mut costs = Vec::new();
        for conversation in ["c", "none"] {
            let (identity, _) = small.connection("mallory-1");
            let fields = json!({"conversation": conversation, "read": read});
            let refused = small.reply::<Receipt>((identity, None), fields).await;
            let not_found = Err(RequestError::Rejected(Rejection::NotFound));
            assert_eq!(
                format!("{refused:?}"),
                format!("{:?}", not_found as Result<(), _>)
            );
            assert!(small.meter.read_entries() <= 1);
            costs.push(small.meter.read());
        }
        let [foreign, missing] = &costs[..] else {
            panic!("two requests")
        };
        assert_eq!((foreign.calls, foreign.rounds), (2, 2));
        assert_eq!((missing.calls, missing.rounds), (2, 2));
        assert!(foreign.read_units <= 5.0, "{foreign:?}");
    }

    // A message sent with `after` asks for a few entries before the check.
    let (identity, _) = small.connection("mallory-1");
    let fields = json!({"conversation": "c", "id": "n", "body": "Hi", "after": 0});
    let sent = small.reply::<SendMessage>((identity, None), fields).await;
    assert!(sent.is_err());
    let cost = small.meter.read();
    assert!(small.meter.read_entries() <= 4, "{cost:?}");
    assert!(cost.read_units <= 18.0, "{cost:?}");
}

/// Asserts that a stranger's request makes the same calls for a conversation that exists as for one
/// that does not, and reads few entries.
async fn tells_nothing<R: Route<Ports<Meter>>>(small: &Small, fields: impl Fn(&str) -> Value) {
    let mut calls = Vec::new();
    for conversation in ["c", "none"] {
        small.meter.read_entries();
        let (identity, connection) = small.connection("mallory-1");
        let caller = (identity, Some(connection));
        // A refusal, or an answer that is the same for both.
        let _ = small.reply::<R>(caller, fields(conversation)).await;
        let cost = small.meter.read();
        let entries = small.meter.read_entries();
        assert!(entries <= 4, "{}: {entries} entries", R::NAME);
        assert!(cost.pushed.is_empty(), "{}: {cost:?}", R::NAME);
        // How the calls of many conversations overlap is not the same twice.
        calls.push((cost.calls, cost.write_units));
    }
    assert_eq!(calls[0], calls[1], "{}", R::NAME);
}

/// The routes that do more than one read before they know the caller, and those that name many
/// conversations.
#[tokio::test]
async fn the_calls_of_a_stranger_do_not_tell_whether_a_conversation_exists() {
    let small = Small::conversation().await;
    let body = "x".repeat(16_000);
    for number in 1..=12 {
        let fields = json!({"conversation": "c", "id": format!("m-{number}"), "body": body});
        small.ask::<SendMessage>("ada", fields).await;
    }
    for number in 1..20 {
        let fields = json!({"id": format!("c-{number}"), "participants": ["grace"]});
        small.ask::<CreateConversation>("ada", fields).await;
    }
    let with = |conversation: &str, others: Value| {
        let mut fields = others;
        fields["conversation"] = json!(conversation);
        fields
    };
    for after in [0, 1, 12, 13] {
        let draft = |id: &str| with(id, json!({"id": "n", "body": "Hi", "after": after}));
        tells_nothing::<SendMessage>(&small, draft).await;
        let change = |id: &str| {
            with(
                id,
                json!({"id": "n", "target": 1, "body": "Hi", "after": after}),
            )
        };
        tells_nothing::<EditMessage>(&small, change).await;
        tells_nothing::<DeleteMessage>(&small, change).await;
        let reaction = |id: &str| with(id, json!({"target": 1, "emoji": "👍", "after": after}));
        tells_nothing::<React>(&small, reaction).await;
        tells_nothing::<WithdrawReaction>(&small, reaction).await;
        let receipt = |id: &str| with(id, json!({"read": after}));
        tells_nothing::<Receipt>(&small, receipt).await;
        let private = |id: &str| with(id, json!({"read": after, "private": true}));
        tells_nothing::<Receipt>(&small, private).await;
        let typing = |id: &str| with(id, json!({"after": after}));
        tells_nothing::<Typing>(&small, typing).await;
        let many = |id: &str| {
            let all = (1..20).map(|number| format!("{id}-{number}"));
            let all = all.chain([id.to_owned()]);
            let all = all.map(|id| json!({"conversation": id, "after": after}));
            json!({"conversations": all.collect::<Vec<_>>(), "receipts": true})
        };
        tells_nothing::<Subscribe>(&small, many).await;
        tells_nothing::<CatchUp>(&small, many).await;
    }
    tells_nothing::<Unsubscribe>(&small, |id| with(id, json!({}))).await;
    let watch = |id: &str| json!({"watch": [id, format!("{id}-1")], "positions": {id: 0}});
    tells_nothing::<Ping>(&small, watch).await;
}

//! Requests of users who are not participants.

use chat::{
    error::{Rejection, RequestError},
    routes::{
        AddParticipant, CatchUp, DeleteMessage, EditMessage, GetConversation, Ping, React,
        ReadEvents, ReadMessages, Receipt, RemoveParticipant, RemoveParticipants, SendMessage,
        Subscribe, WithdrawReaction,
    },
};
use serde_json::{Value, json};

use super::{Small, line};

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

//! `$connect`, `$disconnect` and subscriptions.

use chat::routes::{CatchUp, CreateConversation, Ping, Subscribe, Unsubscribe};
use serde_json::{Value, json};

use super::{Small, line};

/// Measures a connection from its handshake to its end.
pub async fn lines(small: &Small) -> Vec<String> {
    let c = || json!({"conversation": "c"});
    vec![
        line("`$connect`", &small.connect("ada-3").await),
        line(
            "`$connect`, too many connections",
            &small.connect_beyond_the_limit("ada-4").await,
        ),
        line(
            "`subscribe`, `after` given",
            &small.subscribe("ada-3", "c").await,
        ),
        line(
            "`subscribe` again, `after` left out",
            &small.frame::<Subscribe>("ada-3", c()).await,
        ),
        line(
            "`subscribe` again, with `receipts`",
            &small
                .frame::<Subscribe>("ada-3", json!({"conversation": "c", "receipts": true}))
                .await,
        ),
        line(
            "`catchUp`",
            &small
                .frame::<CatchUp>("ada-3", json!({"conversation": "c", "after": 9}))
                .await,
        ),
        line(
            "`ping` without positions",
            &small.frame::<Ping>("ada-3", json!({})).await,
        ),
        line(
            "`ping`, one position",
            &small
                .frame::<Ping>("ada-3", json!({"positions": {"c": 10}}))
                .await,
        ),
        line(
            "`ping`, one position that is behind",
            &small
                .frame::<Ping>("ada-3", json!({"positions": {"c": 9}}))
                .await,
        ),
        line(
            "`ping`, one position without a subscription",
            &small
                .frame::<Ping>("grace-2", json!({"positions": {"c": 10}}))
                .await,
        ),
        line(
            "`ping`, `presence`",
            &small
                .frame::<Ping>("ada-3", json!({"presence": "active"}))
                .await,
        ),
        line(
            "`ping`, `watch` of a conversation of two",
            &small
                .frame::<Ping>("grace-2", json!({"watch": ["c"]}))
                .await,
        ),
        line(
            "`unsubscribe`",
            &small.frame::<Unsubscribe>("ada-3", c()).await,
        ),
        line(
            "`$disconnect`, no subscription",
            &small.disconnect("ada-3").await,
        ),
        line(
            "`$disconnect`, one subscription",
            &small.disconnect("ada-2").await,
        ),
    ]
}

/// The ids are UUIDs, as those that the server chooses.
fn twenty() -> Vec<String> {
    let id = |number: usize| format!("0f6b0a52-6f0e-4f0e-9a7c-{number:012}");
    (0..20).map(id).collect()
}

#[tokio::test]
async fn connecting_with_twenty_conversations_takes_one_frame_and_few_writes() {
    let small = Small::conversation().await;
    for id in twenty() {
        let fields = json!({"id": id, "participants": ["grace"]});
        small.ask::<CreateConversation>("ada", fields).await;
    }
    let connected = small.connect("ada-20").await;
    let wanted: Vec<_> = twenty()
        .iter()
        .map(|id| json!({"conversation": id, "after": 0}))
        .collect();
    let fields = json!({"conversations": wanted, "receipts": true});
    let subscribed = small.frame::<Subscribe>("ada-20", fields).await;
    // A unit for each row, and one for all places.
    assert_eq!(connected.write_units + subscribed.write_units, 22.0);
    // One batch of rows, one of participants, one claim; a read and a second check for each.
    assert_eq!(subscribed.calls, 3 + 2 * 20);
    assert_eq!(subscribed.read_units, 3.0 * 20.0);

    // Closing the connection deletes the same rows: two calls of at most 25.
    let closed = small.disconnect("ada-20").await;
    assert_eq!((closed.calls, closed.write_units), (2, 22.0));
}

#[tokio::test]
async fn a_quiet_ping_costs_half_a_unit_for_each_position() {
    let small = Small::conversation().await;
    small.send("m-1", Some(0)).await;
    let quiet = |positions: Value| small.frame::<Ping>("ada-1", json!({"positions": positions}));
    // A page that has heard from its conversations names none of them.
    let cost = quiet(json!({})).await;
    assert_eq!((cost.calls, cost.read_units), (0, 0.0));
    let cost = quiet(json!({"c": 1})).await;
    assert_eq!((cost.calls, cost.read_units), (2, 1.0));

    let wanted: Vec<_> = twenty()
        .iter()
        .map(|id| json!({"conversation": id}))
        .collect();
    for id in twenty() {
        small
            .ask::<CreateConversation>("ada", json!({"id": id, "participants": []}))
            .await;
    }
    let fields = json!({"conversations": wanted});
    small.frame::<Subscribe>("ada-1", fields).await;
    let positions: serde_json::Map<_, _> = twenty().into_iter().map(|id| (id, json!(0))).collect();
    let cost = quiet(Value::Object(positions)).await;
    assert_eq!((cost.calls, cost.rounds), (2, 2));
    assert_eq!(cost.read_units, 10.5);
}

/// Many clients repair the same gap at once.
#[tokio::test]
async fn a_gap_is_repaired_without_a_write() {
    let small = Small::conversation().await;
    for number in 1..=10 {
        small.send(&format!("m-{number}"), Some(number - 1)).await;
    }
    let fields = json!({"conversation": "c", "after": 7});
    let cost = small.frame::<CatchUp>("grace-1", fields).await;
    assert_eq!((cost.calls, cost.rounds, cost.write_units), (4, 4, 0.0));
    assert_eq!(cost.read_units, 3.5);
}

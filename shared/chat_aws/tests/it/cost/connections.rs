//! `$connect`, `$disconnect` and subscriptions.

use chat::routes::{CreateConversation, Ping, Subscribe, Unsubscribe};
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
            "`ping` without positions",
            &small.frame::<Ping>("ada-3", json!({})).await,
        ),
        line(
            "`ping`, each position",
            &small
                .frame::<Ping>("ada-3", json!({"positions": {"c": 10}}))
                .await,
        ),
        line(
            "`ping`, each position that is behind",
            &small
                .frame::<Ping>("ada-3", json!({"positions": {"c": 9}}))
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
            &small.frame::<Ping>("ada-3", json!({"watch": ["c"]})).await,
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

#[tokio::test]
async fn many_subscriptions_in_one_frame_cost_as_much_as_one_by_one() {
    let small = Small::conversation().await;
    let other = json!({"id": "b", "participants": []});
    small.ask::<CreateConversation>("ada", other).await;
    let again = |fields: Value| small.frame::<Subscribe>("ada-1", fields);
    again(json!({"conversation": "b"})).await;
    let one = again(json!({"conversation": "b"})).await;
    let wanted = json!([{"conversation": "c"}, {"conversation": "b"}]);
    let two = again(json!({"conversations": wanted})).await;
    assert_eq!(two.calls, 2 * one.calls);
    assert_eq!(two.read_units, 2.0 * one.read_units);
    assert_eq!(two.write_units, 2.0 * one.write_units);
    assert!(two.rounds <= one.rounds);
}

//! Messages: sending, editing, deleting, reacting and reading.

use chat::routes::{
    CatchUp, DeleteMessage, EditMessage, React, ReadEvents, ReadMessages, SendMessage, Subscribe,
    WithdrawReaction,
};
use chat_aws::Counted as _;
use serde_json::json;

use super::{Small, line};

/// Sends after ten messages.
pub async fn sending(small: &Small) -> Vec<String> {
    let message =
        |id: &str, after| json!({"conversation": "c", "id": id, "body": "Hi", "after": after});
    vec![
        line(
            "`sendMessage`, `after` given",
            &small
                .frame::<SendMessage>("ada-1", message("n-1", Some(10)))
                .await,
        ),
        line(
            "`sendMessage`, `after` five entries ago",
            &small
                .frame::<SendMessage>("ada-1", message("n-5", Some(6)))
                .await,
        ),
        line(
            "`sendMessage`, `after` left out",
            &small
                .frame::<SendMessage>("ada-1", message("n-2", None))
                .await,
        ),
        line(
            "`sendMessage`, repeated",
            &small
                .frame::<SendMessage>("ada-1", message("n-2", Some(12)))
                .await,
        ),
        line(
            "`POST …/messages`, `after` given",
            &small
                .ask::<SendMessage>("ada", message("n-3", Some(13)))
                .await,
        ),
    ]
}

/// Edits and deletes the messages at 11 and 10, and reacts to that at 12.
pub async fn changing(small: &Small) -> Vec<String> {
    let edit = |id: &str, target, after| json!({"conversation": "c", "id": id, "target": target, "body": "Hi!", "after": after});
    let reaction = |emoji: &str, after| json!({"conversation": "c", "target": 12, "emoji": emoji, "after": after});
    vec![
        line(
            "`editMessage`, `after` given",
            &small
                .frame::<EditMessage>("ada-1", edit("e-1", 11, Some(14)))
                .await,
        ),
        line(
            "`editMessage`, repeated",
            &small
                .frame::<EditMessage>("ada-1", edit("e-1", 11, Some(14)))
                .await,
        ),
        line(
            "`deleteMessage`, `after` given",
            &small
                .frame::<DeleteMessage>("ada-1", edit("d-1", 11, Some(15)))
                .await,
        ),
        line(
            "`PATCH …/messages/{seq}`, `after` given",
            &small
                .ask::<EditMessage>("ada", edit("e-2", 10, Some(16)))
                .await,
        ),
        line(
            "`DELETE …/messages/{seq}`, `after` given",
            &small
                .ask::<DeleteMessage>("ada", edit("d-2", 10, Some(17)))
                .await,
        ),
        line(
            "`DELETE …/messages/{seq}` of a deleted message",
            &small
                .ask::<DeleteMessage>("ada", edit("d-3", 10, Some(18)))
                .await,
        ),
        line(
            "`react`, `after` given",
            &small.frame::<React>("ada-1", reaction("👍", 18)).await,
        ),
        line(
            "`react`, nothing new",
            &small.frame::<React>("ada-1", reaction("👍", 19)).await,
        ),
        line(
            "`PUT …/messages/{seq}/reactions/{emoji}`",
            &small.ask::<React>("ada", reaction("❤", 19)).await,
        ),
        line(
            "`DELETE …/messages/{seq}/reactions/{emoji}`",
            &small
                .ask::<WithdrawReaction>("ada", reaction("❤", 20))
                .await,
        ),
    ]
}

/// Reads what was stored before.
pub async fn reading(small: &Small) -> Vec<String> {
    let c = || json!({"conversation": "c"});
    vec![
        line(
            "`GET …/messages`",
            &small.ask::<ReadMessages>("ada", c()).await,
        ),
        line(
            "`GET …/messages`, with `reactions`",
            &small
                .ask::<ReadMessages>("ada", json!({"conversation": "c", "reactions": true}))
                .await,
        ),
        line("`GET …/events`", &small.ask::<ReadEvents>("ada", c()).await),
        line(
            "`GET …/events`, with edits of two older messages",
            &small
                .ask::<ReadEvents>("ada", json!({"conversation": "c", "after": 14}))
                .await,
        ),
    ]
}

#[tokio::test]
async fn a_message_costs_one_write_unit_and_reaches_the_first_page_in_three_rounds() {
    let small = Small::conversation().await;
    let cost = small.send("m-1", Some(0)).await;
    assert_eq!(cost.pushed, ["ada-2", "grace-1"], "one for each other page");
    let before = cost.before_push.as_ref().unwrap();
    assert_eq!(before.write_units, 1.0);
    assert!(before.read_units <= 3.0, "{before:?}");
    assert!(before.rounds <= 3, "{before:?}");
    // No call follows the pushes: the reply is the function's response.
    assert_eq!((cost.calls, cost.rounds), (before.calls, before.rounds));
}

#[tokio::test]
async fn a_request_costs_the_same_in_a_long_log_as_in_an_empty_one() {
    let empty = Small::conversation().await.send("new", Some(0)).await;
    let long = Small::conversation().await;
    long.fill(100_000).await;
    assert_eq!(long.send("new", Some(100_000)).await, empty);
    let subscribed = json!({"conversation": "c", "after": 100_001});
    let cost = long.frame::<Subscribe>("ada-1", subscribed).await;
    assert_eq!((cost.read_units, cost.rounds), (3.0, 3));
}

#[tokio::test]
async fn a_request_that_reads_long_entries_costs_a_token_for_every_16_units() {
    let small = Small::conversation().await;
    for number in 1..=50 {
        let body = "long ".repeat(3_200);
        let id = format!("m-{number}");
        let fields = json!({"conversation": "c", "id": id, "body": body, "after": number - 1});
        small.frame::<SendMessage>("ada-1", fields).await;
    }
    let counters = small.ports.counters();
    let further = || counters.further_cost();
    let before = further();
    let from = |after: u64| json!({"conversation": "c", "after": after});
    let cost = small.frame::<CatchUp>("grace-1", from(0)).await;
    let tokens = f64::from(further() - before);
    assert!(cost.read_units > 150.0, "{cost:?}");
    assert!(
        (cost.read_units / tokens - 16.0).abs() < 4.0,
        "{tokens} tokens for {cost:?}"
    );
    // A client that keeps up pays nothing more; what was left of the last token may add up.
    let before = further();
    small.frame::<CatchUp>("grace-1", from(49)).await;
    assert!(further() - before <= 1);
}

//! Messages with many reactions.

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use chat::{
    ports::MOST_REACTIONS,
    routes::{React, ReadMessages},
};
use serde_json::json;

use super::Small;
use crate::meter::Cost;

/// `👍` and `🦀`.
const THUMB: &str = "f09f918d";
const CRAB: &str = "f09fa680";

impl Small {
    /// Writes the rows of reactions to the message at 1, bypassing the ports, which need several
    /// calls for each.
    async fn fill_reactions(&self, emoji: &str, users: usize) {
        let text = |text: String| AttributeValue::S(text);
        let numbers: Vec<usize> = (0..users).collect();
        for chunk in numbers.chunks(25) {
            let puts = chunk.iter().map(|number| {
                let sk = format!("emoji#000000000001#{emoji}#user-{number:032}");
                let put = PutRequest::builder()
                    .item("pk", text("conversation#c".to_owned()))
                    .item("sk", text(sk))
                    .item("name", text("Somebody".to_owned()))
                    .item("seq", AttributeValue::N("2".to_owned()));
                let put = put.build().unwrap();
                WriteRequest::builder().put_request(put).build()
            });
            let call = self.plain.batch_write_item();
            let written = call.request_items(&self.table, puts.collect()).send().await;
            let left = written.unwrap().unprocessed_items.unwrap_or_default();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}

#[tokio::test]
async fn a_reaction_costs_the_same_however_many_there_are() {
    let mut costs: Vec<[Cost; 2]> = Vec::new();
    for users in [300, 3_000] {
        let small = Small::conversation().await;
        small.send("m-1", Some(0)).await;
        small.fill_reactions(THUMB, users).await;
        small.fill_reactions(CRAB, users).await;
        let react = |emoji, on, after| {
            let fields = json!({"conversation": "c", "target": 1, "emoji": emoji, "on": on,
                "after": after});
            small.frame::<React>("ada-1", fields)
        };
        costs.push([react("👍", true, 1).await, react("🎉", true, 2).await]);
    }
    let of = |costs: &[Cost; 2]| costs.clone().map(|cost| (cost.calls, cost.read_units));
    assert_eq!(of(&costs[0]), of(&costs[1]));
    for cost in costs.iter().flatten() {
        assert_eq!(cost.write_units, 4.0);
        // 100 rows instead of all, the own row, and a query for each further emoji.
        assert!(cost.read_units <= 12.0, "{cost:?}");
        assert!(cost.rounds <= 8, "{cost:?}");
    }
}

#[tokio::test]
async fn a_page_of_history_reads_a_bounded_number_of_reactions() {
    let small = Small::conversation().await;
    small.send("m-1", Some(0)).await;
    small.fill_reactions(THUMB, 3 * MOST_REACTIONS).await;
    let fields = json!({"conversation": "c", "reactions": true});
    let cost = small.ask::<ReadMessages>("ada", fields).await;
    assert_eq!((cost.calls, cost.rounds), (4, 4));
    // About 130 bytes each.
    assert!(cost.read_units <= 45.0, "{cost:?}");
}

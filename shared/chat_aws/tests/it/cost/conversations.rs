//! Creating, listing and describing conversations.

use chat::routes::{CreateConversation, GetConversation, ListConversations};
use serde_json::json;

use super::{Small, line};

/// Creates the conversation `d`, and reads both.
pub async fn lines(small: &Small) -> Vec<String> {
    let c = || json!({"conversation": "c"});
    vec![
        line(
            "`POST /conversations`, three users",
            &small
                .ask::<CreateConversation>("ada", json!({"id": "d", "participants": ["x", "y"]}))
                .await,
        ),
        line(
            "`POST /conversations`, repeated",
            &small
                .ask::<CreateConversation>("ada", json!({"id": "d", "participants": ["x", "y"]}))
                .await,
        ),
        line(
            "`GET /conversations`, two",
            &small.ask::<ListConversations>("ada", json!({})).await,
        ),
        line(
            "`GET /conversations/{id}`",
            &small.ask::<GetConversation>("ada", c()).await,
        ),
    ]
}

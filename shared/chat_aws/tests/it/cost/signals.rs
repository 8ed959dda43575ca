//! Typing, receipts and presence.

use chat::routes::{Receipt, ShowPresence, Typing};
use serde_json::json;

use super::{Small, line};

/// Types, reads and shows a presence.
pub async fn lines(small: &Small) -> Vec<String> {
    vec![
        line(
            "`typing`",
            &small
                .frame::<Typing>("ada-1", json!({"conversation": "c", "after": 12}))
                .await,
        ),
        line("`receipt`", &small.receipt("ada-1", 10, false).await),
        line(
            "`receipt`, nothing new",
            &small.receipt("ada-1", 9, false).await,
        ),
        line(
            "`receipt`, private",
            &small.receipt("ada-1", 12, true).await,
        ),
        line(
            "`receipt`, shows what was private",
            &small.receipt("ada-1", 11, false).await,
        ),
        line(
            "`PUT …/receipt`",
            &small
                .ask::<Receipt>("ada", json!({"conversation": "c", "read": 13}))
                .await,
        ),
        line(
            "`PUT /me/presence`",
            &small
                .ask::<ShowPresence>("ada", json!({"shown": true}))
                .await,
        ),
    ]
}

//! Changes of participants.

use chat::routes::{AddParticipant, RemoveParticipant, RemoveParticipants};
use serde_json::json;

use super::{Small, line};

/// Adds and removes participants.
pub async fn lines(small: &Small) -> Vec<String> {
    let three = || json!({"conversation": "c", "users": ["x", "y", "z"]});
    let edsger = || json!({"conversation": "c", "user": "edsger"});
    vec![
        line(
            "`PUT …/participants/{user}`",
            &small.ask::<AddParticipant>("ada", edsger()).await,
        ),
        line(
            "`DELETE …/participants/{user}`",
            &small.ask::<RemoveParticipant>("ada", edsger()).await,
        ),
        line(
            "`DELETE …/participants/{user}`, repeated",
            &small.ask::<RemoveParticipant>("ada", edsger()).await,
        ),
        line("`POST …/removals`, three users", &small.removals().await),
        line(
            "`POST …/removals`, repeated",
            &small.ask::<RemoveParticipants>("ada", three()).await,
        ),
    ]
}

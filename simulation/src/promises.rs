//! Promises that are checked inside the simulation, because the checker cannot see them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chat::{ports::Clock as _, routes::SendMessage};
use serde_json::json;

use crate::{
    functions::http,
    world::{World, conversation_id},
};

/// Connections younger than this may be found gone without being deleted.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The promise.
    pub promise: String,
    /// A sentence that describes the violation.
    pub what: String,
    /// The records that show the violation.
    pub trace: Vec<String>,
}

impl Broken {
    /// Creates a violation without records.
    pub fn new(promise: &str, what: String) -> Self {
        Self {
            promise: promise.to_owned(),
            what,
            trace: Vec::new(),
        }
    }
}

/// Returns the violations at the end of a run.
pub async fn broken(world: &Arc<World>) -> Vec<Broken> {
    let mut broken = Vec::new();
    for conversation in 0..world.plan.conversations.len() {
        broken.extend(stranger(world, conversation));
        broken.extend(stale_rows(world, conversation).await);
    }
    let findings = world.observer().take_broken();
    broken.extend(findings.into_iter().map(|finding| {
        let promise = match finding.promise {
            "notified" => "notified: subscribers are pushed an entry before it is acknowledged",
            "presence" => {
                "presence: only participants see who is there, hiding is mutual, and the last device counts"
            }
            "signals" => "signals: only what participants type and have read is pushed to others",
            _ => {
                "pushed: while the gateway is busy, a push is attempted four times if there is time"
            }
        };
        Broken::new(promise, finding.what)
    }));
    broken
}

/// Returns a message by a user who never was a participant.
fn stranger(world: &Arc<World>, conversation: usize) -> Option<Broken> {
    let planned = &world.plan.conversations[conversation];
    let added = planned.changes.iter().map(|changes| changes.user);
    let known: BTreeSet<&str> = planned.participants.iter().copied().chain(added).collect();
    let log = world.chat.log(&conversation_id(&planned.id));
    let stranger = log
        .iter()
        .find(|entry| !known.contains(entry.draft.sender.as_str()))?;
    let what = format!(
        "{} of {} was sent by {}",
        stranger.seq, planned.id, stranger.draft.sender
    );
    Some(Broken::new("participants: only participants write", what))
}

/// Sends one more message, and returns the rows that are left of connections that its pushes found
/// gone.
async fn stale_rows(world: &Arc<World>, conversation: usize) -> Vec<Broken> {
    let planned = &world.plan.conversations[conversation];
    let fields = json!({"conversation": planned.id, "id": "the-last", "body": "Is anybody here?"});
    let place = world.unplanned();
    let began = world.chat.now();
    let _ = http::<SendMessage>(world, place, planned.participants[0], fields, ()).await;
    let rows = world.chat.subscriptions().into_iter();
    let stale = rows.filter(|(conversation, row)| {
        conversation.as_str() == planned.id
            && world.is_participant(&planned.id, row.user.as_str())
            && began.since(row.connection.connected_at) >= HANDSHAKE
            && began < row.connection.expires_at()
            && world.connections().age(&row.connection.id, began).is_none()
    });
    stale
        .map(|(conversation, row)| {
            let what = format!(
                "the subscription of {} to {conversation} is left, but the connection is gone",
                row.connection.id
            );
            Broken::new(
                "rows: no row is left of a connection that was found gone",
                what,
            )
        })
        .collect()
}

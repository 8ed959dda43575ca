//! One message at a time between two participants.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::context::{Context, histogram, quantiles, round};

const WARM_UP: usize = 200;
/// A message that takes longer counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

pub async fn run(context: Context, count: usize) -> Result<Value, String> {
    let (mut sender, mut own) = context.pair(0, 0).await?;
    let (_peer_sender, mut peer) = context.pair(0, 1).await?;
    let (_, conversation) = context.member(0, 0);
    let mut latency = histogram();
    let mut lost = 0;
    let started = Instant::now();
    for number in 0..(count + WARM_UP) as u64 {
        let sent = context.now();
        let frame = context
            .adapter
            .send(conversation, &context.body(0, number), number);
        sender
            .send(frame)
            .await
            .map_err(|error| error.to_string())?;
        let arrived = timeout(PATIENCE, async {
            while !context.receive(&mut peer).await?.contains(&(0, number)) {}
            Ok::<_, String>(context.now())
        });
        match arrived.await {
            Ok(arrived) => {
                if number >= WARM_UP as u64 {
                    latency.saturating_record(arrived? - sent);
                }
            }
            Err(_) => lost += 1,
        }
        // The sender's own copy must not pile up behind the next message.
        let own_copy = async {
            while !context.receive(&mut own).await?.contains(&(0, number)) {}
            Ok::<_, String>(())
        };
        if let Ok(ended) = timeout(PATIENCE, own_copy).await {
            ended?;
        }
    }
    let rate = (count + WARM_UP) as f64 / started.elapsed().as_secs_f64();
    Ok(json!({
        "scenario": "echo",
        "latency": quantiles(&latency),
        "lost": lost,
        "messages_per_s": round(rate),
    }))
}

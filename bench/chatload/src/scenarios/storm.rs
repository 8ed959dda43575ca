//! Many connects in rounds. Each round begins while the server cleans up the connections before.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    context::{Context, histogram, quantiles, round},
    net::open,
};

pub async fn run(
    context: Context,
    connects: usize,
    parallel: usize,
    rounds: usize,
) -> Result<Value, String> {
    let parallel = if parallel == 0 { connects } else { parallel };
    let mut results = Vec::new();
    for _ in 0..rounds {
        let (result, connections) = round_of(&context, connects, parallel).await;
        results.push(result);
        // The next round's connects meet the clean-up of these.
        drop(connections);
    }
    Ok(
        json!({ "scenario": "storm", "connects": connects, "parallel": parallel, "rounds": results }),
    )
}

async fn round_of(context: &Context, connects: usize, parallel: usize) -> (Value, Vec<impl Sized>) {
    let started = Instant::now();
    let mut attempts = stream::iter(0..connects)
        .map(|index| async move {
            let began = Instant::now();
            let (token, conversation) = context.member(index / 2, index % 2);
            let opened = open(&*context.adapter, &context.base, token, conversation, None).await;
            (opened, began.elapsed())
        })
        .buffer_unordered(parallel);
    let mut connections = Vec::new();
    let mut errors = BTreeMap::<String, usize>::new();
    let mut latency = histogram();
    let mut last = Duration::ZERO;
    while let Some((opened, duration)) = attempts.next().await {
        match opened {
            Ok(connection) => {
                latency.saturating_record(duration.as_micros() as u64);
                last = started.elapsed();
                connections.push(connection);
            }
            Err(error) => *errors.entry(error).or_default() += 1,
        }
    }
    let result = json!({
        "accepted": connections.len(),
        "errors": errors,
        "last_s": round(last.as_secs_f64()),
        "accepts_per_s": round(connections.len() as f64 / last.as_secs_f64()),
        "connect": quantiles(&latency),
    });
    (result, connections)
}

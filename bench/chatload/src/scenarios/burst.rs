//! One sender writes as fast as its socket takes it. Which deliveries are missing in the end?

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::context::{Context, round};

/// The scenario ends after this time without a delivery.
const QUIET: Duration = Duration::from_secs(5);

pub async fn run(context: Context, count: usize, receivers: usize) -> Result<Value, String> {
    let (mut sender, mut own) = context.room(0).await?;
    let copies = Arc::new(AtomicUsize::new(0));
    let mut seen = Vec::new();
    for index in 0..receivers {
        let (kept, mut receiver) = context.room(1 + index).await?;
        let numbers = Arc::new(Mutex::new(HashSet::new()));
        seen.push(Arc::clone(&numbers));
        let (context, copies) = (context.clone(), Arc::clone(&copies));
        tokio::spawn(async move {
            let _kept = kept;
            while let Ok(received) = context.receive(&mut receiver).await {
                copies.fetch_add(received.len(), Relaxed);
                numbers
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(received);
            }
        });
    }
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let (reader, own_copies) = (context.clone(), Arc::clone(&acknowledged));
    tokio::spawn(async move {
        while let Ok(received) = reader.receive(&mut own).await {
            own_copies.fetch_add(received.len(), Relaxed);
        }
    });
    let started = Instant::now();
    for number in 0..count as u64 {
        let body = context.body(0, number);
        let frame = context
            .adapter
            .send(&context.population.room, &body, number);
        sender
            .feed(frame)
            .await
            .map_err(|error| error.to_string())?;
    }
    sender.flush().await.map_err(|error| error.to_string())?;
    let written = started.elapsed();
    let (mut last, mut at) = (0, Instant::now());
    while at.elapsed() < QUIET {
        sleep(Duration::from_millis(20)).await;
        let now = copies.load(Relaxed) + acknowledged.load(Relaxed);
        if now != last {
            (last, at) = (now, Instant::now());
        }
    }
    let delivered: usize = seen
        .iter()
        .map(|numbers| numbers.lock().unwrap_or_else(PoisonError::into_inner).len())
        .sum();
    let acknowledged = acknowledged.load(Relaxed);
    Ok(json!({
        "scenario": "burst",
        "sent": count,
        "acknowledged": acknowledged,
        "receivers": receivers,
        "delivered": delivered,
        "lost_of_acknowledged": (acknowledged * receivers).saturating_sub(delivered),
        "write_s": round(written.as_secs_f64()),
        "drain_s": round((at - started).as_secs_f64()),
    }))
}

//! One message after another to all connections of one room.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use crate::context::{Context, histogram, quantiles, round};

const WARM_UP: usize = 3;
const PARALLEL_CONNECTS: usize = 32;
/// A message counts as lost to every receiver that has not received it after this time.
const PATIENCE: Duration = Duration::from_secs(15);

/// The progress of one message.
#[derive(Default)]
struct Message {
    receivers: AtomicUsize,
    last: AtomicU64,
    complete: Notify,
}

pub async fn run(context: Context, receivers: usize, count: usize) -> Result<Value, String> {
    let connections: Vec<_> = stream::iter(0..receivers)
        .map(|index| context.room(index))
        .buffer_unordered(PARALLEL_CONNECTS)
        .try_collect()
        .await?;
    sleep(Duration::from_millis(500)).await;
    let messages: Arc<Vec<Message>> =
        Arc::new((0..count + WARM_UP).map(|_| Message::default()).collect());
    let mut senders = Vec::new();
    for (sender, mut receiver) in connections {
        senders.push(sender);
        let (context, messages) = (context.clone(), Arc::clone(&messages));
        tokio::spawn(async move {
            while let Ok(numbers) = context.receive(&mut receiver).await {
                for (_, number) in numbers {
                    let message = &messages[number as usize];
                    if message.receivers.fetch_add(1, SeqCst) + 1 == receivers {
                        message.last.store(context.now(), SeqCst);
                        message.complete.notify_one();
                    }
                }
            }
        });
    }
    let mut latency = histogram();
    let mut lost = 0;
    let mut started = Instant::now();
    let room = &context.population.room;
    for (number, message) in messages.iter().enumerate() {
        if number == WARM_UP {
            started = Instant::now();
        }
        let sent = context.now();
        let number_sent = number as u64;
        let frame = context
            .adapter
            .send(room, &context.body(0, number_sent), number_sent);
        senders[0]
            .send(frame)
            .await
            .map_err(|error| error.to_string())?;
        if timeout(PATIENCE, message.complete.notified())
            .await
            .is_err()
        {
            lost += receivers - message.receivers.load(SeqCst);
        } else if number >= WARM_UP {
            latency.saturating_record(message.last.load(SeqCst) - sent);
        }
    }
    let rate = (receivers * count) as f64 / started.elapsed().as_secs_f64();
    Ok(json!({
        "scenario": "fan-out",
        "receivers": receivers,
        "last_receiver": quantiles(&latency),
        "lost": lost,
        "deliveries_per_s": round(rate),
    }))
}

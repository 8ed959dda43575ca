//! Many conversations of two at the same time, as fast as answers come or at a rate.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::SinkExt;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::{
    sync::Semaphore,
    time::{sleep, sleep_until, timeout},
};

use crate::{
    context::{Context, histogram, quantiles, round},
    net::{Receiver, Sender},
};

const WARM_UP: Duration = Duration::from_secs(2);
/// How long a conversation waits for room in its window before it counts a stall and sends on.
const STALL: Duration = Duration::from_secs(3);
/// The scenario ends after this time without a delivery.
const QUIET: Duration = Duration::from_secs(4);

/// What decides when the next message is sent.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Keeps this many messages of each conversation in flight.
    Window(usize),
    /// Sends this many messages a second in all conversations together.
    Rate(f64),
}

/// The counts of all conversations.
struct Counts {
    latency: Mutex<Histogram<u64>>,
    sent: AtomicU64,
    delivered: AtomicU64,
    to_peer: AtomicU64,
    to_peer_measured: AtomicU64,
    stalls: AtomicU64,
    begin: Instant,
    end: Instant,
}

/// The messages of one conversation.
struct Conversation {
    index: usize,
    /// When the messages were sent, in microseconds; a ring.
    times: Vec<AtomicU64>,
    window: Semaphore,
}

impl Conversation {
    fn time(&self, number: u64) -> &AtomicU64 {
        &self.times[number as usize % self.times.len()]
    }
}

pub async fn run(
    context: Context,
    conversations: usize,
    pace: Pace,
    seconds: u64,
) -> Result<Value, String> {
    let mut connections = Vec::new();
    for pair in 0..conversations {
        connections.push([context.pair(pair, 0).await?, context.pair(pair, 1).await?]);
    }
    let begin = Instant::now() + WARM_UP;
    let counts = Arc::new(Counts {
        latency: Mutex::new(histogram()),
        sent: AtomicU64::new(0),
        delivered: AtomicU64::new(0),
        to_peer: AtomicU64::new(0),
        to_peer_measured: AtomicU64::new(0),
        stalls: AtomicU64::new(0),
        begin,
        end: begin + Duration::from_secs(seconds),
    });
    let mut writers = Vec::new();
    for (index, [(sender, own), (peer_sender, peer)]) in connections.into_iter().enumerate() {
        let window = match pace {
            Pace::Window(window) => window,
            Pace::Rate(_) => 0,
        };
        let conversation = Arc::new(Conversation {
            index,
            times: (0..1 << 14).map(|_| AtomicU64::new(0)).collect(),
            window: Semaphore::new(window),
        });
        for (is_peer, receiver) in [(false, own), (true, peer)] {
            let context = context.clone();
            let (counts, conversation) = (Arc::clone(&counts), Arc::clone(&conversation));
            tokio::spawn(read(context, counts, conversation, receiver, is_peer));
        }
        let (context, counts) = (context.clone(), Arc::clone(&counts));
        writers.push(tokio::spawn(async move {
            let sender = write(context, counts, conversation, sender, pace, conversations).await;
            (sender, peer_sender)
        }));
    }
    let mut open = Vec::new();
    for writer in writers {
        open.push(writer.await.map_err(|error| error.to_string())?);
    }
    drain(&counts).await;
    let (sent, to_peer) = (counts.sent.load(Relaxed), counts.to_peer.load(Relaxed));
    let measured = counts.to_peer_measured.load(Relaxed) as f64;
    let latency = counts
        .latency
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let (scenario, setting) = match pace {
        Pace::Window(window) => ("closed", window as f64),
        Pace::Rate(rate) => ("open", rate),
    };
    Ok(json!({
        "scenario": scenario,
        "conversations": conversations,
        "setting": setting,
        "sent": sent,
        "messages_per_s": round(measured / seconds as f64),
        "lost": sent.saturating_sub(to_peer),
        "stalls": counts.stalls.load(Relaxed),
        "latency": quantiles(&latency),
    }))
}

async fn read(
    context: Context,
    counts: Arc<Counts>,
    conversation: Arc<Conversation>,
    mut receiver: Receiver,
    is_peer: bool,
) {
    while let Ok(numbers) = context.receive(&mut receiver).await {
        let now = Instant::now();
        for (_, number) in numbers {
            counts.delivered.fetch_add(1, Relaxed);
            if !is_peer {
                continue;
            }
            counts.to_peer.fetch_add(1, Relaxed);
            if now >= counts.begin && now < counts.end {
                counts.to_peer_measured.fetch_add(1, Relaxed);
            }
            if now >= counts.begin {
                let sent = conversation.time(number).load(Relaxed);
                let mut latency = counts
                    .latency
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                latency.saturating_record(context.now().saturating_sub(sent).max(1));
            }
            conversation.window.add_permits(1);
        }
    }
}

/// Sends until the end. Returns the connection, which would otherwise close.
async fn write(
    context: Context,
    counts: Arc<Counts>,
    conversation: Arc<Conversation>,
    mut sender: Sender,
    pace: Pace,
    conversations: usize,
) -> Sender {
    let index = conversation.index;
    let (_, id) = context.member(index, 0);
    let first = counts.begin - WARM_UP;
    for number in 0_u64.. {
        let at = match pace {
            Pace::Window(_) => {
                match timeout(STALL, conversation.window.acquire()).await {
                    Ok(Ok(permit)) => permit.forget(),
                    _ => {
                        counts.stalls.fetch_add(1, Relaxed);
                    }
                }
                Instant::now()
            }
            Pace::Rate(rate) => {
                let place = number as f64 * conversations as f64 + index as f64;
                let due = first + Duration::from_secs_f64(place / rate);
                sleep_until(due.into()).await;
                due
            }
        };
        if at >= counts.end {
            break;
        }
        let micros = (at - context.started).as_micros() as u64;
        conversation.time(number).store(micros, Relaxed);
        let nonce = number | (index as u64) << 32;
        let frame = context
            .adapter
            .send(id, &context.body(index, number), nonce);
        if sender.send(frame).await.is_err() {
            break;
        }
        counts.sent.fetch_add(1, Relaxed);
    }
    sender
}

/// Waits until everything has arrived, or nothing arrives any more.
async fn drain(counts: &Counts) {
    let (mut last, mut since) = (0, Instant::now());
    while counts.delivered.load(Relaxed) < 2 * counts.sent.load(Relaxed) && since.elapsed() < QUIET
    {
        sleep(Duration::from_millis(50)).await;
        let delivered = counts.delivered.load(Relaxed);
        if delivered != last {
            (last, since) = (delivered, Instant::now());
        }
    }
}

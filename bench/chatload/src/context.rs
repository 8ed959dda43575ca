//! What all scenarios share: the server, its users, and the messages of this run.

use std::{sync::Arc, time::Instant};

use hdrhistogram::Histogram;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    adapter::{Adapter, Event},
    net::{Receiver, Sender, open},
};

/// Users with tokens. Pair `k` is the conversation of users `2k` and `2k + 1`; the users from 0 to
/// `room_size` share a room.
#[derive(Deserialize)]
pub struct Population {
    pub tokens: Vec<String>,
    pub pairs: Vec<String>,
    pub room: String,
    pub room_size: usize,
}

#[derive(Clone)]
pub struct Context {
    pub adapter: Arc<dyn Adapter>,
    pub base: String,
    pub http: String,
    pub population: Arc<Population>,
    /// Marks the messages of this run.
    pub tag: u32,
    pub padding: String,
    pub started: Instant,
}

/// A message of this run: which conversation of the scenario, and its number there.
pub type Number = (usize, u64);

impl Population {
    pub fn read(path: &str) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
    }
}

impl Context {
    pub fn body(&self, conversation: usize, number: u64) -> String {
        format!("{:x}:{conversation}:{number}:{}", self.tag, self.padding)
    }

    fn number(&self, body: &str) -> Option<Number> {
        let mut parts = body.split(':');
        let tag = u32::from_str_radix(parts.next()?, 16).ok()?;
        let number = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        (tag == self.tag).then_some(number)
    }

    /// Microseconds since the start.
    pub fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Connects one of the two users of a pair.
    pub async fn pair(&self, pair: usize, side: usize) -> Result<(Sender, Receiver), String> {
        let (token, conversation) = self.member(pair, side);
        open(&*self.adapter, &self.base, token, conversation, None).await
    }

    /// The token and conversation of one of the two users of a pair. Pairs are used repeatedly.
    pub fn member(&self, pair: usize, side: usize) -> (&str, &str) {
        let pair = pair % self.population.pairs.len();
        let token = &self.population.tokens[2 * pair + side];
        (token, &self.population.pairs[pair])
    }

    /// Connects a user of the room. Users have several connections if there are more than users.
    pub async fn room(&self, index: usize) -> Result<(Sender, Receiver), String> {
        let token = &self.population.tokens[index % self.population.room_size];
        open(
            &*self.adapter,
            &self.base,
            token,
            &self.population.room,
            None,
        )
        .await
    }

    /// Waits for a frame and returns the messages of this run in it.
    pub async fn receive(&self, receiver: &mut Receiver) -> Result<Vec<Number>, String> {
        let mut numbers = Vec::new();
        for event in receiver.next(&*self.adapter).await? {
            match event {
                Event::Message { body, .. } => numbers.extend(self.number(&body)),
                Event::Error(error) => eprintln!("error frame: {error}"),
                Event::Ready | Event::Other => {}
            }
        }
        Ok(numbers)
    }
}

pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(600_000_000, 3).expect("the bounds are valid")
}

/// Quantiles of microseconds, in milliseconds.
pub fn quantiles(histogram: &Histogram<u64>) -> Value {
    let ms = |us: u64| round(us as f64 / 1000.0);
    json!({
        "n": histogram.len(),
        "p50_ms": ms(histogram.value_at_quantile(0.5)),
        "p95_ms": ms(histogram.value_at_quantile(0.95)),
        "p99_ms": ms(histogram.value_at_quantile(0.99)),
        "max_ms": ms(histogram.max()),
    })
}

/// Two decimals.
pub fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

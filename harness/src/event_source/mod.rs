//! Event source mappings: reads streams and queues, and calls functions with batches of what is
//! there.
//!
//! - `stream` reads the shards of a stream and gives the records to lanes.
//! - `lane` makes batches of one lane's records and delivers them, in order.
//! - `queue` does the same for a queue, whose messages have no order.
//! - [`Pattern`] decides which records the function gets.
//!
//! Polling follows the clock that tests can set ahead. A poll reads only what is after the last one.

mod discarded;
mod lane;
mod pattern;
mod queue;
mod record;
mod response;
mod stream;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

pub use self::pattern::{Pattern, PatternError};
use self::stream::Opened;
use crate::{
    dynamodb::{StreamError, Streams},
    faults::Faults,
    gateway::clock::Clock,
    invoke::Invoke,
    server,
    sqs::Queues,
    stack::{EventSource, EventSourceMapping, Stack},
    trace::{Fact, Kind, Level, Span},
};

/// The pause between two polls of a stream that has nothing new, as on AWS.
const POLL: Duration = Duration::from_millis(250);
/// The most bytes of records that wait for one function, or that it works on.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The longest event, in bytes: what Lambda accepts.
const LARGEST_EVENT: usize = crate::lambda::MAX_PAYLOAD;
/// The first pause before a batch is delivered again. It doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What all mappings use.
#[derive(Clone, Debug)]
pub struct Services {
    /// The streams of the tables.
    pub streams: Streams,
    /// The queues: sources, and destinations of discarded records.
    pub queues: Queues,
    /// The clock of polls, windows and pauses.
    pub clock: Clock,
    /// The faults injected into deliveries.
    pub faults: Faults,
}

/// The mappings of a stack, with a position in each stream.
#[derive(Debug)]
pub struct EventSources {
    services: Services,
    mappings: Vec<(Arc<Mapping>, Source)>,
}

/// Where a mapping begins.
#[derive(Debug)]
enum Source {
    Stream(Opened),
    Queue,
}

/// One mapping and its function.
#[derive(Debug)]
struct Mapping {
    settings: EventSourceMapping,
    /// The name of the function.
    function_name: String,
    /// Room for the records of the function.
    room: Arc<Semaphore>,
}

/// What stops when the harness ends.
#[derive(Clone, Debug)]
struct Context<I> {
    mapping: Arc<Mapping>,
    services: Services,
    invoke: I,
    closed: watch::Receiver<bool>,
}

impl EventSources {
    /// Finds the position in each stream at which its mapping begins. What is written after that is
    /// seen by every mapping.
    ///
    /// # Errors
    /// Fails if a stream cannot be read.
    pub async fn open(stack: &Stack, services: Services) -> Result<Self, StreamError> {
        let mut rooms: BTreeMap<&str, Arc<Semaphore>> = BTreeMap::new();
        let mut mappings = Vec::new();
        for settings in &stack.event_sources {
            let room = rooms.entry(&settings.function);
            let room = room.or_insert_with(|| Arc::new(Semaphore::new(MOST_BYTES)));
            let function = stack.functions.get(&settings.function);
            let mapping = Mapping {
                settings: settings.clone(),
                function_name: function.map_or_else(
                    || settings.function.clone(),
                    |function| function.name.clone(),
                ),
                room: Arc::clone(room),
            };
            let source = match &settings.source {
                EventSource::Stream(source) => {
                    Source::Stream(Opened::at(&services.streams, source).await?)
                }
                EventSource::Queue(_) => Source::Queue,
            };
            mappings.push((Arc::new(mapping), source));
        }
        Ok(Self { services, mappings })
    }

    /// Delivers records and messages until the value of `closed` is true. Then batches that are at a
    /// function are waited for.
    pub async fn run<I: Invoke>(self, invoke: I, closed: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        for (mapping, source) in self.mappings {
            let context = Context {
                mapping,
                services: self.services.clone(),
                invoke: invoke.clone(),
                closed: closed.clone(),
            };
            match source {
                Source::Stream(opened) => tasks.spawn(stream::run(context, opened)),
                Source::Queue => tasks.spawn(queue::run(context)),
            };
        }
        while tasks.join_next().await.is_some() {}
    }
}

impl Mapping {
    /// The names by which a fault plan selects the mapping.
    fn names(&self) -> [&str; 3] {
        let Self { settings, .. } = self;
        [
            &settings.logical_id,
            &settings.function,
            &self.function_name,
        ]
    }

    /// Whether the function gets the record.
    fn accepts(&self, record: &serde_json::Value) -> bool {
        let filters = &self.settings.filters;
        filters.is_empty() || filters.iter().any(|pattern| pattern.matches(record))
    }
}

impl<I> Context<I> {
    /// Begins the delivery of a batch, a trace of its own.
    fn delivery(&self) -> Span {
        let trace = self.services.faults.trace();
        trace.root(&self.mapping.settings.logical_id)
    }

    /// Records a delivery that ends now.
    fn record(&self, span: Span, source: &str, records: usize, outcome: &str) {
        let trace = self.services.faults.trace();
        if !trace.is_on() {
            return;
        }
        let settings = &self.mapping.settings;
        let fact = Fact::new(Kind::Delivery, &settings.logical_id)
            .with("aws.lambda.event_source", settings.logical_id.as_str())
            .with("faas.name", settings.function.as_str())
            .with("messaging.batch.message_count", records)
            .with("messaging.source", source)
            .with("outcome", outcome)
            .level(match outcome {
                "success" => Level::Ok,
                "throttled" => Level::Warning,
                _ => Level::Error,
            });
        trace.record(span, fact);
    }

    /// Waits for `time`. Returns false if the harness ends before that.
    async fn pause(&self, time: Duration) -> bool {
        if time.is_zero() {
            return !self.is_closed();
        }
        let clock = &self.services.clock;
        tokio::select! {
            () = clock.reaches(clock.now() + time) => true,
            () = server::turned_true(self.closed.clone()) => false,
        }
    }

    fn is_closed(&self) -> bool {
        *self.closed.borrow() || self.closed.has_changed().is_err()
    }
}

/// Returns the pause after this many failures in a row.
fn pause_after(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1).min(16));
    FIRST_PAUSE
        .saturating_mul(doubled.unwrap_or(u32::MAX))
        .min(LONGEST_PAUSE)
}

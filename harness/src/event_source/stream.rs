//! Reads the shards of a stream: parents before their children, and each shard from its position on.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use serde_json::Value;
use tokio::{
    sync::mpsc::{self, UnboundedSender},
    task::JoinSet,
};
use tracing::warn;

use super::{
    Context, MOST_BYTES, POLL,
    lane::Lane,
    record::{Record, as_lambda_shows},
};
use crate::{
    dynamodb::{ReadFrom, StreamError, Streams, first_shards},
    invoke::Invoke,
    server,
    stack::{ACCOUNT, REGION, STREAM_LABEL, StartingPosition, StreamSource},
};

/// How many records the first poll asks for.
const FIRST_LIMIT: usize = 100;
/// The most records of a poll, as on AWS.
const MOST_RECORDS: usize = 1_000;
/// The number of bytes of a poll's records above which the next poll asks for fewer.
const LARGE_PAGE: usize = 1024 * 1024;

/// A stream and where reading it begins.
#[derive(Debug)]
pub(super) struct Opened {
    source: StreamSource,
    /// The engine's ARN.
    arn: String,
    /// The shards to begin with, and an iterator of each.
    shards: Vec<(String, String)>,
    /// Shards that are not read, because they end before the position.
    skipped: BTreeSet<String>,
}

impl Opened {
    /// Finds the position of `source` in the stream of its table.
    pub async fn at(streams: &Streams, source: &StreamSource) -> Result<Self, StreamError> {
        let arn = streams.arn(&source.table).await?;
        let latest = source.start == StartingPosition::Latest;
        let from = if latest {
            ReadFrom::Latest
        } else {
            ReadFrom::TrimHorizon
        };
        let all = streams.shards(&arn).await?;
        let mut shards = Vec::new();
        for shard in first_shards(&all, latest) {
            let iterator = streams.iterator(&arn, &shard, &from).await?;
            shards.push((shard, iterator));
        }
        let skipped = all.into_iter().filter(|_| latest).map(|shard| shard.id);
        Ok(Self {
            source: source.clone(),
            arn,
            shards,
            skipped: skipped.collect(),
        })
    }
}

/// Reads all shards until the harness ends.
pub(super) async fn run<I: Invoke>(context: Context<I>, opened: Opened) {
    let Opened {
        source,
        arn,
        shards,
        skipped: mut known,
    } = opened;
    let mut finished = BTreeSet::new();
    let mut reading = JoinSet::new();
    let start = |shard: String, iterator: Option<String>| {
        let reader = Reader {
            context: context.clone(),
            source: source.clone(),
            arn: arn.clone(),
            shard: shard.clone(),
            iterator,
            from: ReadFrom::TrimHorizon,
            limit: FIRST_LIMIT,
        };
        async move {
            reader.run().await;
            shard
        }
    };
    for (shard, iterator) in shards {
        known.insert(shard.clone());
        reading.spawn(start(shard, Some(iterator)));
    }
    loop {
        match reading.join_next().await {
            Some(ended) => finished.extend(ended.ok()),
            // All shards have ended, and there are no others yet.
            None => {
                context.pause(POLL).await;
            }
        }
        if context.is_closed() {
            // The others end, too.
            while reading.join_next().await.is_some() {}
            return;
        }
        let shards = match context.services.streams.shards(&arn).await {
            Ok(shards) => shards,
            Err(error) => {
                warn!(table = %source.table, %error, "cannot list the shards of a stream");
                continue;
            }
        };
        let listed: BTreeSet<_> = shards.iter().map(|shard| shard.id.clone()).collect();
        for shard in shards {
            // A child begins when its parent has ended, or if the parent is gone.
            let begins = shard.parent.as_ref().is_none_or(|parent| {
                finished.contains(parent) || !listed.contains(parent) && !known.contains(parent)
            });
            if begins && known.insert(shard.id.clone()) {
                reading.spawn(start(shard.id, None));
            }
        }
    }
}

/// Reads one shard.
struct Reader<I> {
    context: Context<I>,
    source: StreamSource,
    /// The engine's ARN.
    arn: String,
    shard: String,
    /// `None` if the position is that of `from`.
    iterator: Option<String>,
    from: ReadFrom,
    /// How many records the next poll asks for.
    limit: usize,
}

impl<I: Invoke> Reader<I> {
    /// Reads until the shard or the harness ends, and then waits until all records are delivered.
    async fn run(mut self) {
        let (lanes, mut running) = self.lanes();
        while self.poll(&lanes).await {}
        drop(lanes);
        while running.join_next().await.is_some() {}
    }

    fn lanes(&self) -> (Vec<UnboundedSender<Vec<Record>>>, JoinSet<()>) {
        let mut running = JoinSet::new();
        let lanes = (0..self.source.parallelization).map(|_| {
            let (sender, pages) = mpsc::unbounded_channel();
            let lane = Lane {
                context: self.context.clone(),
                source: self.source.clone(),
                stream: stream_arn(&self.source.table),
                shard: self.shard.clone(),
                pages,
                waiting: VecDeque::new(),
            };
            running.spawn(lane.run());
            sender
        });
        (lanes.collect(), running)
    }

    /// Reads once. Returns false at the end.
    async fn poll(&mut self, lanes: &[UnboundedSender<Vec<Record>>]) -> bool {
        let asked = self.limit;
        let (records, next) = match self.page().await {
            Ok(page) => page,
            Err(error) => {
                // An iterator may have expired. The next one begins after the last record.
                self.iterator = None;
                warn!(table = %self.source.table, %error, "cannot read a stream");
                return self.context.pause(POLL).await;
            }
        };
        let count = records.len();
        if count > 0 {
            let names = self.context.mapping.names();
            let stalled = self.context.services.faults.stalled(&names);
            if !self.context.pause(stalled).await {
                return false;
            }
        }
        if !self.give(records, lanes).await {
            return false;
        }
        self.iterator = next;
        if self.iterator.is_none() {
            return false;
        }
        // A full page means that there is more.
        if count >= asked {
            return !self.context.is_closed();
        }
        self.context.pause(POLL).await
    }

    async fn page(&mut self) -> Result<(Vec<Value>, Option<String>), StreamError> {
        let streams = &self.context.services.streams;
        let iterator = match self.iterator.clone() {
            Some(iterator) => iterator,
            None => streams.iterator(&self.arn, &self.shard, &self.from).await?,
        };
        let page = streams.records(&iterator, self.limit).await?;
        Ok((page.records, page.next_shard_iterator))
    }
}

impl<I> Reader<I> {
    /// Gives the records that the function accepts to their lanes. Waits while the function has as
    /// many records as the harness keeps. Returns false if the harness ends.
    async fn give(&mut self, records: Vec<Value>, lanes: &[UnboundedSender<Vec<Record>>]) -> bool {
        let stream = stream_arn(&self.source.table);
        let mut bytes = 0;
        let count = records.len();
        let mut pages: Vec<Vec<Record>> = lanes.iter().map(|_| Vec::new()).collect();
        for value in records {
            let now = self.context.services.clock.now();
            let value = as_lambda_shows(value, &stream);
            let mut record = Record::read(&value, now);
            bytes += record.bytes();
            self.from = ReadFrom::After(record.sequence.clone());
            if !self.context.mapping.accepts(&value) {
                continue;
            }
            let needed = u32::try_from(record.bytes().min(MOST_BYTES)).unwrap_or(u32::MAX);
            let room = Arc::clone(&self.context.mapping.room);
            match Arc::clone(&room).try_acquire_many_owned(needed) {
                Ok(permit) => record.room = Some(permit),
                Err(_) => {
                    // The lanes must get what there is, so that they make room.
                    send(&mut pages, lanes);
                    tokio::select! {
                        permit = room.acquire_many_owned(needed) => record.room = permit.ok(),
                        () = server::turned_true(self.context.closed.clone()) => return false,
                    }
                }
            }
            if let Some(page) = pages.get_mut(record.lane(lanes.len())) {
                page.push(record);
            }
        }
        send(&mut pages, lanes);
        self.adapt(count, bytes);
        true
    }

    /// Asks for fewer records if they are large, and for more if a page was full of small ones.
    fn adapt(&mut self, count: usize, bytes: usize) {
        if bytes > LARGE_PAGE {
            self.limit = (self.limit / 2).max(1);
        } else if count >= self.limit && bytes < LARGE_PAGE / 2 {
            self.limit = (self.limit * 2).min(MOST_RECORDS);
        }
    }
}

/// Sends each page that is not empty to its lane.
fn send(pages: &mut [Vec<Record>], lanes: &[UnboundedSender<Vec<Record>>]) {
    for (page, lane) in pages.iter_mut().zip(lanes) {
        if !page.is_empty() {
            // A lane ends before its reader only if the harness ends.
            let _ = lane.send(std::mem::take(page));
        }
    }
}

/// Returns the ARN of the stream of a table, as the template sees it.
fn stream_arn(table: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/{STREAM_LABEL}")
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, time::Duration};

    use futures_util::poll;
    use serde_json::json;
    use tokio::sync::{Semaphore, watch};

    use super::*;
    use crate::{
        dynamodb::{Choice, Engine},
        event_source::{Mapping, Services},
        faults::Faults,
        gateway::clock::Clock,
        sqs::Queues,
        stack::{EventSource, EventSourceMapping},
    };

    #[tokio::test]
    async fn records_wait_while_the_function_has_as_many_as_the_harness_keeps() {
        let engine = Engine::start(Choice::Embedded, None).await.unwrap();
        let source = StreamSource {
            table: "chat".to_owned(),
            start: StartingPosition::TrimHorizon,
            bisects: false,
            retries: None,
            greatest_age: None,
            parallelization: 1,
            on_failure: None,
        };
        let mapping = Mapping {
            settings: EventSourceMapping {
                logical_id: "Mapping".to_owned(),
                function: "Function".to_owned(),
                source: EventSource::Stream(source.clone()),
                batch_size: 100,
                window: Duration::ZERO,
                filters: Vec::new(),
                reports_failures: false,
            },
            function_name: "function".to_owned(),
            room: Arc::new(Semaphore::new(1_000)),
        };
        let (_close, closed) = watch::channel(false);
        let mut reader = Reader {
            context: Context {
                mapping: Arc::new(mapping),
                services: Services {
                    streams: engine.streams(),
                    queues: Queues::default(),
                    clock: Clock::default(),
                    faults: Faults::default(),
                },
                invoke: (),
                closed,
            },
            source,
            arn: String::new(),
            shard: String::new(),
            iterator: None,
            from: ReadFrom::TrimHorizon,
            limit: FIRST_LIMIT,
        };
        let record = |number: usize| json!({ "eventID": number, "padding": "x".repeat(200) });
        let records = (0..10).map(record).collect();
        let (lane, mut pages) = mpsc::unbounded_channel();
        let lanes = [lane];
        let mut gives = pin!(reader.give(records, &lanes));
        let number = |record: &Record| {
            let value: Value = serde_json::from_str(&record.json).unwrap();
            value["eventID"].clone()
        };
        let mut seen = Vec::new();
        while poll!(gives.as_mut()).is_pending() {
            let page: Vec<Record> = pages.recv().await.unwrap();
            let bytes: usize = page.iter().map(Record::bytes).sum();
            assert!(bytes <= 1_000, "{bytes}");
            seen.extend(page.iter().map(number));
        }
        while let Ok(page) = pages.try_recv() {
            seen.extend(page.iter().map(number));
        }
        assert_eq!(seen, (0..10).map(Value::from).collect::<Vec<_>>());
        engine.stop().await;
    }
}

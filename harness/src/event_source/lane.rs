//! One lane of a shard: makes batches of its records and delivers them one after the other. A batch
//! that fails holds up those behind it.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot},
    time::Instant,
};
use tracing::warn;

use super::{
    Context, LARGEST_EVENT,
    discarded::{Condition, Discarded},
    pause_after,
    record::Record,
    response::Report,
};
use crate::{
    faults,
    invoke::{Invoke, InvokeError, Outcome},
    server,
    sqs::NewMessage,
    stack::StreamSource,
    trace,
};

/// What an event has beside its records, and each record beside its text, in bytes.
const AROUND: usize = 16;
/// How long a stream keeps its records.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// The records of one lane, and where they go.
pub(super) struct Lane<I> {
    pub context: Context<I>,
    pub source: StreamSource,
    /// The ARN of the stream in the template.
    pub stream: String,
    pub shard: String,
    /// The records of each poll.
    pub pages: UnboundedReceiver<Vec<Record>>,
    /// Records that are in no batch yet.
    pub waiting: VecDeque<Record>,
}

/// Records that are delivered together.
struct Batch {
    records: Vec<Record>,
    /// How often they were delivered together.
    invoked: u32,
    /// How often in a row they could not be delivered.
    failures: u32,
    /// Whether the last failure was an error of the function.
    function_error: bool,
}

impl Batch {
    fn of(records: Vec<Record>) -> Self {
        Self {
            records,
            invoked: 0,
            failures: 0,
            function_error: false,
        }
    }
}

/// What became of a delivery.
enum Delivery {
    Done,
    /// The function is throttled.
    Throttled,
    /// The first of the records that are not done.
    Failed {
        first: usize,
        function_error: bool,
    },
}

impl<I: Invoke> Lane<I> {
    /// Delivers until the reader of the shard or the harness ends.
    pub async fn run(mut self) {
        while let Some(records) = self.gather().await {
            let names = self.context.mapping.names();
            let injected = self.context.services.faults.event_source(&names);
            if !self.context.pause(injected.latency).await {
                return;
            }
            let twice = injected.fault == Some(faults::EventSource::Twice);
            if !self.deliver(records, twice).await {
                return;
            }
        }
    }

    /// Waits for the next batch: until it is full, or until its window ends. `None` at the end.
    async fn gather(&mut self) -> Option<Vec<Record>> {
        let settings = &self.context.mapping.settings;
        let (most, window) = (settings.batch_size, settings.window);
        let clock = self.context.services.clock.clone();
        let mut deadline = None;
        loop {
            while let Ok(page) = self.pages.try_recv() {
                self.waiting.extend(page);
            }
            let (count, full) = self.next_batch(most);
            let waits_no_longer = |deadline: Instant| clock.now() >= deadline;
            if count > 0 {
                let deadline = *deadline.get_or_insert_with(|| clock.now() + window);
                if full || waits_no_longer(deadline) {
                    return Some(self.waiting.drain(..count).collect());
                }
            }
            tokio::select! {
                page = self.pages.recv() => match page {
                    Some(page) => self.waiting.extend(page),
                    // The shard has ended, so nothing more comes.
                    None if count == 0 => return None,
                    None => return Some(self.waiting.drain(..count).collect()),
                },
                () = reaches(&clock, deadline) => {}
                () = server::turned_true(self.context.closed.clone()) => return None,
            }
        }
    }

    /// Returns how many of the waiting records fit into the next batch, and whether no more do.
    fn next_batch(&self, most: usize) -> (usize, bool) {
        let mut bytes = AROUND;
        let mut count = 0;
        for record in &self.waiting {
            bytes += record.bytes() + 1;
            if count == most || (count > 0 && bytes > LARGEST_EVENT) {
                return (count, true);
            }
            count += 1;
        }
        (count, count == most)
    }

    /// Delivers records until all are done or discarded. Returns false if the harness ends.
    async fn deliver(&self, records: Vec<Record>, mut twice: bool) -> bool {
        let mut batches = VecDeque::from([Batch::of(records)]);
        while let Some(mut batch) = batches.pop_front() {
            self.discard_old(&mut batch);
            if batch.records.is_empty() {
                continue;
            }
            match self.invoke(&batch.records).await {
                Delivery::Done if twice => {
                    twice = false;
                    batches.push_front(batch);
                    continue;
                }
                Delivery::Done => continue,
                Delivery::Throttled => {
                    batch.failures += 1;
                    batches.push_front(batch);
                }
                Delivery::Failed {
                    first,
                    function_error,
                } => self.failed(batch, first, function_error, &mut batches),
            }
            let failures = batches.front().map_or(0, |batch| batch.failures);
            if failures > 0 && !self.context.pause(pause_after(failures)).await {
                return false;
            }
        }
        !self.context.is_closed()
    }

    /// Decides what to do with a batch whose records from `first` on have failed.
    fn failed(
        &self,
        mut batch: Batch,
        first: usize,
        function_error: bool,
        batches: &mut VecDeque<Batch>,
    ) {
        batch.function_error = function_error;
        batch.failures += 1;
        if first > 0 {
            // The rest is a batch of its own, which has been delivered once.
            batch.records.drain(..first);
            batch.invoked = 1;
            batch.failures = 1;
        } else {
            batch.invoked += 1;
            if function_error && self.source.bisects && batch.records.len() > 1 {
                // This does not count as a retry.
                let rest = batch.records.split_off(batch.records.len().div_ceil(2));
                let failures = batch.failures;
                batches.push_front(Batch::of(rest));
                batches.push_front(Batch {
                    failures,
                    ..Batch::of(batch.records)
                });
                return;
            }
        }
        let retries = self.source.retries;
        if retries.is_some_and(|retries| batch.invoked > retries) {
            self.discard(Condition::RetryAttemptsExhausted, &batch, &batch.records);
        } else {
            batches.push_front(batch);
        }
    }

    /// Discards the records that are older than the mapping allows.
    fn discard_old(&self, batch: &mut Batch) {
        let now = self.context.services.clock.now();
        let most = self.source.greatest_age.unwrap_or(RETENTION).min(RETENTION);
        let is_old = |record: &Record| now.saturating_duration_since(record.born) > most;
        if !batch.records.iter().any(is_old) {
            return;
        }
        let (old, young): (Vec<_>, Vec<_>) = batch.records.drain(..).partition(is_old);
        batch.records = young;
        self.discard(Condition::RecordAgeExceeded, batch, &old);
    }

    /// Logs that records are discarded, and tells the destination.
    fn discard(&self, condition: Condition, batch: &Batch, records: &[Record]) {
        let mapping = &self.context.mapping;
        let (id, function) = (&mapping.settings.logical_id, &mapping.function_name);
        let reason = condition.name();
        let count = records.len();
        warn!(mapping = %id, %function, records = count, reason, "records discarded");
        let Some(queue) = &self.source.on_failure else {
            return;
        };
        let services = &self.context.services;
        let message = Discarded {
            condition,
            function,
            records,
            invoked: batch.invoked,
            function_error: batch.function_error,
            shard: &self.shard,
            stream: &self.stream,
            now: OffsetDateTime::now_utc() + services.clock.ahead(),
        };
        let message = NewMessage {
            body: message.message().to_string(),
            sender: function.clone(),
            ..NewMessage::default()
        };
        if let Err(error) = services.queues.send(queue, message) {
            warn!(%queue, %error, "the destination of discarded records does not take them");
        }
    }

    async fn invoke(&self, records: &[Record]) -> Delivery {
        let Context {
            mapping, invoke, ..
        } = &self.context;
        let records_of: Vec<&str> = records.iter().map(|record| &*record.json).collect();
        let event = format!(r#"{{"Records":[{}]}}"#, records_of.join(","));
        // A mapping has no time limit of its own.
        let (queued, _) = oneshot::channel();
        let span = self.context.delivery();
        let function = &mapping.settings.function;
        let invoking = async { invoke.invoke(function, event.into(), queued).await };
        let answered = trace::within(span.context().cloned(), invoking).await;
        let delivery = self.judge(answered, records);
        let outcome = match &delivery {
            Delivery::Done => "success",
            Delivery::Throttled => "throttled",
            Delivery::Failed { .. } => "failed",
        };
        self.context.record(span, "stream", records.len(), outcome);
        delivery
    }

    fn judge(&self, answered: Result<Outcome, InvokeError>, records: &[Record]) -> Delivery {
        let mapping = &self.context.mapping;
        match answered {
            Ok(Outcome::Answer(_)) if !mapping.settings.reports_failures => Delivery::Done,
            Ok(Outcome::Answer(answer)) => reported(&answer, records),
            Ok(Outcome::FunctionError(_)) => Delivery::Failed {
                first: 0,
                function_error: true,
            },
            Err(InvokeError::Throttled) => Delivery::Throttled,
            Err(error) => {
                warn!(mapping = %mapping.settings.logical_id, %error, "a batch is not accepted");
                Delivery::Failed {
                    first: 0,
                    function_error: true,
                }
            }
        }
    }
}

/// Returns the first record that a function reports as failed.
fn reported(answer: &[u8], records: &[Record]) -> Delivery {
    let sequences: Vec<_> = records.iter().map(|it| it.sequence.as_str()).collect();
    let (first, function_error) = match Report::read(answer, &sequences) {
        Report::Success => return Delivery::Done,
        Report::Malformed => (0, false),
        Report::Failed(failed) => (position(&failed, &sequences), false),
    };
    Delivery::Failed {
        first,
        function_error,
    }
}

fn position(failed: &BTreeSet<String>, sequences: &[&str]) -> usize {
    let is_failed = |sequence: &&str| failed.contains(*sequence);
    sequences.iter().position(is_failed).unwrap_or(0)
}

/// Waits for a time, or for ever without one.
async fn reaches(clock: &crate::gateway::clock::Clock, time: Option<Instant>) {
    match time {
        Some(time) => clock.reaches(time).await,
        None => std::future::pending().await,
    }
}

//! Delivers the messages of a queue. They have no order, so several batches run at the same time. A
//! message that is not deleted comes back after its visibility timeout. What the pollers hold is
//! bounded by their number.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};
use tokio::{sync::oneshot, task::JoinSet};
use tracing::warn;

use super::{Context, LARGEST_EVENT, Mapping, pattern::Pattern, response::Report};
use crate::{
    faults,
    invoke::{Invoke, Outcome},
    server,
    sqs::{Received, WrittenAttribute, arn},
    stack::{EventSource, REGION},
    trace,
};

/// How many batches run at the same time unless the mapping says so. AWS begins with five.
const CONCURRENT: usize = 5;
/// How many messages one receive returns at most.
const RECEIVE: usize = 10;
/// How long a receive waits for messages.
const WAIT: Duration = Duration::from_secs(20);
/// What an event has beside its records, in bytes.
const AROUND: usize = 16;

/// A message as the function sees it.
struct Delivered {
    id: String,
    receipt: String,
    value: Value,
    bytes: usize,
}

/// Delivers until the harness ends.
pub(super) async fn run<I: Invoke>(context: Context<I>) {
    let EventSource::Queue(source) = context.mapping.settings.source.clone() else {
        return;
    };
    let mut pollers = JoinSet::new();
    for _ in 0..source.most_concurrent.unwrap_or(CONCURRENT).min(CONCURRENT) {
        let poller = Poller {
            context: context.clone(),
            queue: source.queue.clone(),
        };
        pollers.spawn(poller.run());
    }
    while pollers.join_next().await.is_some() {}
}

struct Poller<I> {
    context: Context<I>,
    queue: String,
}

impl<I: Invoke> Poller<I> {
    async fn run(self) {
        while let Some(batch) = self.gather().await {
            let faults = &self.context.services.faults;
            let names = self.context.mapping.names();
            let held = faults.stalled(&names);
            let injected = faults.event_source(&names);
            if !self.context.pause(held + injected.latency).await {
                return;
            }
            for event in events(batch) {
                self.deliver(&event).await;
                if injected.fault == Some(faults::EventSource::Twice) {
                    self.deliver(&event).await;
                }
            }
        }
    }

    /// Receives messages until the batch is full or its window ends. `None` at the end.
    async fn gather(&self) -> Option<Vec<Delivered>> {
        let settings = &self.context.mapping.settings;
        let clock = &self.context.services.clock;
        let mut batch: Vec<Delivered> = Vec::new();
        let mut bytes = AROUND;
        let mut deadline = None;
        loop {
            let wait = match deadline {
                None => WAIT,
                Some(deadline) if clock.now() >= deadline => return Some(batch),
                Some(deadline) => deadline.saturating_duration_since(clock.now()),
            };
            let most = RECEIVE.min(settings.batch_size - batch.len());
            for delivered in self.receive(most, wait).await? {
                bytes += delivered.bytes + 1;
                batch.push(delivered);
            }
            let is_full = batch.len() >= settings.batch_size || bytes > LARGEST_EVENT;
            if is_full || (settings.window.is_zero() && !batch.is_empty()) {
                return Some(batch);
            }
            if !batch.is_empty() {
                deadline.get_or_insert_with(|| clock.now() + settings.window);
            }
        }
    }

    /// Receives messages. Those that the function does not accept are deleted. `None` at the end.
    async fn receive(&self, most: usize, wait: Duration) -> Option<Vec<Delivered>> {
        let Context {
            mapping, services, ..
        } = &self.context;
        let queues = &services.queues;
        let received = tokio::select! {
            received = queues.receive(&self.queue, most, None, Some(wait)) => received.ok()?,
            () = server::turned_true(self.context.closed.clone()) => return None,
        };
        let mut accepted = Vec::new();
        for message in received {
            if !accepts(mapping, &message) {
                let _ = queues.delete(&self.queue, &message.receipt);
                continue;
            }
            let (id, receipt) = (message.id.clone(), message.receipt.clone());
            let value = as_lambda_shows(message, &self.queue);
            accepted.push(Delivered {
                id,
                receipt,
                bytes: value.to_string().len(),
                value,
            });
        }
        Some(accepted)
    }

    /// Calls the function, and deletes the messages that are done.
    async fn deliver(&self, batch: &[Delivered]) {
        let mapping = &self.context.mapping;
        let values: Vec<&Value> = batch.iter().map(|message| &message.value).collect();
        let event = json!({ "Records": values }).to_string();
        let (queued, _) = oneshot::channel();
        let span = self.context.delivery();
        let invoke = &self.context.invoke;
        let function = &mapping.settings.function;
        let invoking = async { invoke.invoke(function, event.into(), queued).await };
        let answered = trace::within(span.context().cloned(), invoking).await;
        let ids: Vec<_> = batch.iter().map(|message| message.id.as_str()).collect();
        let report = match answered {
            Ok(Outcome::Answer(_)) if !mapping.settings.reports_failures => Report::Success,
            Ok(Outcome::Answer(answer)) => Report::read(&answer, &ids),
            Ok(Outcome::FunctionError(_)) => Report::Malformed,
            Err(error) => {
                warn!(mapping = %mapping.settings.logical_id, %error, "a batch is not accepted");
                Report::Malformed
            }
        };
        let outcome = match &report {
            Report::Success => "success",
            Report::Failed(_) | Report::Malformed => "failed",
        };
        self.context.record(span, "queue", batch.len(), outcome);
        for message in batch {
            let is_done = match &report {
                Report::Success => true,
                Report::Failed(failed) => !failed.contains(&message.id),
                Report::Malformed => false,
            };
            if is_done {
                // A receipt is invalid once the message was received again.
                let _ = self
                    .context
                    .services
                    .queues
                    .delete(&self.queue, &message.receipt);
            }
        }
    }
}

/// Splits a batch into events that Lambda accepts. A batch is larger only if its messages are.
fn events(batch: Vec<Delivered>) -> Vec<Vec<Delivered>> {
    let mut events: Vec<Vec<Delivered>> = Vec::new();
    let mut bytes = 0;
    for message in batch {
        bytes += message.bytes + 1;
        match events.last_mut() {
            Some(event) if AROUND + bytes <= LARGEST_EVENT => event.push(message),
            _ => {
                bytes = message.bytes + 1;
                events.push(vec![message]);
            }
        }
    }
    events
}

/// Whether the function gets the message. A pattern for an object needs a body of JSON, and a pattern
/// for a text needs another body.
fn accepts(mapping: &Mapping, message: &Received) -> bool {
    let filters = &mapping.settings.filters;
    if filters.is_empty() {
        return true;
    }
    let parsed = serde_json::from_str(&message.body).ok();
    let parsed: Option<Value> =
        parsed.filter(|value: &Value| value.is_object() || value.is_array());
    let is_json = parsed.is_some();
    let body = parsed.unwrap_or_else(|| message.body.as_str().into());
    let record = json!({ "messageId": message.id, "body": body, "attributes": message.system });
    let fits = |pattern: &&Pattern| match pattern.of_member("body") {
        Some(wants_json) => wants_json == is_json,
        None => true,
    };
    let mut fitting = filters.iter().filter(fits);
    fitting.any(|pattern| pattern.matches(&record))
}

/// Returns a message in the shape of Lambda's event.
fn as_lambda_shows(message: Received, queue: &str) -> Value {
    let attributes = message.attributes.into_iter();
    let attributes = attributes.map(|(name, attribute)| (name, shown(attribute)));
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "md5OfBody": format!("{:x}", md5::compute(&message.body)),
        "body": message.body,
        "attributes": message.system,
        "messageAttributes": attributes.collect::<BTreeMap<_, _>>(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn(queue),
        "awsRegion": REGION,
    })
}

fn shown(attribute: WrittenAttribute) -> Value {
    let mut shown = Map::new();
    let value = attribute.string_value.map(|text| ("stringValue", text));
    let value = value.or(attribute.binary_value.map(|value| ("binaryValue", value)));
    shown.extend(value.map(|(name, value)| (name.to_owned(), value.into())));
    shown.insert("stringListValues".to_owned(), json!([]));
    shown.insert("binaryListValues".to_owned(), json!([]));
    shown.insert("dataType".to_owned(), attribute.data_type.into());
    shown.into()
}

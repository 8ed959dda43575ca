//! The state of one queue. Every method gets the time, so that nothing here waits.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    error::SqsError,
    message::{Message, NewMessage, Received},
    queues::Counts,
};
use crate::stack;

/// The most bytes of the messages of a queue. AWS has no such limit.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// What every message takes beside its text.
const OVERHEAD: usize = 512;
/// How receipts begin.
const RECEIPT: &str = "receipt:";

/// When a message can be received, and its number among all.
type Key = (Instant, u64);

/// The messages of one queue.
#[derive(Debug)]
pub(super) struct Queue {
    pub settings: stack::Queue,
    messages: BTreeMap<Key, Message>,
    /// The keys of messages by their last receipt.
    receipts: HashMap<String, Key>,
    next: u64,
    bytes: usize,
}

/// The time by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub instant: Instant,
    /// Milliseconds since 1970.
    pub epoch: u64,
}

impl Queue {
    pub fn new(settings: stack::Queue) -> Self {
        Self {
            settings,
            messages: BTreeMap::new(),
            receipts: HashMap::new(),
            next: 0,
            bytes: 0,
        }
    }

    /// Adds a message. Returns its id.
    pub fn send(&mut self, message: NewMessage, now: Now) -> Result<String, SqsError> {
        self.expire(now);
        let id = Uuid::new_v4().to_string();
        let delay = message.delay.unwrap_or(self.settings.delay);
        let kept = Message {
            id: id.clone(),
            body: message.body,
            attributes: message.attributes,
            sender: message.sender,
            sent: now.epoch,
            first_received: None,
            receives: 0,
            receipt: None,
            expires: now.instant + self.settings.retention,
            moved_from: None,
        };
        if self.bytes + kept.bytes() + OVERHEAD > MOST_BYTES {
            return Err(SqsError::Full);
        }
        self.put(now.instant + delay, kept);
        Ok(id)
    }

    /// Adds a message that was in another queue or in a file.
    pub fn put(&mut self, visible: Instant, message: Message) {
        let key = (visible, self.next);
        self.next += 1;
        self.bytes += message.bytes() + OVERHEAD;
        if let Some(receipt) = &message.receipt {
            self.receipts.insert(receipt.clone(), key);
        }
        self.messages.insert(key, message);
    }

    /// Returns at most `most` messages, and those that must move to the dead-letter queue instead.
    pub fn receive(
        &mut self,
        most: usize,
        visibility_timeout: Option<Duration>,
        now: Now,
    ) -> (Vec<Received>, Vec<Message>) {
        self.expire(now);
        let timeout = visibility_timeout.unwrap_or(self.settings.visibility_timeout);
        let (mut received, mut dead) = (Vec::new(), Vec::new());
        while received.len() < most {
            let Some(entry) = self.messages.first_entry() else {
                break;
            };
            if entry.key().0 > now.instant {
                break;
            }
            let mut message = entry.remove();
            self.bytes -= message.bytes() + OVERHEAD;
            if let Some(receipt) = message.receipt.take() {
                self.receipts.remove(&receipt);
            }
            if message.expires <= now.instant {
                continue;
            }
            let redrive = self.settings.redrive.as_ref();
            if redrive.is_some_and(|redrive| message.receives >= redrive.most_receives) {
                dead.push(message);
                continue;
            }
            message.receives += 1;
            let first = *message.first_received.get_or_insert(now.epoch);
            let receipt = BASE64_STANDARD.encode(format!("{RECEIPT}{}", Uuid::new_v4()));
            message.receipt = Some(receipt.clone());
            let mut system = BTreeMap::from([
                ("ApproximateFirstReceiveTimestamp", first.to_string()),
                ("ApproximateReceiveCount", message.receives.to_string()),
                ("SenderId", message.sender.clone()),
                ("SentTimestamp", message.sent.to_string()),
            ]);
            if let Some(source) = &message.moved_from {
                system.insert("DeadLetterQueueSourceArn", source.clone());
            }
            received.push(Received {
                id: message.id.clone(),
                receipt,
                body: message.body.clone(),
                attributes: message.attributes.clone(),
                system,
            });
            self.put(now.instant + timeout, message);
        }
        (received, dead)
    }

    /// Deletes a message. An older receipt than the last one has no effect.
    pub fn delete(&mut self, receipt: &str) -> Result<(), SqsError> {
        require_receipt(receipt)?;
        if let Some(key) = self.receipts.remove(receipt)
            && let Some(message) = self.messages.remove(&key)
        {
            self.bytes -= message.bytes() + OVERHEAD;
        }
        Ok(())
    }

    /// Sets when a received message can be received again.
    pub fn change_visibility(
        &mut self,
        receipt: &str,
        timeout: Duration,
        now: Now,
    ) -> Result<(), SqsError> {
        require_receipt(receipt)?;
        let key = self.receipts.get(receipt).copied();
        let key = key.filter(|(visible, _)| *visible > now.instant);
        let key = key.ok_or(SqsError::NotInFlight)?;
        let message = self.messages.remove(&key).ok_or(SqsError::NotInFlight)?;
        self.bytes -= message.bytes() + OVERHEAD;
        self.put(now.instant + timeout, message);
        Ok(())
    }

    /// Deletes all messages.
    pub fn purge(&mut self) {
        self.messages.clear();
        self.receipts.clear();
        self.bytes = 0;
    }

    /// Returns when the next message can be received.
    pub fn next_visible(&self) -> Option<Instant> {
        self.messages.keys().next().map(|(visible, _)| *visible)
    }

    pub fn counts(&mut self, now: Now) -> Counts {
        self.expire(now);
        let mut counts = Counts::default();
        for ((visible, _), message) in &self.messages {
            if *visible <= now.instant {
                counts.visible += 1;
            } else if message.receipt.is_some() {
                counts.in_flight += 1;
            } else {
                counts.delayed += 1;
            }
        }
        counts
    }

    /// Returns the messages with the times at which they can be received.
    pub fn messages(&self) -> impl Iterator<Item = (Instant, &Message)> {
        let messages = self.messages.iter();
        messages.map(|((visible, _), message)| (*visible, message))
    }

    /// Deletes the messages that are too old.
    fn expire(&mut self, now: Now) {
        // Messages are sent in this order, so the first ones are mostly the oldest ones. The others
        // are found when they are received.
        while let Some(entry) = self.messages.first_entry() {
            if entry.get().expires > now.instant {
                break;
            }
            let message = entry.remove();
            self.bytes -= message.bytes() + OVERHEAD;
            if let Some(receipt) = &message.receipt {
                self.receipts.remove(receipt);
            }
        }
    }
}

fn require_receipt(receipt: &str) -> Result<(), SqsError> {
    let decoded = BASE64_STANDARD.decode(receipt).unwrap_or_default();
    if decoded.starts_with(RECEIPT.as_bytes()) {
        Ok(())
    } else {
        Err(SqsError::InvalidReceipt)
    }
}

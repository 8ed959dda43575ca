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

    /// Deletes messages, those first that can be received first, until there is room for another one
    /// of so many bytes. Returns how many were deleted.
    pub fn make_room(&mut self, bytes: usize) -> usize {
        let mut deleted = 0;
        while self.bytes + bytes + OVERHEAD > MOST_BYTES
            && let Some((_, message)) = self.messages.pop_first()
        {
            self.bytes -= message.bytes() + OVERHEAD;
            if let Some(receipt) = &message.receipt {
                self.receipts.remove(receipt);
            }
            deleted += 1;
        }
        deleted
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A dead-letter queue cannot refuse a message.
    #[test]
    fn a_queue_makes_room_for_messages_that_move_to_it() {
        let mut queue = Queue::new(stack::Queue {
            logical_id: "Dead".to_owned(),
            name: "Dead".to_owned(),
            delay: Duration::ZERO,
            visibility_timeout: Duration::from_secs(30),
            retention: Duration::from_secs(345_600),
            receive_wait: Duration::ZERO,
            largest_message: 1024 * 1024,
            redrive: None,
        });
        let now = Now {
            instant: Instant::now(),
            epoch: 0,
        };
        let mut deleted = 0;
        for number in 0..70 {
            let message = Message {
                id: number.to_string(),
                body: "x".repeat(1024 * 1024),
                attributes: BTreeMap::new(),
                sender: String::new(),
                sent: 0,
                first_received: None,
                receives: 0,
                receipt: Some(number.to_string()),
                expires: now.instant + Duration::from_secs(60),
                moved_from: None,
            };
            deleted += queue.make_room(message.bytes());
            queue.put(now.instant, message);
            assert!(queue.bytes <= MOST_BYTES);
        }
        assert_eq!((deleted, queue.counts(now).visible), (7, 63));
        assert_eq!(queue.receipts.len(), 63);
        let (received, _) = queue.receive(1, None, now);
        assert_eq!(
            received.first().map(|message| message.id.as_str()),
            Some("7")
        );
    }
}

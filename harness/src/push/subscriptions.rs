//! All subscriptions and their messages. Numbers and bytes are bounded: what is oldest goes first.

use std::collections::{BTreeMap, VecDeque};

use super::{encryption::Keys, message::Message};

/// The most subscriptions.
const MOST_SUBSCRIPTIONS: usize = 10_000;
/// The most messages of a subscription that are shown.
const MOST_MESSAGES: usize = 1_000;
/// The most bytes of all messages.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// All subscriptions.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    by_id: BTreeMap<String, Subscription>,
    /// The ids, the oldest first.
    order: VecDeque<String>,
    /// The subscription of each message, by the message's number.
    arrived: BTreeMap<u64, String>,
    /// The number of the next message.
    next: u64,
    /// The bytes of all messages.
    bytes: usize,
}

/// One subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub keys: Keys,
    /// The key of the application, if it was given: then no other may send.
    pub application: Option<Vec<u8>>,
    /// Whether the user has unsubscribed.
    pub is_gone: bool,
    /// How many messages were accepted.
    pub accepted: u64,
    /// By number, so in the order of their arrival.
    messages: BTreeMap<u64, Message>,
}

impl Subscriptions {
    /// Adds a subscription.
    pub fn insert(&mut self, id: String, keys: Keys, application: Option<Vec<u8>>) {
        if self.order.len() >= MOST_SUBSCRIPTIONS
            && let Some(oldest) = self.order.pop_front()
        {
            let numbers = self.numbers(&oldest, |_| true);
            self.remove(&oldest, &numbers);
            self.by_id.remove(&oldest);
        }
        self.order.push_back(id.clone());
        let subscription = Subscription {
            keys,
            application,
            is_gone: false,
            accepted: 0,
            messages: BTreeMap::new(),
        };
        self.by_id.insert(id, subscription);
    }

    /// Returns a subscription.
    pub fn get(&self, id: &str) -> Option<&Subscription> {
        self.by_id.get(id)
    }

    /// Ends a subscription. Its messages are still shown. Returns whether it exists.
    pub fn end(&mut self, id: &str) -> bool {
        let found = self.by_id.get_mut(id);
        found
            .map(|subscription| subscription.is_gone = true)
            .is_some()
    }

    /// Adds a message to a subscription, if it exists. An earlier message with the same topic is
    /// replaced.
    pub fn accept(&mut self, id: &str, message: Message) {
        if let Some(topic) = &message.topic {
            let replaced = self.numbers(id, |other| other.topic.as_ref() == Some(topic));
            self.remove(id, &replaced);
        }
        let Some(subscription) = self.by_id.get_mut(id) else {
            return;
        };
        let number = self.next;
        self.next += 1;
        self.bytes += message.bytes();
        subscription.accepted += 1;
        subscription.messages.insert(number, message);
        self.arrived.insert(number, id.to_owned());

        if subscription.messages.len() > MOST_MESSAGES
            && let Some((oldest, _)) = subscription.messages.first_key_value()
        {
            let oldest = *oldest;
            self.remove(id, &[oldest]);
        }
        while self.bytes > MOST_BYTES
            && let Some((oldest, id)) = self.arrived.pop_first()
        {
            self.remove(&id, &[oldest]);
        }
    }

    /// Returns the numbers of the messages of a subscription for which `is_wanted` holds.
    fn numbers(&self, id: &str, is_wanted: impl Fn(&Message) -> bool) -> Vec<u64> {
        let messages = self
            .by_id
            .get(id)
            .map(|subscription| &subscription.messages);
        let messages = messages.into_iter().flatten();
        let wanted = messages.filter(|(_, message)| is_wanted(message));
        wanted.map(|(number, _)| *number).collect()
    }

    fn remove(&mut self, id: &str, numbers: &[u64]) {
        let Some(subscription) = self.by_id.get_mut(id) else {
            return;
        };
        for number in numbers {
            self.arrived.remove(number);
            if let Some(message) = subscription.messages.remove(number) {
                self.bytes -= message.bytes();
            }
        }
    }
}

impl Subscription {
    /// Returns the messages, the oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use time::OffsetDateTime;

    use super::*;
    use crate::push::vapid::Sender;

    /// A message with a subject of so many bytes.
    fn message(bytes: usize, topic: Option<&'static str>) -> Message {
        let mut headers = HeaderMap::new();
        headers.insert("ttl", HeaderValue::from_static("60"));
        if let Some(topic) = topic {
            headers.insert("topic", HeaderValue::from_static(topic));
        }
        let sender = Sender {
            key: vec![4; 65],
            subject: "x".repeat(bytes),
        };
        let keys = Keys::generate().unwrap();
        Message::read(&headers, b"", &keys, sender, OffsetDateTime::UNIX_EPOCH).unwrap()
    }

    fn shown(subscriptions: &Subscriptions, id: &str) -> usize {
        subscriptions.get(id).unwrap().messages().count()
    }

    #[test]
    fn all_messages_together_have_at_most_64_megabytes() {
        let mut subscriptions = Subscriptions::default();
        for id in ["a", "b"] {
            subscriptions.insert(id.to_owned(), Keys::generate().unwrap(), None);
        }
        for _ in 0..40 {
            subscriptions.accept("a", message(1024 * 1024, None));
        }
        for _ in 0..40 {
            subscriptions.accept("b", message(1024 * 1024, None));
            assert!(subscriptions.bytes <= MOST_BYTES);
        }
        // The oldest ones are gone, and the count of accepted ones is not affected.
        assert_eq!(
            (shown(&subscriptions, "a"), shown(&subscriptions, "b")),
            (23, 40)
        );
        assert_eq!(subscriptions.get("a").unwrap().accepted, 40);
        assert_eq!(subscriptions.arrived.len(), 63);
    }

    #[test]
    fn what_is_replaced_or_beyond_a_limit_takes_no_room() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.insert("a".to_owned(), Keys::generate().unwrap(), None);
        for _ in 0..3 {
            subscriptions.accept("a", message(1, Some("news")));
        }
        assert_eq!(
            (shown(&subscriptions, "a"), subscriptions.arrived.len()),
            (1, 1)
        );
        for _ in 0..1_001 {
            subscriptions.accept("a", message(1, None));
        }
        assert_eq!(shown(&subscriptions, "a"), MOST_MESSAGES);
        assert_eq!(subscriptions.arrived.len(), MOST_MESSAGES);
        for number in 0..MOST_SUBSCRIPTIONS {
            subscriptions.insert(number.to_string(), Keys::generate().unwrap(), None);
        }
        assert!(subscriptions.get("a").is_none());
        assert_eq!((subscriptions.bytes, subscriptions.arrived.len()), (0, 0));
    }
}

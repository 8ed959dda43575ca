//! The newest events, bounded in number and in bytes.

use std::{collections::VecDeque, sync::Arc};

use super::{Event, TraceId};

/// The bounds of the events in memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most events.
    pub events: usize,
    /// The most memory, in bytes.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 100_000,
            bytes: 96 * 1024 * 1024,
        }
    }
}

/// Consecutive events.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The events, the oldest first.
    pub events: Vec<Arc<Event>>,
    /// The number of the event that follows.
    pub next: u64,
    /// How many of the wanted events are no longer kept.
    pub lost: u64,
}

#[derive(Debug)]
pub(super) struct Ring {
    limits: Limits,
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    /// The number of the next event.
    next: u64,
}

impl Ring {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            events: VecDeque::new(),
            bytes: 0,
            next: 0,
        }
    }

    /// Adds an event and numbers it. The oldest ones go.
    pub fn push(&mut self, mut event: Event) {
        event.number = self.next;
        self.next += 1;
        self.bytes += event.bytes();
        self.events.push_back(Arc::new(event));
        while self.events.len() > self.limits.events || self.bytes > self.limits.bytes {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes();
        }
    }

    pub fn read(&self, from: u64, most: usize) -> Batch {
        let oldest = self.events.front().map_or(self.next, |event| event.number);
        let begin = from.max(oldest);
        let skipped = usize::try_from(begin - oldest).unwrap_or(usize::MAX);
        let events: Vec<_> = self
            .events
            .iter()
            .skip(skipped)
            .take(most)
            .cloned()
            .collect();
        Batch {
            next: events
                .last()
                .map_or(begin.min(self.next), |event| event.number + 1),
            lost: oldest.saturating_sub(from),
            events,
        }
    }

    pub fn of_trace(&self, trace: TraceId) -> Vec<Arc<Event>> {
        let events = self.events.iter();
        events
            .filter(|event| event.trace == Some(trace))
            .cloned()
            .collect()
    }
}

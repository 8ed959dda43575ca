//! A function's events that wait for a process. Waiting events hardly count against the account's
//! limit, so their number and their bytes are bounded here: 5,000 events of a WebSocket message of
//! 128 KB would take 640 MB, and more if their characters are escaped.

use std::collections::VecDeque;

use super::invocation::Event;

/// The maximum number of events.
const MOST_EVENTS: usize = 5_000;
/// The maximum size of all events together, in bytes. One event may be larger.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Events, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    events: VecDeque<Event>,
    bytes: usize,
}

impl Waiting {
    /// Whether there is room for one more event.
    pub fn has_room_for(&self, event: &Event) -> bool {
        let fits = self.events.is_empty() || self.bytes + event.bytes() <= MOST_BYTES;
        fits && self.events.len() < MOST_EVENTS
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn push_back(&mut self, event: Event) {
        self.bytes += event.bytes();
        self.events.push_back(event);
    }

    pub fn push_front(&mut self, event: Event) {
        self.bytes += event.bytes();
        self.events.push_front(event);
    }

    pub fn pop_front(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= event.bytes();
        Some(event)
    }

    pub fn back_mut(&mut self) -> Option<&mut Event> {
        self.events.back_mut()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Event> {
        self.events.iter_mut()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

//! Counters of messages: what every entry knows of the log up to itself.

use super::{Content, Seq};

/// The counters of an entry.
///
/// A writer at position n + 1 has read the entry at n, so it knows the counters of its own entry
/// without a further read. Unread messages are the difference of two entries' counters, whatever
/// lies between the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// The number of messages up to and including the entry.
    pub messages: u64,
    /// The position of the newest message at or before the entry, [`Seq::START`] if there is none.
    /// `None` if it is not known, because an earlier version stored the entry.
    pub newest_message: Option<Seq>,
    /// The number of messages up to the newest entry that an earlier version stored; 0 if there is
    /// none. A participant of that time has no position. For them these messages count as read.
    pub earlier: u64,
}

impl Counters {
    /// The counters of an empty log.
    pub const START: Self = Self {
        messages: 0,
        newest_message: Some(Seq::START),
        earlier: 0,
    };

    /// Returns the counters of the entry at `seq`, which follows an entry with these counters.
    #[must_use]
    pub const fn followed_by(self, seq: Seq, content: &Content) -> Self {
        if content.is_message() {
            Self {
                messages: self.messages.saturating_add(1),
                newest_message: Some(seq),
                ..self
            }
        } else {
            self
        }
    }

    /// Returns the counters of an entry that an earlier version stored without any.
    ///
    /// Each such entry counts as a message. So the counters need no read of the older log, and they
    /// only grow. A difference of two counters is exact unless changes of participants of an
    /// earlier version lie between.
    #[must_use]
    pub fn of_earlier_version(seq: Seq, content: &Content) -> Self {
        Self {
            messages: seq.number(),
            newest_message: content.is_message().then_some(seq),
            earlier: seq.number(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Body, DisplayName, UserId};

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    fn message() -> Content {
        Content::Message {
            name: DisplayName::fitted("Ada"),
            body: Body::new("hi").unwrap(),
            reply_to: None,
            revision: crate::domain::Revision::Original,
        }
    }

    fn addition() -> Content {
        Content::ParticipantAdded {
            user: UserId::new("grace").unwrap(),
            name: DisplayName::fitted("Grace"),
        }
    }

    #[test]
    fn only_messages_are_counted() {
        let first = Counters::START.followed_by(seq(1), &addition());
        assert_eq!(first, Counters::START);
        let second = first.followed_by(seq(2), &message());
        let expected = Counters {
            messages: 1,
            newest_message: Some(seq(2)),
            earlier: 0,
        };
        assert_eq!(second, expected);
        assert_eq!(second.followed_by(seq(3), &addition()), expected);
    }

    #[test]
    fn counters_go_on_after_the_entries_of_an_earlier_version() {
        let old = Counters::of_earlier_version(seq(7), &addition());
        assert_eq!(old.newest_message, None);
        let next = old.followed_by(seq(8), &addition());
        assert_eq!(next, old);
        let next = next.followed_by(seq(9), &message());
        let expected = Counters {
            messages: 8,
            newest_message: Some(seq(9)),
            earlier: 7,
        };
        assert_eq!(next, expected);
        let old = Counters::of_earlier_version(seq(7), &message());
        assert_eq!(old.newest_message, Some(seq(7)));
    }
}

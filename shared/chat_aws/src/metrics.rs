//! Counts what happens during a request, and prints it as metrics when the request ends.
//!
//! A process of a function handles one event at a time, so everything that is counted between two
//! events belongs to one request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chat::ports::Fact;
use emf::Line;

/// What has happened since the last request. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    sends: AtomicU64,
    duplicates: AtomicU64,
    lost_puts: AtomicU64,
    fan_out_size: AtomicU64,
    fan_out_milliseconds: AtomicU64,
    gone: AtomicU64,
    retries: AtomicU64,
    missed: AtomicU64,
    /// No metric: what the request costs its user.
    read_bytes: AtomicU64,
}

/// The bytes of entries that cost a further token: 16 read units. A page of ordinary messages has
/// fewer.
const BYTES_OF_A_TOKEN: u64 = 64 * 1024;

/// Ports that count what happens during a request.
pub trait Counted {
    /// Returns the counters of these ports.
    fn counters(&self) -> Counters;
}

impl Counted for () {
    fn counters(&self) -> Counters {
        Counters::default()
    }
}

/// Prints the metrics of requests.
#[derive(Debug)]
pub struct Metrics {
    counters: Counters,
    printed: emf::Metrics,
}

impl Metrics {
    /// Creates the metrics of a process with these ports, as its environment says.
    pub fn of(ports: &impl Counted) -> Self {
        Self {
            counters: ports.counters(),
            printed: emf::Metrics::from_environment(),
        }
    }

    /// Creates metrics that are not printed.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn disabled() -> Self {
        Self::unprinted(Counters::default())
    }

    /// Creates metrics with these counters that are not printed.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn unprinted(counters: Counters) -> Self {
        Self {
            counters,
            printed: emf::Metrics::disabled(),
        }
    }

    /// Returns what the request costs its user in addition, in tokens, for the entries that it has
    /// read.
    pub(crate) fn further_cost(&self) -> u32 {
        self.counters.further_cost()
    }

    /// Prints what was counted during a request that ends with this outcome.
    pub fn print(&self, outcome: &'static str) {
        self.printed.print(self.counters.line(outcome));
    }
}

impl Counters {
    /// Counts a fact that the core reports.
    pub fn note(&self, fact: Fact) {
        let Numbers {
            sends,
            duplicates,
            fan_out_size,
            fan_out_milliseconds,
            gone,
            retries,
            missed,
            ..
        } = &*self.0;
        match fact {
            Fact::Sent { duplicate } => {
                add(sends, 1);
                add(duplicates, u64::from(duplicate));
            }
            Fact::Retry => add(retries, 1),
            Fact::Gone => add(gone, 1),
            Fact::FanOut {
                size,
                missed: of_them,
                duration,
            } => {
                add(fan_out_size, size as u64);
                add(missed, of_them as u64);
                let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
                add(fan_out_milliseconds, milliseconds);
            }
        }
    }

    /// Counts a put that found another entry at its position.
    pub fn lost_put(&self) {
        add(&self.0.lost_puts, 1);
    }

    /// Counts the bytes of entries that were read.
    pub fn read(&self, bytes: usize) {
        add(&self.0.read_bytes, bytes as u64);
    }

    /// Returns what the request costs its user in addition, in tokens, for the entries that it has
    /// read. How long they are shows only when they are read, and DynamoDB cannot limit a read by its
    /// bytes to less than a megabyte.
    #[must_use]
    pub fn further_cost(&self) -> u32 {
        let tokens = self.0.read_bytes.load(Ordering::Relaxed) / BYTES_OF_A_TOKEN;
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }

    /// Returns the metrics of a request, and starts again at zero.
    fn line(&self, outcome: &'static str) -> Line {
        let numbers = &*self.0;
        let take = |number: &AtomicU64| number.swap(0, Ordering::Relaxed);
        take(&numbers.read_bytes);
        let mut line = Line::default();
        line.count("Sends", take(&numbers.sends));
        line.count("Duplicates", take(&numbers.duplicates));
        line.count("LostPuts", take(&numbers.lost_puts));
        line.count("FanOutSize", take(&numbers.fan_out_size));
        let duration = Duration::from_millis(take(&numbers.fan_out_milliseconds));
        line.duration("FanOutMilliseconds", duration);
        line.count("Gone", take(&numbers.gone));
        line.count("Retries", take(&numbers.retries));
        line.count("Missed", take(&numbers.missed));
        match outcome {
            "ok" => {}
            "internal" => line.count("Errors", 1),
            code => line.coded("Rejections", code),
        }
        line
    }
}

fn add(number: &AtomicU64, more: u64) {
    number.fetch_add(more, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_counted_once_and_belong_to_one_request() {
        let counters = Counters::default();
        counters.note(Fact::Sent { duplicate: false });
        counters.note(Fact::Sent { duplicate: true });
        counters.lost_put();
        counters.note(Fact::Retry);
        counters.note(Fact::Gone);
        for _ in 0..2 {
            counters.note(Fact::FanOut {
                size: 3,
                missed: 1,
                duration: Duration::from_millis(4),
            });
        }
        let mut expected = Line::default();
        expected.count("Sends", 2);
        expected.count("Duplicates", 1);
        expected.count("LostPuts", 1);
        expected.count("FanOutSize", 6);
        expected.duration("FanOutMilliseconds", Duration::from_millis(8));
        expected.count("Gone", 1);
        expected.count("Retries", 1);
        expected.count("Missed", 2);
        counters.read(70_000);
        counters.read(70_000);
        assert_eq!(counters.further_cost(), 2);
        assert_eq!(counters.clone().line("ok"), expected);
        assert_eq!(counters.line("ok"), Line::default());
        assert_eq!(counters.further_cost(), 0);
    }

    #[test]
    fn errors_are_counted_apart_from_rejections() {
        let counters = Counters::default();
        let mut rejection = Line::default();
        rejection.coded("Rejections", "not_found");
        assert_eq!(counters.line("not_found"), rejection);
        let mut error = Line::default();
        error.count("Errors", 1);
        assert_eq!(counters.line("internal"), error);
    }
}

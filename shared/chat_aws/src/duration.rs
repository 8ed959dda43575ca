//! How long a request may take, and how long it has taken.

use std::time::{Duration, Instant};

use chat::domain::Timestamp;

/// Kept back for writing the answer down and handing it over.
const MARGIN: Duration = Duration::from_millis(300);
/// Assumed when the deadline is not known.
const UNKNOWN: Duration = Duration::from_secs(10);

/// When an answer must be ready, by Lambda's deadline in milliseconds since the epoch. A deadline in the past is none:
/// `cargo lambda watch` sends a constant from 1970.
pub fn deadline(lambda_deadline: u64, now: Timestamp) -> Timestamp {
    let left = Timestamp::from_millis(lambda_deadline).since(now);
    if left.is_zero() {
        now.plus(UNKNOWN)
    } else {
        now.plus(left.saturating_sub(MARGIN))
    }
}

/// For the log, whose readers want a number.
pub fn milliseconds_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_ready_a_little_before_lambda_gives_up() {
        const NOW: u64 = 1_731_332_746_514;
        for (lambda_deadline, expected) in [
            (NOW + 6_000, NOW + 5_700),
            (NOW + 100, NOW),
            (NOW, NOW + 10_000),
            (600_000, NOW + 10_000),
        ] {
            let deadline = deadline(lambda_deadline, Timestamp::from_millis(NOW));
            assert_eq!(deadline.millis(), expected, "{lambda_deadline}");
        }
    }
}

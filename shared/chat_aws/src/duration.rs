//! How long a request may take, and how long it has taken.

use std::time::{Duration, Instant};

use chat::domain::Timestamp;

/// Kept back for writing the answer down and handing it over.
const MARGIN: Duration = Duration::from_millis(300);
/// Kept back for telling that there is no answer: a call that hangs would else take the function
/// down with it, and its client would wait without being told.
const LAST_MOMENT: Duration = Duration::from_millis(100);
/// Assumed when the deadline is not known.
const UNKNOWN: Duration = Duration::from_secs(10);

/// When an answer must be ready, by Lambda's deadline in milliseconds since the epoch. A deadline
/// in the past is none: `cargo lambda watch` sends a constant from 1970.
pub fn deadline(lambda_deadline: u64, now: Timestamp) -> Timestamp {
    now.plus(left(lambda_deadline, now).saturating_sub(MARGIN))
}

/// How long it is to the last moment at which anything can be answered.
pub fn last_moment(lambda_deadline: u64, now: Timestamp) -> Duration {
    left(lambda_deadline, now).saturating_sub(LAST_MOMENT)
}

fn left(lambda_deadline: u64, now: Timestamp) -> Duration {
    let left = Timestamp::from_millis(lambda_deadline).since(now);
    if left.is_zero() {
        UNKNOWN + MARGIN
    } else {
        left
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
            (NOW + 6_000, (NOW + 5_700, 5_900)),
            (NOW + 200, (NOW, 100)),
            (NOW + 100, (NOW, 0)),
            (NOW, (NOW + 10_000, 10_200)),
            (600_000, (NOW + 10_000, 10_200)),
        ] {
            let now = Timestamp::from_millis(NOW);
            let deadline = deadline(lambda_deadline, now).millis();
            let last_moment = last_moment(lambda_deadline, now);
            let expected = (expected.0, Duration::from_millis(expected.1));
            assert_eq!((deadline, last_moment), expected, "{lambda_deadline}");
        }
    }
}

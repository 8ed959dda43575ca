//! How long a request may take, given the time at which Lambda ends its function.

use std::time::Duration;

use crate::domain::Timestamp;

/// The time that is reserved for encoding and returning the reply.
pub const REPLY_MARGIN: Duration = Duration::from_millis(300);
/// The time that is reserved for reporting that there is no reply. Without it, a hanging call would
/// end the whole function, and the client would wait in vain.
pub const ERROR_MARGIN: Duration = Duration::from_millis(100);
/// The time that is left if the function's end is unknown.
const DEFAULT: Duration = Duration::from_secs(10);

/// Returns when the reply must be ready. `end` is when the function is ended, in milliseconds since
/// the epoch. An end in the past counts as unknown: `cargo lambda watch` sends a constant from
/// 1970.
#[must_use]
pub fn deadline(end: u64, now: Timestamp) -> Timestamp {
    now.plus(time_left(end, now).saturating_sub(REPLY_MARGIN))
}

/// Returns the time that is left until the last moment at which an error can be reported.
#[must_use]
pub fn last_moment(end: u64, now: Timestamp) -> Duration {
    time_left(end, now).saturating_sub(ERROR_MARGIN)
}

fn time_left(end: u64, now: Timestamp) -> Duration {
    let left = Timestamp::from_millis(end).since(now);
    if left.is_zero() {
        DEFAULT + REPLY_MARGIN
    } else {
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_due_before_the_function_ends() {
        const NOW: u64 = 1_731_332_746_514;
        for (end, expected) in [
            (NOW + 6_000, (NOW + 5_700, 5_900)),
            (NOW + 200, (NOW, 100)),
            (NOW + 100, (NOW, 0)),
            (NOW, (NOW + 10_000, 10_200)),
            (600_000, (NOW + 10_000, 10_200)),
        ] {
            let now = Timestamp::from_millis(NOW);
            let deadline = deadline(end, now).millis();
            let last_moment = last_moment(end, now);
            let expected = (expected.0, Duration::from_millis(expected.1));
            assert_eq!((deadline, last_moment), expected, "{end}");
        }
    }
}

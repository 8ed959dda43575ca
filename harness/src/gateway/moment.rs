//! A wall-clock time in the three formats of events and answers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

const COMMON_LOG: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
const ISO_8601: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) fn now() -> Self {
        // A clock before 1970 reads as 1970.
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    #[cfg(test)]
    pub(crate) const fn from_epoch_ms(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// As in `requestTimeEpoch`.
    pub(crate) const fn epoch_ms(self) -> u64 {
        self.0
    }

    /// As in `requestTime`: `11/Nov/2024:11:35:24 +0000`.
    pub(crate) fn common_log(self) -> String {
        self.format(COMMON_LOG)
    }

    /// As in the management API: `2024-11-11T11:35:24.553Z`.
    pub(crate) fn iso_8601(self) -> String {
        self.format(ISO_8601)
    }

    fn format(self, format: &[BorrowedFormatItem<'_>]) -> String {
        let utc = OffsetDateTime::from(UNIX_EPOCH + Duration::from_millis(self.0));
        // Both formats use only parts that every date has, so formatting cannot fail.
        utc.format(format).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_in_all_formats() {
        let moment = Moment::from_epoch_ms(1_731_324_924_053);
        assert_eq!(moment.common_log(), "11/Nov/2024:11:35:24 +0000");
        assert_eq!(moment.iso_8601(), "2024-11-11T11:35:24.053Z");
    }
}

//! One stored object, as its file describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// As in `Last-Modified`.
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);
/// As in lists.
const ISO_8601: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].000Z");

/// An object without its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Object {
    pub bucket: String,
    pub key: String,
    /// The name of the file with its body.
    pub body: String,
    pub size: u64,
    /// With quotes.
    pub etag: String,
    /// Seconds since 1970.
    pub modified: i64,
    /// The headers that every answer repeats, in lower case: `content-type`, `x-amz-meta-…`.
    pub headers: BTreeMap<String, String>,
    /// The checksums that the upload had, in base64, by algorithm.
    pub checksums: BTreeMap<String, String>,
}

impl Object {
    pub fn last_modified(&self) -> String {
        self.written(HTTP_DATE)
    }

    pub fn listed_date(&self) -> String {
        self.written(ISO_8601)
    }

    fn written(&self, format: &[BorrowedFormatItem<'_>]) -> String {
        // Fails only for years with more than four digits.
        OffsetDateTime::from_unix_timestamp(self.modified)
            .ok()
            .and_then(|date| date.format(format).ok())
            .unwrap_or_default()
    }
}

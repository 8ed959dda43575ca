//! Filter patterns of event source mappings, and the records that they are compared with.
//!
//! The first line is the pattern, the rest is the record.

use harness::event_source::Pattern;
use serde_json::Value;

use crate::message::first_line;

pub fn run(data: &[u8]) {
    let (pattern, record) = first_line(data);
    let Ok(pattern) = std::str::from_utf8(pattern) else {
        return;
    };
    let pattern = match Pattern::parse(pattern) {
        Ok(pattern) => pattern,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let record: Value = serde_json::from_slice(record).unwrap_or_default();
    pattern.matches(&record);
}

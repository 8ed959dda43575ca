//! The ids of APIs and of their parts, derived from logical ids.

use sha2::{Digest, Sha256};

/// Returns the id of an API: ten lower-case letters and digits, the same at every start.
pub(super) fn api_id(logical_id: &str) -> String {
    digest(logical_id, 10)
}

/// Returns the id of a part of an API, such as a route: seven lower-case letters and digits.
pub(super) fn part_id(logical_id: &str) -> String {
    digest(logical_id, 7)
}

fn digest(text: &str, length: usize) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(length)
        .filter_map(|byte| char::from_digit(u32::from(*byte) % 36, 36))
        .collect()
}

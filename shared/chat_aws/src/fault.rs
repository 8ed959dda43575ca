//! Failures of AWS calls, translated for the core.
//!
//! What the SDK gives is not kept: its debug output holds the items and frames of the call. Kept is what its errors say
//! of themselves, each with what caused it; services word those messages without contents.

use std::{error::Error, iter::successors};

use chat::error::InternalError;

/// What an SDK error and its causes say.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Told(String);

/// Translates the failure of a call made while `doing` something.
pub fn of_call(doing: &'static str, error: &(dyn Error + 'static)) -> InternalError {
    InternalError::new(doing, Told(told(error)))
}

/// What an error and its causes say, from the outside in.
pub fn told(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for error in successors(Some(error), |&error| error.source()) {
        let text = error.to_string();
        // Many wrappers repeat what they wrap.
        if said.last().is_none_or(|last| !last.ends_with(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

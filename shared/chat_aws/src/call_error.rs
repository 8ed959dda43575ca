//! Converts errors of AWS calls to the core's [`InternalError`].
//!
//! The SDK's error values are dropped, because their debug output holds the items and frames of the
//! call. Their messages and those of their causes are kept; services put no contents into them.

use std::error::Error;

use chat::error::InternalError;

/// The messages of an SDK error and its causes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct CallError(String);

/// Converts the error of a call that was made while `doing` something.
pub fn call_error(doing: &'static str, error: &(dyn Error + 'static)) -> InternalError {
    InternalError::new(doing, CallError(error_chain(error)))
}

/// Returns the messages of an error and its causes, outermost first, separated by colons.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut chain = error.to_string();
    let mut last = chain.clone();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        // Many wrappers repeat the message of the wrapped error.
        if !last.ends_with(&text) {
            chain.push_str(": ");
            chain.push_str(&text);
            last = text;
        }
        source = error.source();
    }
    chain
}

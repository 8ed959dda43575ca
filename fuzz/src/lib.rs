//! Fuzz targets for every parser of foreign bytes.
//!
//! A target is a function that takes any bytes and must neither panic nor do more work than a fixed
//! number of steps for each byte. `fuzz_targets` hands it inputs of libFuzzer; the binary `growth`
//! hands it inputs that double.

pub mod growth;
pub mod message;
pub mod steps;
pub mod targets;

use std::sync::Once;

// Its library defines what the coverage calls. Linked after this crate, whose definition of the call
// at each edge comes first.
use libfuzzer_sys as _;

static WARM_UP: Once = Once::new();

/// Runs a target on `data`, and aborts if that takes more steps than its length permits.
pub fn bounded(name: &str, data: &[u8]) {
    let target = targets::named(name);
    // What is made once, such as a stack from its template, is not the work of one input.
    WARM_UP.call_once(|| (target.run)(data));
    steps::limit(target.fixed + target.per_byte * data.len() as u64);
    (target.run)(data);
    steps::unlimited();
}

//! The targets, by what they parse.

mod frames;
mod http_api;
mod key_sets;
mod local;
mod paths;
mod patterns;
mod policies;
mod push;
mod push_subscriptions;
mod rest;
mod selections;
mod signatures;
mod sqs;
mod templates;
mod tokens;

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

/// A parser and its bound.
pub struct Target {
    /// The name of its file in `fuzz_targets`.
    pub name: &'static str,
    /// Parses any bytes.
    pub run: fn(&[u8]),
    /// The steps that an empty input may take.
    pub fixed: u64,
    /// The steps that each byte of the input may take in addition.
    pub per_byte: u64,
}

/// All targets.
///
/// The bounds are several times what the most expensive seeds take. An input of a few kilobytes
/// whose work is quadratic exceeds them.
pub const TARGETS: [Target; 15] = [
    target("frames", frames::run, 2_000_000, 2_000),
    target("rest", rest::run, 2_000_000, 2_000),
    target("tokens", tokens::run, 200_000, 2_000),
    target("key_sets", key_sets::run, 500_000, 2_000),
    target("templates", templates::run, 1_000_000, 5_000),
    target("signatures", signatures::run, 200_000, 2_000),
    target("selections", selections::run, 100_000, 2_000),
    target("paths", paths::run, 200_000, 2_000),
    target("http_api", http_api::run, 1_000_000, 2_000),
    target("policies", policies::run, 100_000, 2_000),
    target("patterns", patterns::run, 200_000, 2_000),
    target("sqs", sqs::run, 1_000_000, 2_000),
    target("push", push::run, 1_000_000, 2_000),
    target("push_subscriptions", push_subscriptions::run, 200_000, 2_000),
    target("local", local::run, 1_000_000, 2_000),
];

const fn target(name: &'static str, run: fn(&[u8]), fixed: u64, per_byte: u64) -> Target {
    Target {
        name,
        run,
        fixed,
        per_byte,
    }
}

/// Returns the target of this name.
pub fn named(name: &str) -> &'static Target {
    TARGETS
        .iter()
        .find(|target| target.name == name)
        .unwrap_or_else(|| panic!("no target is called {name}"))
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
}

/// Runs a future that waits for nothing outside this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

//! The patterns, by target.

mod frames;
mod http_api;
mod intrinsics;
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

use super::Case;

/// Returns every case.
pub fn all() -> Vec<Case> {
    [
        frames::cases(),
        rest::cases(),
        tokens::cases(),
        key_sets::cases(),
        templates::cases(),
        intrinsics::cases(),
        signatures::cases(),
        selections::cases(),
        paths::cases(),
        http_api::cases(),
        policies::cases(),
        patterns::cases(),
        sqs::cases(),
        push::cases(),
        push_subscriptions::cases(),
        local::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The pattern between a beginning and an end.
fn repeated(target: &'static str, name: &'static str, begin: &str, unit: &str, end: &str) -> Case {
    let [begin, unit, end] = [begin, unit, end].map(str::to_owned);
    made(target, name, move |count| {
        format!("{begin}{}{end}", unit.repeat(count))
    })
}

/// The same, at most as long as the head of a request may be.
fn short(target: &'static str, name: &'static str, begin: &str, unit: &str, end: &str) -> Case {
    let case = repeated(target, name, begin, unit, end);
    Case {
        most: 8_192 / unit.len(),
        ..case
    }
}

/// Patterns within each other.
fn nested(target: &'static str, name: &'static str, begin: &str, open: &str, close: &str) -> Case {
    let [begin, open, close] = [begin, open, close].map(str::to_owned);
    made(target, name, move |count| {
        format!("{begin}{}{}", open.repeat(count), close.repeat(count))
    })
}

/// Patterns with a number of six digits each.
fn numbered(
    target: &'static str,
    name: &'static str,
    begin: &str,
    unit: impl Fn(String) -> String + 'static,
    end: &str,
) -> Case {
    let [begin, end] = [begin, end].map(str::to_owned);
    made(target, name, move |count| {
        let units: String = (0..count).map(|n| unit(format!("{n:06}"))).collect();
        format!("{begin}{units}{end}")
    })
}

fn made(
    target: &'static str,
    name: &'static str,
    input: impl Fn(usize) -> String + 'static,
) -> Case {
    Case {
        target,
        name,
        most: 1 << 18,
        input: Box::new(move |count| input(count).into_bytes()),
    }
}

//! The log: dense, each message once, and only what was requested.

use serde_json::json;

use super::{breaks, change, log, message, send, sent, two_messages};
use crate::verdict::Promise;

#[test]
fn a_hole_in_the_log_breaks_dense() {
    let (mut lines, [a, mut b]) = two_messages();
    b["seq"] = json!(3);
    lines[3] = sent("bob-1", "b", 3);
    lines.push(log(&[a, b]));
    breaks(
        &lines,
        Promise::Dense,
        "3 is stored where 2 is expected in x",
        &["5: log x", "5: log x"],
    );
}

#[test]
fn a_changed_entry_breaks_dense() {
    let (mut lines, [a, b]) = two_messages();
    lines.extend([log(&[a.clone(), message(2, "bob", "other")]), log(&[a, b])]);
    breaks(
        &lines,
        Promise::Dense,
        "entry 2 of x differs from an earlier reading",
        &["6: log x"],
    );
}

#[test]
fn a_message_stored_twice_breaks_once() {
    let (mut lines, [a, b]) = two_messages();
    lines.push(log(&[a, b, message(3, "ada", "a")]));
    breaks(
        &lines,
        Promise::Once,
        "ada's a is stored at 1 and at 3",
        &["1", "5: log x", "5: log x"],
    );
}

#[test]
fn a_message_that_was_never_sent_breaks_asked() {
    let (mut lines, [a, b]) = two_messages();
    let mut foreign = message(3, "ada", "c");
    lines.push(log(&[a.clone(), b.clone(), foreign.clone()]));
    breaks(&lines, Promise::Asked, "ada never sent c", &["5: log x"]);

    foreign["body"] = json!("other");
    lines.insert(0, send("ada-1", "c"));
    lines[5] = log(&[a, b, foreign]);
    breaks(
        &lines,
        Promise::Asked,
        "ada never sent c with the text that is stored at 3",
        &["6: log x"],
    );
}

#[test]
fn a_change_that_was_never_requested_breaks_asked() {
    let (mut lines, [a, b]) = two_messages();
    lines.push(log(&[a, b, change(3, "participantAdded", "eve")]));
    breaks(
        &lines,
        Promise::Asked,
        "no client requested the change of eve at 3",
        &["5: log x"],
    );
}

//! What clients see: every entry once, in order, and up to the head.

use serde_json::{Value, json};

use super::{breaks, end, log, seen, two_messages};
use crate::verdict::Promise;

#[test]
fn skipped_repeated_or_changed_entries_break_order() {
    let (lines, [a, b]) = two_messages();
    let mut changed = a.clone();
    changed["body"] = json!("other");
    let cases: [(&[&Value], &str, &[&str]); 4] = [
        (&[&b], "bob-2 saw 2, but 1 was next", &["5", "6: log x"]),
        (
            &[&a, &a],
            "bob-2 saw 1, but 2 was next",
            &["5", "6", "7: log x"],
        ),
        (&[&b, &a], "bob-2 saw 2, but 1 was next", &["5", "7: log x"]),
        (
            &[&changed],
            "bob-2 saw another entry at 1 than is stored",
            &["5", "6: log x"],
        ),
    ];
    for (events, what, trace) in cases {
        let views = events.iter().map(|event| seen("bob-2", event));
        let all = [a.clone(), b.clone()];
        let lines: Vec<Value> = lines
            .iter()
            .cloned()
            .chain(views)
            .chain([log(&all)])
            .collect();
        breaks(&lines, Promise::Order, what, trace);
    }
}

#[test]
fn a_position_beyond_the_seen_entries_breaks_order() {
    let (mut lines, [a, b]) = two_messages();
    lines.extend([seen("bob-2", &a), end("bob-2", 2), log(&[a, b])]);
    breaks(
        &lines,
        Promise::Order,
        "bob-2 claims position 2, but saw entries up to 1",
        &["5", "6"],
    );
}

#[test]
fn a_client_that_ends_behind_the_head_or_with_a_message_left_breaks_complete() {
    let (mut lines, [a, b]) = two_messages();
    lines.extend([
        seen("bob-2", &a),
        end("bob-2", 1),
        log(&[a.clone(), b.clone()]),
    ]);
    breaks(
        &lines,
        Promise::Complete,
        "bob-2 ends at 1, but the log ends at 2",
        &["5", "6", "7: log x"],
    );

    lines[5]["position"] = json!(2);
    lines[5]["pending"] = json!(1);
    lines.insert(5, seen("bob-2", &b));
    breaks(
        &lines,
        Promise::Complete,
        "bob-2 ends with 1 unanswered messages",
        &["6", "7"],
    );
}

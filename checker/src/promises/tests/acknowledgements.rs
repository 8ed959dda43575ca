//! Acknowledgements and refusals, which agree with the log.

use serde_json::json;

use super::{a_removal, answer, breaks, line, log, message, of, send, sent, two_messages, verdict};
use crate::verdict::Promise;

#[test]
fn an_acknowledged_message_that_is_not_stored_breaks_acknowledged() {
    let (mut lines, [a, b]) = two_messages();
    lines.push(log(&[a]));
    breaks(
        &lines,
        Promise::Acknowledged,
        "bob's b was acknowledged at 2, where nothing is stored",
        &["3", "4"],
    );

    lines[4] = log(&[b, message(2, "ada", "a")]);
    lines[4]["events"][0]["seq"] = json!(1);
    let verdict = verdict(&lines);
    assert!(
        verdict
            .violations
            .iter()
            .all(|violation| violation.promise == Promise::Acknowledged),
        "{verdict}"
    );
    assert_eq!(verdict.violations.len(), 2);
}

#[test]
fn two_acknowledged_positions_of_one_message_break_place() {
    let (mut lines, [a, b]) = two_messages();
    lines.extend([sent("ada-2", "a", 2), log(&[a, b])]);
    breaks(
        &lines,
        Promise::Place,
        "ada's a was acknowledged at 1 and at 2",
        &["2", "5"],
    );
}

#[test]
fn a_stored_message_that_was_refused_breaks_refused() {
    let (mut lines, [a, b]) = two_messages();
    lines[3] = line("refused", "bob-1", json!({"id": "b", "code": "not_found"}));
    lines.push(log(&[a, b]));
    breaks(
        &lines,
        Promise::Refused,
        "bob's b was refused on its only attempt",
        &["3", "4", "5: log x"],
    );

    lines.insert(2, send("bob-1", "b"));
    assert_eq!(
        verdict(&lines).violations,
        [],
        "the first attempt may have stored it"
    );
}

#[test]
fn a_change_that_is_not_stored_at_its_answer_breaks_acknowledged() {
    let (mut lines, [a, removed, b]) = a_removal();
    lines[3] = answer("removed", "bob", Some(3));
    lines.push(log(&[a, removed, b]));
    breaks(
        &lines,
        Promise::Acknowledged,
        "bob was answered with 3, but is not stored there",
        &["4", "7: log x"],
    );
}

#[test]
fn an_answer_that_contradicts_the_log_breaks_acknowledged() {
    let (mut lines, [a, removed, b]) = a_removal();
    lines.extend([
        of("add", "bob"),
        answer("added", "bob", None),
        log(&[a, removed, b]),
    ]);
    breaks(
        &lines,
        Promise::Acknowledged,
        "says that bob is a participant, but the log does not",
        &["8", "9: log x"],
    );
}

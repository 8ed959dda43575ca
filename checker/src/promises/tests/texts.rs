//! Edits and deletions: one history for each way to break the fold.

use serde_json::{Value, json};

use super::{breaks, end, line, log, message, seen, send, sent, verdict};
use crate::verdict::Promise;

fn revise(client: &str, id: &str, target: u64, body: &str) -> Value {
    line(
        "send",
        client,
        json!({"id": id, "body": body, "target": target}),
    )
}

fn edit(seq: u64, id: &str, target: u64, body: Option<&str>) -> Value {
    json!({"event": "messageEdited", "seq": seq, "id": id, "sender": "ada", "target": target,
        "body": body, "sentAt": "2026-01-01T00:00:00.000Z"})
}

fn deletion(seq: u64, id: &str, target: u64, by: &str) -> Value {
    json!({"event": "messageDeleted", "seq": seq, "id": id, "by": by, "target": target,
        "sentAt": "2026-01-01T00:00:00.000Z"})
}

/// Ada sends `a`, which is stored at 1 and is `new` after the edit at this position.
fn edited(at: u64) -> Value {
    let mut message = message(1, "ada", "a");
    message["body"] = json!("new");
    message["edited"] = json!({"seq": at});
    message
}

fn deleted(at: u64) -> Value {
    let mut message = message(1, "ada", "a");
    message["body"] = json!("");
    message["deleted"] = json!({"seq": at});
    message
}

/// Ada sends `a` and edits it twice.
fn two_edits() -> Vec<Value> {
    vec![
        send("ada-1", "a"),
        sent("ada-1", "a", 1),
        revise("ada-1", "e", 1, "old"),
        sent("ada-1", "e", 2),
        revise("ada-1", "f", 1, "new"),
        sent("ada-1", "f", 3),
    ]
}

/// Ada sends `a`, and Bob and Ada delete it. Ada's deletion is answered with Bob's.
fn a_deletion() -> Vec<Value> {
    vec![
        send("ada-1", "a"),
        sent("ada-1", "a", 1),
        revise("bob-1", "d", 1, ""),
        sent("bob-1", "d", 2),
        revise("ada-1", "d", 1, ""),
        sent("ada-1", "d", 2),
    ]
}

#[test]
fn edits_and_deletions_that_follow_the_rules_break_nothing() {
    let mut lines = two_edits();
    lines.extend([
        seen("bob-1", &message(1, "ada", "a")),
        seen("bob-1", &edit(2, "e", 1, Some("old"))),
        seen("bob-1", &edit(3, "f", 1, Some("new"))),
        seen("carol-1", &edited(3)),
        seen("carol-1", &edit(2, "e", 1, None)),
        seen("carol-1", &edit(3, "f", 1, Some("new"))),
    ]);
    for client in ["bob-1", "carol-1"] {
        let mut end = end(client, 3);
        end["texts"] = json!({"1": "new"});
        lines.push(end);
    }
    let stored = [
        edited(3),
        edit(2, "e", 1, None),
        edit(3, "f", 1, Some("new")),
    ];
    // An earlier reading had the first edit only.
    let mut first = edited(2);
    first["body"] = json!("old");
    lines.push(log(&[first, edit(2, "e", 1, Some("old"))]));
    lines.push(log(&stored));
    assert_eq!(verdict(&lines).violations, []);

    let mut lines = a_deletion();
    lines.push(log(&[deleted(2), deletion(2, "d", 1, "bob")]));
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn a_message_without_its_newest_edit_breaks_the_fold() {
    let mut lines = two_edits();
    let mut old = edited(2);
    old["body"] = json!("old");
    lines.push(log(&[
        old,
        edit(2, "e", 1, None),
        edit(3, "f", 1, Some("new")),
    ]));
    let what = "1 of x does not have the text that follows from the log";
    breaks(&lines, Promise::Fold, what, &["7: log x", "7: log x"]);
}

#[test]
fn a_replaced_edit_with_a_text_breaks_the_fold() {
    let mut lines = two_edits();
    let stored = [
        edited(3),
        edit(2, "e", 1, Some("old")),
        edit(3, "f", 1, Some("new")),
    ];
    lines.push(log(&stored));
    let what = "2 of x does not have the text that follows from the log";
    breaks(&lines, Promise::Fold, what, &["7: log x", "7: log x"]);
}

#[test]
fn a_deleted_text_that_is_left_breaks_the_fold() {
    for with_mark in [true, false] {
        let mut lines = a_deletion();
        let mut left = message(1, "ada", "a");
        if with_mark {
            left = deleted(2);
            left["edited"] = json!({"seq": 1});
        }
        lines.push(log(&[left, deletion(2, "d", 1, "bob")]));
        let what = "1 of x does not have the text that follows from the log";
        breaks(&lines, Promise::Fold, what, &["7: log x", "7: log x"]);
    }
}

#[test]
fn an_edit_behind_a_deletion_breaks_the_fold() {
    let mut lines = a_deletion();
    lines.push(revise("ada-1", "e", 1, "back"));
    let stored = [
        deleted(2),
        deletion(2, "d", 1, "bob"),
        edit(3, "e", 1, None),
    ];
    lines.push(log(&stored));
    let what = "3 changes the message at 1, which is deleted";
    breaks(&lines, Promise::Fold, what, &["8: log x", "8: log x"]);
}

#[test]
fn a_client_with_another_text_breaks_the_fold() {
    let mut lines = two_edits();
    lines.extend([
        seen("bob-1", &message(1, "ada", "a")),
        seen("bob-1", &edit(2, "e", 1, Some("old"))),
        seen("bob-1", &edit(3, "f", 1, None)),
    ]);
    let mut end = end("bob-1", 3);
    end["texts"] = json!({"1": "old"});
    lines.push(end);
    lines.push(log(&[
        edited(3),
        edit(2, "e", 1, None),
        edit(3, "f", 1, Some("new")),
    ]));
    let what = "bob-1 ends with another text of 1 than is stored";
    breaks(&lines, Promise::Fold, what, &["10", "11: log x"]);
}

#[test]
fn a_text_that_was_never_sent_breaks_what_was_asked() {
    let mut lines = two_edits();
    let mut wrong = edited(3);
    wrong["body"] = json!("wrong");
    lines.push(log(&[
        wrong,
        edit(2, "e", 1, None),
        edit(3, "f", 1, Some("new")),
    ]));
    let what = "ada never sent a with the text that is stored at 1";
    breaks(&lines, Promise::Asked, what, &["7: log x"]);

    let mut lines = two_edits();
    lines.pop();
    lines.pop();
    lines.push(log(&[
        edited(3),
        edit(2, "e", 1, None),
        edit(3, "f", 1, Some("new")),
    ]));
    let verdict = verdict(&lines);
    assert_eq!(verdict.violations[0].promise, Promise::Asked, "{verdict}");
}

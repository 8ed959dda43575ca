//! Reactions: one history for each way to break the fold.

use serde_json::{Value, json};

use super::{answer, breaks, change, end, line, log, message, of, seen, send, sent, verdict};
use crate::verdict::Promise;

fn react(client: &str, on: bool) -> Value {
    line(
        "react",
        client,
        json!({"target": 1, "emoji": "👍", "on": on}),
    )
}

fn reacted(client: &str, on: bool, seq: Option<u64>) -> Value {
    line(
        "reacted",
        client,
        json!({"target": 1, "emoji": "👍", "on": on, "seq": seq}),
    )
}

fn reaction(seq: u64, user: &str, on: bool) -> Value {
    json!({"event": "reaction", "seq": seq, "target": 1, "emoji": "👍", "on": on, "user": user,
        "name": user, "sentAt": "2026-01-01T00:00:00.000Z"})
}

fn row(user: &str, seq: u64) -> Value {
    json!({"target": 1, "emoji": "👍", "user": user, "seq": seq})
}

fn with_rows(events: &[Value], rows: &[Value]) -> Value {
    let mut log = log(events);
    log["reactions"] = json!(rows);
    log
}

fn shows(client: &str, position: u64, rows: &[Value]) -> Value {
    let mut end = end(client, position);
    end["reactions"] = json!(rows);
    end
}

/// Ada sends `a`. Bob reacts with two devices and withdraws; Ada reacts.
fn clicks() -> Vec<Value> {
    vec![
        send("ada-1", "a"),
        sent("ada-1", "a", 1),
        react("bob-1", true),
        react("bob-2", true),
        reacted("bob-2", true, Some(2)),
        reacted("bob-1", true, None),
        react("bob-1", false),
        reacted("bob-1", false, Some(3)),
        react("ada-1", true),
        reacted("ada-1", true, Some(4)),
    ]
}

fn stored() -> [Value; 4] {
    [
        message(1, "ada", "a"),
        reaction(2, "bob", true),
        reaction(3, "bob", false),
        reaction(4, "ada", true),
    ]
}

#[test]
fn reactions_that_follow_the_rules_break_nothing() {
    let mut lines = clicks();
    lines.extend(stored().iter().map(|entry| seen("ada-1", entry)));
    lines.extend([
        shows("ada-1", 4, &[row("ada", 4)]),
        // This client has not seen everything.
        line("restart", "bob-1", json!({"position": 2})),
        shows("bob-1", 2, &[row("bob", 2)]),
    ]);
    lines.push(with_rows(&stored(), &[row("ada", 4)]));
    let verdict = verdict(&lines);
    // Bob is a participant, so his client is incomplete.
    let fold = verdict
        .violations
        .iter()
        .filter(|violation| violation.promise != Promise::Complete);
    assert_eq!(fold.count(), 0, "{verdict}");
}

#[test]
fn a_reaction_that_is_added_or_withdrawn_twice_breaks_the_fold() {
    let [a, on, off, _] = stored();
    for (second, what) in [
        (
            reaction(3, "bob", true),
            "3 adds a reaction that it does not change",
        ),
        (
            reaction(4, "bob", false),
            "4 withdraws a reaction that it does not change",
        ),
    ] {
        let is_on = second["seq"] == 3;
        let mut lines = clicks();
        lines.truncate(7);
        let events = if is_on {
            vec![a.clone(), on.clone(), second]
        } else {
            vec![a.clone(), on.clone(), off.clone(), second]
        };
        lines.push(log(&events));
        breaks(&lines, Promise::Fold, what, &["8: log x", "8: log x"]);
    }
}

#[test]
fn a_reaction_behind_a_deletion_breaks_the_fold() {
    let mut lines = clicks();
    lines.truncate(4);
    lines.push(line(
        "send",
        "ada-1",
        json!({"id": "d", "body": "", "target": 1}),
    ));
    let mut gone = message(1, "ada", "a");
    gone["body"] = json!("");
    gone["deleted"] = json!({"seq": 2});
    let deletion = json!({"event": "messageDeleted", "seq": 2, "id": "d", "by": "ada", "target": 1,
        "sentAt": "2026-01-01T00:00:00.000Z"});
    lines.push(log(&[gone, deletion, reaction(3, "bob", true)]));
    let what = "3 reacts to 1, which is deleted";
    breaks(&lines, Promise::Fold, what, &["6: log x", "6: log x"]);
}

#[test]
fn a_reaction_to_what_is_no_message_breaks_the_fold() {
    let mut lines = clicks();
    lines.truncate(2);
    lines.push(line(
        "react",
        "bob-1",
        json!({"target": 2, "emoji": "👍", "on": true}),
    ));
    let mut wrong = reaction(2, "bob", true);
    wrong["target"] = json!(2);
    lines.push(log(&[message(1, "ada", "a"), wrong]));
    breaks(
        &lines,
        Promise::Fold,
        "2 reacts to 2, which is no message",
        &["4: log x"],
    );
}

#[test]
fn rows_that_the_log_does_not_leave_break_the_fold() {
    for (rows, what) in [
        (
            vec![row("ada", 4), row("bob", 2)],
            "shows 👍 of bob to 1, stored at 2",
        ),
        (vec![row("ada", 3)], "shows 👍 of ada to 1, stored at 3"),
        (
            vec![row("ada", 4), row("ada", 4)],
            "shows 👍 of ada to 1 twice",
        ),
        (vec![], "shows not 👍 of ada to 1"),
    ] {
        let mut lines = clicks();
        lines.push(with_rows(&stored(), &rows));
        let verdict = verdict(&lines);
        assert_eq!(verdict.violations.len(), 1, "{verdict}");
        assert_eq!(verdict.violations[0].promise, Promise::Fold);
        assert!(verdict.violations[0].what.contains(what), "{verdict}");

        let mut lines = clicks();
        lines.extend(stored().iter().map(|entry| seen("ada-1", entry)));
        lines.push(shows("ada-1", 4, &rows));
        lines.push(log(&stored()));
        let what = what.replace("shows", "ada-1 ends with");
        let verdict = super::verdict(&lines);
        assert!(verdict.violations[0].what.contains(&what), "{verdict}");
    }
}

#[test]
fn a_reaction_that_nobody_asked_for_breaks_asked() {
    let mut lines = clicks();
    lines.truncate(6);
    lines.push(log(&stored()[..3]));
    let what = "bob never asked for the reaction at 3";
    breaks(&lines, Promise::Asked, what, &["7: log x"]);
}

#[test]
fn an_acknowledged_reaction_that_is_not_there_breaks_acknowledged() {
    let mut lines = clicks();
    lines.push(log(&stored()[..3]));
    let what = "👍 of ada to 1 was acknowledged at 4, but is not stored there";
    breaks(&lines, Promise::Acknowledged, what, &["10"]);
}

#[test]
fn a_reaction_of_a_removed_user_breaks_the_fence() {
    let lines = vec![
        send("ada-1", "a"),
        sent("ada-1", "a", 1),
        react("bob-1", true),
        of("remove", "bob"),
        answer("removed", "bob", Some(2)),
        log(&[
            message(1, "ada", "a"),
            change(2, "participantRemoved", "bob"),
            reaction(3, "bob", true),
        ]),
    ];
    let what = "3 was sent by bob, who was removed at 2";
    breaks(
        &lines,
        Promise::Fence,
        what,
        &["3", "4", "5", "6: log x", "6: log x"],
    );
}

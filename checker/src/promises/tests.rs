//! One history for each way to break a promise, and one without a violation.

mod fence;
mod texts;
mod tokens;

use serde_json::{Value, json};

use crate::{
    history::read,
    judge,
    verdict::{Promise, Verdict},
};

fn verdict(lines: &[Value]) -> Verdict {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    judge(&read(&text.join("\n")).unwrap()).unwrap()
}

fn message(seq: u64, sender: &str, id: &str) -> Value {
    json!({"event": "message", "conversation": "x", "seq": seq, "id": id, "sender": sender, "name": sender,
        "body": format!("body of {id}"), "sentAt": "2026-01-01T00:00:00.000Z"})
}

fn change(seq: u64, event: &str, user: &str) -> Value {
    json!({"event": event, "seq": seq, "user": user, "name": user, "by": "ada", "sentAt": "2026-01-01T00:00:00.000Z"})
}

fn line(kind: &str, client: &str, more: Value) -> Value {
    let user = client.split('-').next();
    let mut line = json!({"type": kind, "client": client, "user": user, "conversation": "x"});
    line.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    line
}

fn send(client: &str, id: &str) -> Value {
    line(
        "send",
        client,
        json!({"id": id, "body": format!("body of {id}")}),
    )
}

fn sent(client: &str, id: &str, seq: u64) -> Value {
    line("sent", client, json!({"id": id, "seq": seq}))
}

fn seen(client: &str, event: &Value) -> Value {
    line("seen", client, json!({"seq": event["seq"], "event": event}))
}

fn end(client: &str, position: u64) -> Value {
    line("end", client, json!({"position": position, "pending": 0}))
}

fn of(kind: &str, user: &str) -> Value {
    json!({"type": kind, "conversation": "x", "user": user})
}

fn answer(kind: &str, user: &str, seq: Option<u64>) -> Value {
    json!({"type": kind, "conversation": "x", "user": user, "seq": seq})
}

fn log(events: &[Value]) -> Value {
    json!({"type": "log", "conversation": "x", "events": events})
}

/// Ada sends `a` and Bob `b`; both are stored and acknowledged.
fn two_messages() -> (Vec<Value>, [Value; 2]) {
    let lines = vec![
        send("ada-1", "a"),
        sent("ada-1", "a", 1),
        send("bob-1", "b"),
        sent("bob-1", "b", 2),
    ];
    (lines, [message(1, "ada", "a"), message(2, "bob", "b")])
}

/// Bob is removed after Ada's `a`. Ada sends `b`, which is stored at 3.
fn a_removal() -> (Vec<Value>, [Value; 3]) {
    let lines = vec![
        send("ada-1", "a"),
        sent("ada-1", "a", 1),
        of("remove", "bob"),
        answer("removed", "bob", Some(2)),
        send("ada-1", "b"),
        sent("ada-1", "b", 3),
    ];
    (
        lines,
        [
            message(1, "ada", "a"),
            change(2, "participantRemoved", "bob"),
            message(3, "ada", "b"),
        ],
    )
}

/// Asserts that exactly this promise is broken, with this sentence and trace.
fn breaks(lines: &[Value], promise: Promise, what: &str, trace: &[&str]) {
    let verdict = verdict(lines);
    let [violation] = &verdict.violations[..] else {
        panic!("one violation, not {verdict}");
    };
    assert_eq!(violation.promise, promise, "{violation}");
    assert!(violation.what.contains(what), "{violation}");
    let lines: Vec<&str> = violation
        .trace
        .iter()
        .map(|line| line.split(": {").next().unwrap())
        .collect();
    assert_eq!(lines, trace, "{violation}");
}

#[test]
fn a_history_without_a_violation_is_counted() {
    let (mut lines, [a, b]) = two_messages();
    lines.splice(1..1, [send("ada-1", "a")]);
    lines.extend([
        json!({"type": "seed", "seed": 7, "about": "none"}),
        seen("ada-1", &a),
        seen("ada-1", &b),
        end("ada-1", 2),
        line("restart", "bob-1", json!({"position": 1})),
        seen("bob-1", &b),
        end("bob-1", 2),
        log(&[a, b]),
    ]);
    assert_eq!(
        verdict(&lines).to_string(),
        "2 clients, 1 conversations, 3 sends, 2 acknowledged, 3 seen, 0 removals: no violation"
    );
}

fn counted(head: u64, messages: u64, read_to: u64, unread: u64) -> Value {
    let numbers = json!({"head": head, "messages": messages, "readTo": read_to, "unread": unread});
    line("counted", "ada-1", numbers)
}

#[test]
fn a_wrong_number_of_messages_breaks_counted() {
    let (mut lines, [a, removal, b]) = a_removal();
    lines.extend([
        counted(2, 1, 0, 1),
        counted(2, 1, 1, 0),
        counted(3, 2, 2, 1),
        // The position is newer than the head that was read before it.
        counted(2, 1, 3, 0),
        log(&[a, removal, b]),
    ]);
    assert_eq!(verdict(&lines).violations, []);
    for (wrong, what) in [
        (counted(3, 3, 3, 0), "3 messages up to 3 of x, which has 2"),
        (
            counted(3, 2, 0, 1),
            "1 unread messages in x, where 2 follow 0",
        ),
    ] {
        let mut lines = lines.clone();
        lines.insert(6, wrong);
        breaks(&lines, Promise::Counted, what, &["7", "12: log x"]);
    }
}

fn receipt(client: &str, read: u64, private: bool) -> Value {
    line("receipt", client, json!({"read": read, "private": private}))
}

fn receipted(client: &str, read_to: u64) -> Value {
    line("receipted", client, json!({"readTo": read_to}))
}

fn shown(client: &str, of: &str, read_to: u64) -> Value {
    line("shown", client, json!({"of": of, "readTo": read_to}))
}

#[test]
fn positions_that_are_not_true_or_private_break_read() {
    let (lines, [a, b]) = two_messages();
    let with = |records: &[Value]| {
        let mut lines = lines.clone();
        lines.extend_from_slice(records);
        lines.push(log(&[a.clone(), b.clone()]));
        lines
    };
    let kept = with(&[
        receipt("ada-1", 2, false),
        receipt("ada-2", 1, true),
        shown("bob-1", "ada", 2),
        shown("ada-1", "ada", 1),
        // The answers overlap, so either may come first.
        receipted("ada-1", 2),
        receipted("ada-2", 1),
        receipt("ada-2", 1, false),
        receipted("ada-2", 2),
    ]);
    assert_eq!(verdict(&kept).violations, []);
    for (records, what, trace) in [
        (
            vec![receipt("ada-1", 1, true), shown("bob-1", "ada", 1)],
            "which is private",
            vec!["6"],
        ),
        (vec![shown("bob-1", "ada", 1)], "never said", vec!["5"]),
        (vec![shown("ada-1", "ada", 1)], "never said", vec!["5"]),
        (
            vec![receipt("ada-1", 3, false), shown("bob-1", "ada", 3)],
            "which ends at 2",
            vec!["6"],
        ),
        (
            vec![
                receipt("ada-1", 2, false),
                receipted("ada-1", 2),
                receipt("ada-2", 1, false),
                receipted("ada-2", 1),
            ],
            "is answered 1 in x after 2",
            vec!["6", "7", "8"],
        ),
        (
            vec![receipt("ada-1", 2, false), receipted("ada-1", 1)],
            "is answered 1 in x to 2",
            vec!["5", "6"],
        ),
    ] {
        breaks(&with(&records), Promise::Read, what, &trace);
    }
}

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

#[test]
fn a_verdict_shows_the_seed_and_each_promise_once() {
    let (mut lines, [_, b]) = two_messages();
    lines.insert(
        0,
        json!({"type": "seed", "seed": 7, "about": "run it again"}),
    );
    lines.push(log(&[b]));
    let verdict = verdict(&lines).to_string();
    assert!(verdict.contains("\nseed 7 run it again\n"), "{verdict}");
    assert_eq!(
        verdict.matches("broken: acknowledged").count(),
        1,
        "{verdict}"
    );
}

#[test]
fn an_unreadable_line_is_named_by_its_number() {
    let error = read("\n{\"type\":\"send\"}").unwrap_err().to_string();
    assert!(error.starts_with("line 2: missing field `id`"), "{error}");
    assert!(
        read("nothing")
            .unwrap_err()
            .to_string()
            .starts_with("line 1")
    );
}

#[test]
fn a_conversation_without_a_log_is_not_checked() {
    let records = read(&send("ada-1", "a").to_string()).unwrap();
    assert!(
        judge(&records)
            .unwrap_err()
            .to_string()
            .contains("no `log` of conversation x")
    );
}

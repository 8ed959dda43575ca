//! One history for each way to break a promise, and one without a violation.

mod acknowledgements;
mod counts;
mod fence;
mod log;
mod reactions;
mod receipts;
mod texts;
mod tokens;
mod views;

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

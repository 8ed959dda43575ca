//! One history for each way in which a promise can be broken, and one in which none is.

mod fence;

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

/// Bob is removed behind Ada's `a`, and Ada sends `b` at 3.
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

/// This promise is broken and no other, and so is it told.
fn breaks(lines: &[Value], promise: Promise, what: &str, story: &[&str]) {
    let verdict = verdict(lines);
    let [violation] = &verdict.violations[..] else {
        panic!("one violation, not {verdict}");
    };
    assert_eq!(violation.promise, promise, "{violation}");
    assert!(violation.what.contains(what), "{violation}");
    let told: Vec<&str> = violation
        .story
        .iter()
        .map(|line| line.split(": {").next().unwrap())
        .collect();
    assert_eq!(told, story, "{violation}");
}

#[test]
fn a_history_without_a_flaw_is_counted() {
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
fn a_hole() {
    let (mut lines, [a, mut b]) = two_messages();
    b["seq"] = json!(3);
    lines[3] = sent("bob-1", "b", 3);
    lines.push(log(&[a, b]));
    breaks(
        &lines,
        Promise::Dense,
        "3 stands where 2 should be in x",
        &["5: log x", "5: log x"],
    );
}

#[test]
fn a_log_that_changes() {
    let (mut lines, [a, b]) = two_messages();
    lines.extend([log(&[a.clone(), message(2, "bob", "other")]), log(&[a, b])]);
    breaks(
        &lines,
        Promise::Dense,
        "2 of x was read once, and is another now",
        &["6: log x"],
    );
}

#[test]
fn a_message_that_is_stored_twice() {
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
fn a_message_that_nobody_sent() {
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
        "ada never sent c with what is stored at 3",
        &["6: log x"],
    );
}

#[test]
fn a_change_that_nobody_asked_for() {
    let (mut lines, [a, b]) = two_messages();
    lines.push(log(&[a, b, change(3, "participantAdded", "eve")]));
    breaks(
        &lines,
        Promise::Asked,
        "nobody asked for the change of eve at 3",
        &["5: log x"],
    );
}

#[test]
fn an_acknowledged_message_that_is_not_there() {
    let (mut lines, [a, b]) = two_messages();
    lines.push(log(&[a]));
    breaks(
        &lines,
        Promise::Acknowledged,
        "bob's b was acknowledged at 2, where nothing is",
        &["3", "4"],
    );

    lines[4] = log(&[b, message(2, "ada", "a")]);
    lines[4]["events"][0]["seq"] = json!(1);
    let verdict = verdict(&lines);
    assert!(
        verdict
            .violations
            .iter()
            .all(|it| it.promise == Promise::Acknowledged),
        "{verdict}"
    );
    assert_eq!(verdict.violations.len(), 2);
}

#[test]
fn two_places_of_one_message() {
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
fn a_refused_message_that_is_stored() {
    let (mut lines, [a, b]) = two_messages();
    lines[3] = line("refused", "bob-1", json!({"id": "b", "code": "not_found"}));
    lines.push(log(&[a, b]));
    breaks(
        &lines,
        Promise::Refused,
        "bob's b was tried once and refused",
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
fn a_change_that_is_not_where_its_answer_says() {
    let (mut lines, [a, removed, b]) = a_removal();
    lines[3] = answer("removed", "bob", Some(3));
    lines.push(log(&[a, removed, b]));
    breaks(
        &lines,
        Promise::Acknowledged,
        "bob was answered with 3, where it is not",
        &["4", "7: log x"],
    );
}

#[test]
fn an_answer_that_the_log_knows_nothing_of() {
    let (mut lines, [a, removed, b]) = a_removal();
    lines.extend([
        of("add", "bob"),
        answer("added", "bob", None),
        log(&[a, removed, b]),
    ]);
    breaks(
        &lines,
        Promise::Acknowledged,
        "says that bob is in it, and the log does not",
        &["8", "9: log x"],
    );
}

#[test]
fn entries_left_out_repeated_or_changed() {
    let (lines, [a, b]) = two_messages();
    let mut changed = a.clone();
    changed["body"] = json!("other");
    let cases: [(&[&Value], &str, &[&str]); 4] = [
        (&[&b], "bob-2 saw 2 where 1 was next", &["5", "6: log x"]),
        (
            &[&a, &a],
            "bob-2 saw 1 where 2 was next",
            &["5", "6", "7: log x"],
        ),
        (
            &[&b, &a],
            "bob-2 saw 2 where 1 was next",
            &["5", "7: log x"],
        ),
        (
            &[&changed],
            "what bob-2 saw at 1 is not what is stored",
            &["5", "6: log x"],
        ),
    ];
    for (events, what, story) in cases {
        let views = events.iter().map(|event| seen("bob-2", event));
        let all = [a.clone(), b.clone()];
        let lines: Vec<Value> = lines
            .iter()
            .cloned()
            .chain(views)
            .chain([log(&all)])
            .collect();
        breaks(&lines, Promise::Order, what, story);
    }
}

#[test]
fn a_position_that_moved_over_what_was_not_seen() {
    let (mut lines, [a, b]) = two_messages();
    lines.extend([seen("bob-2", &a), end("bob-2", 2), log(&[a, b])]);
    breaks(
        &lines,
        Promise::Order,
        "bob-2 says that it is at 2, and it saw up to 1",
        &["5", "6"],
    );
}

#[test]
fn a_client_that_ends_without_the_newest_or_with_a_message_left() {
    let (mut lines, [a, b]) = two_messages();
    lines.extend([
        seen("bob-2", &a),
        end("bob-2", 1),
        log(&[a.clone(), b.clone()]),
    ]);
    breaks(
        &lines,
        Promise::Complete,
        "bob-2 ends at 1, and the log at 2",
        &["5", "6", "7: log x"],
    );

    lines[5]["position"] = json!(2);
    lines[5]["pending"] = json!(1);
    lines.insert(5, seen("bob-2", &b));
    breaks(
        &lines,
        Promise::Complete,
        "bob-2 ends with 1 messages",
        &["6", "7"],
    );
}

#[test]
fn a_verdict_tells_the_seed_and_each_promise_once() {
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
fn a_line_that_is_none_is_named() {
    let error = read("\n{\"type\":\"send\"}").unwrap_err().to_string();
    assert!(
        error.starts_with("line 2: missing field `client`"),
        "{error}"
    );
    assert!(
        read("nothing")
            .unwrap_err()
            .to_string()
            .starts_with("line 1")
    );
}

#[test]
fn a_conversation_without_its_log_is_not_judged() {
    let records = read(&send("ada-1", "a").to_string()).unwrap();
    assert!(
        judge(&records)
            .unwrap_err()
            .to_string()
            .contains("no `log` of conversation x")
    );
}

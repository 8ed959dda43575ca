//! Who is removed does nothing and gets nothing, until somebody adds him again.

use super::*;

#[test]
fn who_is_added_again_may_act_from_the_moment_that_it_is_asked() {
    let (mut lines, [a, removed, b]) = a_removal();
    let added = change(5, "participantAdded", "bob");
    let early = message(4, "bob", "early");
    let all = [a, removed, b, early, added];
    lines.extend([
        of("add", "bob"),
        send("bob-1", "early"),
        sent("bob-1", "early", 4),
    ]);
    lines.extend(all.iter().map(|event| seen("bob-1", event)));
    lines.extend([answer("added", "bob", Some(5)), end("bob-1", 5), log(&all)]);
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn who_is_out_need_not_have_everything() {
    let (mut lines, [a, removed, b]) = a_removal();
    lines.extend([seen("bob-1", &a), end("bob-1", 1), log(&[a, removed, b])]);
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn a_message_by_somebody_who_was_removed() {
    let (mut lines, [a, removed, b]) = a_removal();
    lines.insert(0, send("bob-1", "c"));
    let all = [a, removed, b, message(4, "bob", "c")];
    lines.push(log(&all));
    breaks(
        &lines,
        Promise::Fence,
        "4 is by bob, who was removed at 2",
        &["1", "4", "5", "8: log x", "8: log x"],
    );

    // Adding him later does not excuse what had been seen before.
    let seen: Vec<Value> = all.iter().map(|event| seen("ada-1", event)).collect();
    lines.splice(7..7, seen);
    lines.insert(11, of("add", "bob"));
    breaks(
        &lines,
        Promise::Fence,
        "4 is by bob, who was removed at 2",
        &["1", "4", "5", "13: log x", "13: log x"],
    );
}

#[test]
fn an_entry_that_reaches_somebody_who_was_removed() {
    let (mut lines, [a, removed, b]) = a_removal();
    lines.extend([
        seen("bob-1", &a),
        seen("bob-1", &removed),
        seen("bob-1", &b),
        log(&[a, removed, b]),
    ]);
    breaks(
        &lines,
        Promise::Fence,
        "3 reached bob, who was removed at 2",
        &["3", "4", "9", "10: log x"],
    );
}

#[test]
fn a_message_sent_after_a_removal_that_found_nothing_to_do() {
    let (mut lines, [a, b]) = two_messages();
    lines.insert(2, of("remove", "bob"));
    lines.insert(3, answer("removed", "bob", None));
    lines.push(log(&[a, b]));
    breaks(
        &lines,
        Promise::Fence,
        "bob sent 2 after his removal was answered",
        &["4", "5", "7: log x"],
    );
}

/// A line of a change that has an id.
fn named(mut line: Value, change: &str) -> Value {
    line["change"] = json!(change);
    line
}

/// Ada sends `a`, and somebody asks to add Bob and to remove him, before either is answered.
fn an_adding_and_a_removal() -> Vec<Value> {
    vec![
        send("bob-1", "c"),
        send("ada-1", "a"),
        sent("ada-1", "a", 1),
        named(of("add", "bob"), "A"),
        named(of("remove", "bob"), "R"),
    ]
}

#[test]
fn of_an_adding_and_a_removal_at_once_either_may_come_first() {
    let (a, c) = (message(1, "ada", "a"), message(3, "bob", "c"));
    let removed_first = [
        a.clone(),
        change(2, "participantRemoved", "bob"),
        c.clone(),
        change(4, "participantAdded", "bob"),
    ];
    let mut lines = an_adding_and_a_removal();
    lines.push(named(answer("removed", "bob", Some(2)), "R"));
    lines.push(sent("bob-1", "c", 3));
    lines.extend(removed_first.iter().map(|event| seen("bob-1", event)));
    lines.push(named(answer("added", "bob", Some(4)), "A"));
    lines.extend([end("bob-1", 4), log(&removed_first)]);
    assert_eq!(verdict(&lines).violations, []);

    let added_first = [
        a,
        change(2, "participantAdded", "bob"),
        c,
        change(4, "participantRemoved", "bob"),
    ];
    let mut lines = an_adding_and_a_removal();
    lines.push(named(answer("removed", "bob", Some(4)), "R"));
    lines.push(named(answer("added", "bob", Some(2)), "A"));
    lines.extend([sent("bob-1", "c", 3), end("bob-1", 0), log(&added_first)]);
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn an_adding_at_once_with_a_removal_that_cannot_have_brought_him_back() {
    let removed = change(3, "participantRemoved", "bob");
    let (a, c) = (message(1, "ada", "a"), message(4, "bob", "c"));
    let found = |lines: &[Value], story: &[&str]| {
        let what = "4 is by bob, who was removed at 3";
        breaks(lines, Promise::Fence, what, story);
    };
    let mut lines = an_adding_and_a_removal();
    lines.push(named(answer("added", "bob", Some(2)), "A"));
    lines.push(named(answer("removed", "bob", Some(3)), "R"));
    let added = change(2, "participantAdded", "bob");
    lines.push(log(&[a.clone(), added, removed.clone(), c.clone()]));
    found(&lines, &["1", "5", "7", "8: log x", "8: log x"]);

    // It found him there, and so before the removal.
    lines[5] = named(answer("added", "bob", None), "A");
    lines[7] = log(&[a, message(2, "ada", "a2"), removed, c]);
    lines.insert(0, send("ada-1", "a2"));
    found(&lines, &["2", "6", "8", "9: log x", "9: log x"]);

    // An earlier attempt may have brought him back.
    lines.insert(5, named(of("add", "bob"), "A"));
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn a_message_that_was_known_before_the_overlapping_adding_was_asked_for() {
    let events = [
        message(1, "ada", "a"),
        change(2, "participantRemoved", "bob"),
        message(3, "bob", "c"),
        change(4, "participantAdded", "bob"),
    ];
    let mut lines = an_adding_and_a_removal();
    let adding = lines.remove(3);
    lines.extend(events[..3].iter().map(|event| seen("ada-1", event)));
    lines.push(adding);
    lines.push(named(answer("added", "bob", Some(4)), "A"));
    lines.push(named(answer("removed", "bob", Some(2)), "R"));
    lines.push(log(&events));
    let what = "3 is by bob, who was removed at 2";
    let story = ["1", "4", "10", "11: log x", "11: log x"];
    breaks(&lines, Promise::Fence, what, &story);

    // Otherwise it may have been stored by the time.
    let adding = lines.remove(7);
    lines.insert(3, adding);
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn a_removal_without_an_answer_may_have_been_an_earlier_one_that_was_repeated() {
    let events = [
        message(1, "ada", "a"),
        change(2, "participantRemoved", "bob"),
        message(3, "bob", "c"),
    ];
    let mut lines = an_adding_and_a_removal();
    lines.remove(3);
    lines.extend([
        named(of("remove", "bob"), "R"),
        named(answer("removed", "bob", None), "R"),
        log(&events),
    ]);
    let what = "3 is by bob, who was removed at 2";
    let story = ["1", "4", "6", "7: log x", "7: log x"];
    breaks(&lines, Promise::Fence, what, &story);

    // He is added before the other removal is asked for, which may be the one that the log tells of.
    lines.splice(
        6..6,
        [
            named(of("add", "bob"), "A"),
            named(of("remove", "bob"), "R2"),
        ],
    );
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn who_sends_after_a_removal_that_was_answered_while_adding_him_was_asked_for() {
    let (a, b) = (message(1, "ada", "a"), message(3, "bob", "b"));
    let added = change(2, "participantAdded", "bob");
    let mut lines = an_adding_and_a_removal();
    lines.extend([
        named(answer("removed", "bob", None), "R"),
        send("bob-1", "b"),
        named(answer("added", "bob", Some(2)), "A"),
        log(&[a.clone(), added, b.clone()]),
    ]);
    assert_eq!(verdict(&lines).violations, []);

    // Adding him had found him there.
    lines[7] = named(answer("added", "bob", None), "A");
    lines[8] = log(&[a, message(2, "ada", "a2"), b]);
    lines.insert(0, send("ada-1", "a2"));
    breaks(
        &lines,
        Promise::Fence,
        "bob sent 3 after his removal was answered",
        &["7", "8", "10: log x"],
    );
}

#[test]
fn who_may_have_been_removed_by_a_change_without_an_answer_need_not_have_everything() {
    let mut lines = an_adding_and_a_removal();
    lines.extend([
        named(answer("added", "bob", None), "A"),
        end("bob-1", 0),
        log(&[message(1, "ada", "a")]),
    ]);
    assert_eq!(verdict(&lines).violations, []);

    lines.insert(6, named(answer("removed", "bob", None), "R"));
    breaks(
        &lines,
        Promise::Complete,
        "bob-1 ends at 0, and the log at 1",
        &["8", "9: log x"],
    );
}

#[test]
fn a_removal_is_not_one_that_was_over_before_he_was_added() {
    let again = |kind, answered| {
        [
            of(kind, "bob"),
            of(kind, "bob"),
            answer(answered, "bob", None),
        ]
    };
    let mut lines = vec![send("bob-1", "c"), send("ada-1", "a")];
    lines.extend(again("remove", "removed"));
    lines.extend(again("add", "added"));
    lines.extend([
        of("remove", "bob"),
        log(&[
            message(1, "ada", "a"),
            change(2, "participantRemoved", "bob"),
            change(3, "participantAdded", "bob"),
            change(4, "participantRemoved", "bob"),
            message(5, "bob", "c"),
        ]),
    ]);
    breaks(
        &lines,
        Promise::Fence,
        "5 is by bob, who was removed at 4",
        &["1", "9", "10: log x", "10: log x"],
    );
}

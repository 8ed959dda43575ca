//! A removed user neither sends nor receives entries until they are added again.

use super::*;

#[test]
fn a_user_may_act_as_soon_as_adding_them_again_is_requested() {
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
fn a_removed_user_need_not_have_everything() {
    let (mut lines, [a, removed, b]) = a_removal();
    lines.extend([seen("bob-1", &a), end("bob-1", 1), log(&[a, removed, b])]);
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn a_message_by_a_removed_user_breaks_fence() {
    let (mut lines, [a, removed, b]) = a_removal();
    lines.insert(0, send("bob-1", "c"));
    let all = [a, removed, b, message(4, "bob", "c")];
    lines.push(log(&all));
    breaks(
        &lines,
        Promise::Fence,
        "4 was sent by bob, who was removed at 2",
        &["1", "4", "5", "8: log x", "8: log x"],
    );

    // A later addition does not excuse a message that was seen before it.
    let seen: Vec<Value> = all.iter().map(|event| seen("ada-1", event)).collect();
    lines.splice(7..7, seen);
    lines.insert(11, of("add", "bob"));
    breaks(
        &lines,
        Promise::Fence,
        "4 was sent by bob, who was removed at 2",
        &["1", "4", "5", "13: log x", "13: log x"],
    );
}

#[test]
fn an_entry_that_reaches_a_removed_user_breaks_fence() {
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
fn a_message_after_a_removal_without_effect_breaks_fence() {
    let (mut lines, [a, b]) = two_messages();
    lines.insert(2, of("remove", "bob"));
    lines.insert(3, answer("removed", "bob", None));
    lines.push(log(&[a, b]));
    breaks(
        &lines,
        Promise::Fence,
        "bob sent 2 after the answer to their removal",
        &["4", "5", "7: log x"],
    );
}

/// Adds the id of a change to a line.
fn named(mut line: Value, change: &str) -> Value {
    line["change"] = json!(change);
    line
}

/// Ada sends `a`. An addition and a removal of Bob overlap; neither is answered yet.
fn an_addition_and_a_removal() -> Vec<Value> {
    vec![
        send("bob-1", "c"),
        send("ada-1", "a"),
        sent("ada-1", "a", 1),
        named(of("add", "bob"), "A"),
        named(of("remove", "bob"), "R"),
    ]
}

#[test]
fn either_of_an_overlapping_addition_and_removal_may_come_first() {
    let (a, c) = (message(1, "ada", "a"), message(3, "bob", "c"));
    let removed_first = [
        a.clone(),
        change(2, "participantRemoved", "bob"),
        c.clone(),
        change(4, "participantAdded", "bob"),
    ];
    let mut lines = an_addition_and_a_removal();
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
    let mut lines = an_addition_and_a_removal();
    lines.push(named(answer("removed", "bob", Some(4)), "R"));
    lines.push(named(answer("added", "bob", Some(2)), "A"));
    lines.extend([sent("bob-1", "c", 3), end("bob-1", 0), log(&added_first)]);
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn an_overlapping_addition_that_precedes_the_removal_does_not_lift_the_fence() {
    let removed = change(3, "participantRemoved", "bob");
    let (a, c) = (message(1, "ada", "a"), message(4, "bob", "c"));
    let found = |lines: &[Value], trace: &[&str]| {
        let what = "4 was sent by bob, who was removed at 3";
        breaks(lines, Promise::Fence, what, trace);
    };
    let mut lines = an_addition_and_a_removal();
    lines.push(named(answer("added", "bob", Some(2)), "A"));
    lines.push(named(answer("removed", "bob", Some(3)), "R"));
    let added = change(2, "participantAdded", "bob");
    lines.push(log(&[a.clone(), added, removed.clone(), c.clone()]));
    found(&lines, &["1", "5", "7", "8: log x", "8: log x"]);

    // The addition had no effect, so it came before the removal.
    lines[5] = named(answer("added", "bob", None), "A");
    lines[7] = log(&[a, message(2, "ada", "a2"), removed, c]);
    lines.insert(0, send("ada-1", "a2"));
    found(&lines, &["2", "6", "8", "9: log x", "9: log x"]);

    // An earlier attempt may have added Bob again.
    lines.insert(5, named(of("add", "bob"), "A"));
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn a_message_seen_before_the_overlapping_addition_was_requested_breaks_fence() {
    let events = [
        message(1, "ada", "a"),
        change(2, "participantRemoved", "bob"),
        message(3, "bob", "c"),
        change(4, "participantAdded", "bob"),
    ];
    let mut lines = an_addition_and_a_removal();
    let addition = lines.remove(3);
    lines.extend(events[..3].iter().map(|event| seen("ada-1", event)));
    lines.push(addition);
    lines.push(named(answer("added", "bob", Some(4)), "A"));
    lines.push(named(answer("removed", "bob", Some(2)), "R"));
    lines.push(log(&events));
    let what = "3 was sent by bob, who was removed at 2";
    let trace = ["1", "4", "10", "11: log x", "11: log x"];
    breaks(&lines, Promise::Fence, what, &trace);

    // If the addition is requested earlier, the message may have been stored after it.
    let addition = lines.remove(7);
    lines.insert(3, addition);
    assert_eq!(verdict(&lines).violations, []);
}

#[test]
fn an_entry_may_belong_to_an_earlier_attempt_of_a_repeated_removal() {
    let events = [
        message(1, "ada", "a"),
        change(2, "participantRemoved", "bob"),
        message(3, "bob", "c"),
    ];
    let mut lines = an_addition_and_a_removal();
    lines.remove(3);
    lines.extend([
        named(of("remove", "bob"), "R"),
        named(answer("removed", "bob", None), "R"),
        log(&events),
    ]);
    let what = "3 was sent by bob, who was removed at 2";
    let trace = ["1", "4", "6", "7: log x", "7: log x"];
    breaks(&lines, Promise::Fence, what, &trace);

    // Bob is added before another removal is requested, which may be the one in the log.
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
fn a_message_after_a_removal_is_allowed_while_an_addition_may_follow_it() {
    let (a, b) = (message(1, "ada", "a"), message(3, "bob", "b"));
    let added = change(2, "participantAdded", "bob");
    let mut lines = an_addition_and_a_removal();
    lines.extend([
        named(answer("removed", "bob", None), "R"),
        send("bob-1", "b"),
        named(answer("added", "bob", Some(2)), "A"),
        log(&[a.clone(), added, b.clone()]),
    ]);
    assert_eq!(verdict(&lines).violations, []);

    // The addition had no effect, so it came before the removal.
    lines[7] = named(answer("added", "bob", None), "A");
    lines[8] = log(&[a, message(2, "ada", "a2"), b]);
    lines.insert(0, send("ada-1", "a2"));
    breaks(
        &lines,
        Promise::Fence,
        "bob sent 3 after the answer to their removal",
        &["7", "8", "10: log x"],
    );
}

#[test]
fn a_user_possibly_removed_by_an_open_change_need_not_have_everything() {
    let mut lines = an_addition_and_a_removal();
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
        "bob-1 ends at 0, but the log ends at 1",
        &["8", "9: log x"],
    );
}

#[test]
fn an_entry_does_not_belong_to_a_removal_that_ended_before_the_addition() {
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
        "5 was sent by bob, who was removed at 4",
        &["1", "9", "10: log x", "10: log x"],
    );
}

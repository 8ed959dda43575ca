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

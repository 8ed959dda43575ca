//! Numbers of messages and of unread messages.

use serde_json::{Value, json};

use super::{a_removal, breaks, line, log, verdict};
use crate::verdict::Promise;

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

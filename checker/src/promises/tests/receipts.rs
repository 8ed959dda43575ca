//! How far participants have read.

use serde_json::{Value, json};

use super::{breaks, line, log, two_messages, verdict};
use crate::verdict::Promise;

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

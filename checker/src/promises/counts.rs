//! Checks the numbers of messages and of unread messages that lists show.

use super::Case;
use crate::{
    history::{Entry, Record},
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    // The number of messages up to each position.
    let mut counts = vec![0];
    for entry in case.evidence.log {
        let before = counts.last().copied().unwrap_or(0);
        counts.push(before + u64::from(entry.event == "message"));
    }
    let up_to = |position: u64| {
        let place = usize::try_from(position).unwrap_or(usize::MAX);
        let last = counts.last().copied().unwrap_or(0);
        counts.get(place).copied().unwrap_or(last)
    };
    for line in case.evidence.counts.iter().copied() {
        let Some(Record::Counted {
            about,
            head,
            messages,
            read_to,
            unread,
        }) = case.record(line)
        else {
            continue;
        };
        let counted = up_to(*head);
        let (client, conversation) = (&about.client, case.conversation);
        let what = if *messages != counted {
            format!(
                "{client} is shown {messages} messages up to {head} of {conversation}, which has {counted}"
            )
        } else if *unread != counted.saturating_sub(up_to(*read_to)) {
            let right = counted.saturating_sub(up_to(*read_to));
            format!(
                "{client} is shown {unread} unread messages in {conversation}, where {right} follow {read_to}"
            )
        } else {
            continue;
        };
        let at_head: Option<&Entry> = case.evidence.at(*head);
        found.push(case.violation(Promise::Counted, what, [line], at_head));
    }
}

//! A removal in the log is a fence: nothing behind it is by the removed user or reaches him, until he is added again.
//!
//! His row is there a moment before the log tells that he was added. So between the two he may act, and only what
//! stood in the log before anybody asked to add him is forbidden.

use super::Case;
use crate::{
    history::{Entry, Record},
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    for (user, lines) in &case.evidence.changes {
        for removal in case.evidence.log.iter().filter(|entry| entry.removes(user)) {
            let fence = Fence::new(case, user, removal, lines);
            fence.written(found);
            fence.seen(found);
        }
        answered(case, user, lines, found);
    }
}

struct Fence<'a> {
    case: &'a Case<'a>,
    user: &'a str,
    removal: &'a Entry,
    /// The position at which he is told to be back.
    end: u64,
    /// Where the removal was asked for, and, as far as it was, answered.
    told: Vec<usize>,
    /// Where adding him again was asked for after that.
    added: Vec<usize>,
}

impl<'a> Fence<'a> {
    fn new(case: &'a Case<'a>, user: &'a str, removal: &'a Entry, lines: &[usize]) -> Self {
        let behind = case.evidence.log.iter();
        let mut behind = behind.filter(|entry| entry.seq > removal.seq);
        let back = behind.find(|entry| entry.adds(user));
        let (asked, answer) = asked_and_answered(case, removal, lines);
        let later = lines.iter().copied().filter(|line| Some(*line) > asked);
        let added = later.filter(|line| matches!(case.record(*line), Some(Record::Add { .. })));
        Self {
            case,
            user,
            removal,
            end: back.map_or(u64::MAX, |entry| entry.seq),
            told: asked.into_iter().chain(answer).collect(),
            added: added.collect(),
        }
    }

    fn encloses(&self, seq: u64) -> bool {
        self.removal.seq < seq && seq < self.end
    }

    fn written(&self, found: &mut Vec<Violation>) {
        let Self { case, user, .. } = *self;
        // What nobody had seen when adding him was first asked for may have been stored after it.
        let certain = self
            .added
            .first()
            .map_or(u64::MAX, |line| case.evidence.head_before(*line));
        let mut his = case.evidence.log.iter().filter(|entry| {
            self.encloses(entry.seq)
                && entry.seq <= certain
                && entry.sender.as_deref() == Some(user)
        });
        if let Some(entry) = his.next() {
            let what = format!(
                "{} is by {user}, who was removed at {}",
                entry.seq, self.removal.seq
            );
            let name = entry.name().unwrap_or_default();
            let sends = case.evidence.sends.get(&name).into_iter().flatten();
            let lines = sends.chain(&self.told).copied();
            let entries = [self.removal, entry];
            found.push(case.violation(Promise::Fence, what, lines, entries));
        }
    }

    fn seen(&self, found: &mut Vec<Violation>) {
        let Self { case, user, .. } = *self;
        let first_added = self.added.first().copied().unwrap_or(usize::MAX);
        let views = case.evidence.views.values().flatten().copied();
        let mut seen = views.filter_map(|line| match case.record(line)? {
            Record::Seen { user: by, seq, .. } => {
                let forbidden = by == user && self.encloses(*seq) && line < first_added;
                forbidden.then_some((line, *seq))
            }
            _ => None,
        });
        if let Some((line, seq)) = seen.next() {
            let what = format!(
                "{seq} reached {user}, who was removed at {}",
                self.removal.seq
            );
            let lines = self.told.iter().copied().chain([line]);
            found.push(case.violation(Promise::Fence, what, lines, [self.removal]));
        }
    }
}

/// The lines by which a removal was asked for, first, and answered. A removal without an answer was asked for at the
/// first moment after he was last told to be added.
fn asked_and_answered(
    case: &Case<'_>,
    removal: &Entry,
    lines: &[usize],
) -> (Option<usize>, Option<usize>) {
    let names = |line: &usize| matches!(case.record(*line), Some(Record::Removed { seq, .. }) if *seq == Some(removal.seq));
    let is_ask = |line: &usize| matches!(case.record(*line), Some(Record::Remove { .. }));
    if let Some(place) = lines.iter().position(names) {
        let (before, rest) = lines.split_at(place);
        let asks = before.iter().rev().take_while(|line| is_ask(line));
        return (asks.last().copied(), rest.first().copied());
    }
    let added_before = |line: &usize| matches!(case.record(*line), Some(Record::Added { seq, .. }) if seq.is_some_and(|seq| seq < removal.seq));
    let back = lines
        .iter()
        .rposition(added_before)
        .map_or(0, |place| place + 1);
    let mut rest = lines.iter().skip(back);
    (rest.find(|line| is_ask(line)).copied(), None)
}

/// What he first sends after a removal was answered, whatever it was answered with, is not stored unless somebody asks
/// to add him again.
fn answered(case: &Case<'_>, user: &str, lines: &[usize], found: &mut Vec<Violation>) {
    let is_add = |line: &usize| matches!(case.record(*line), Some(Record::Add { .. }));
    let last_add = lines.iter().rev().find(|line| is_add(line)).copied();
    let is_answer = |line: &&usize| matches!(case.record(**line), Some(Record::Removed { .. }));
    let Some(answer) = lines.iter().find(is_answer).copied() else {
        return;
    };
    if last_add > Some(answer) {
        return;
    }
    let his = case
        .evidence
        .log
        .iter()
        .filter(|entry| entry.sender.as_deref() == Some(user));
    for entry in his {
        let sends = entry.name().and_then(|name| case.evidence.sends.get(&name));
        if let Some(first) = sends.and_then(|lines| lines.first()).copied()
            && first > answer
        {
            let what = format!("{user} sent {} after his removal was answered", entry.seq);
            found.push(case.violation(Promise::Fence, what, [answer, first], [entry]));
            return;
        }
    }
}

//! A removal in the log is a fence: nothing behind it is by the removed user or reaches him, until he is added again.
//!
//! His row is there a moment before the log tells that he was added. So between the two he may act, and only what
//! stood in the log before anybody asked to add him is forbidden. That may have been before the removal was asked for,
//! if the two overlap.

use super::Case;
use crate::{
    changes::{Change, Changes},
    history::{Entry, Record},
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    for (user, changes) in &case.evidence.changes {
        let of_user = case.evidence.log.iter();
        let mut of_user = of_user.filter(|entry| entry.adds(user) || entry.removes(user));
        // One entry was not made before the one in front of it, nor that before it was asked for.
        let mut after = 0;
        while let Some(entry) = of_user.next() {
            let maker = changes.maker(entry.adds(user), &(entry.seq..=entry.seq), after);
            after = maker.map_or(after, |maker| maker.began.max(after));
            if entry.removes(user) {
                let back = of_user.clone().find(|entry| entry.adds(user));
                let fence = Fence {
                    case,
                    user,
                    removal: entry,
                    removed: maker,
                    end: back.map_or(u64::MAX, |entry| entry.seq),
                    adding: adding(changes, entry, back, after),
                };
                fence.written(found);
                fence.seen(found);
            }
        }
        answered(case, user, changes, found);
    }
}

/// Where it was first asked to add him again: by the change that the log tells to have done it. If it tells none, by any
/// that may have.
fn adding(
    changes: &Changes<'_>,
    removal: &Entry,
    back: Option<&Entry>,
    after: usize,
) -> Option<usize> {
    let positions = back.map_or(removal.seq.saturating_add(1)..=u64::MAX, |back| {
        back.seq..=back.seq
    });
    let adding = changes.maker(true, &positions, after);
    adding.map(|change| change.began)
}

struct Fence<'a> {
    case: &'a Case<'a>,
    user: &'a str,
    removal: &'a Entry,
    /// The change that removed him.
    removed: Option<&'a Change<'a>>,
    /// The position at which he is told to be back.
    end: u64,
    /// Where it was first asked to add him again.
    adding: Option<usize>,
}

impl<'a> Fence<'a> {
    /// Where the removal was asked for, and, as far as it was, answered.
    fn told(&self) -> impl Iterator<Item = usize> {
        let removed = self.removed.into_iter();
        removed.flat_map(|change| {
            let answer = change.answer.map(|answer| answer.line);
            [change.began].into_iter().chain(answer)
        })
    }

    fn encloses(&self, seq: u64) -> bool {
        self.removal.seq < seq && seq < self.end
    }

    fn written(&self, found: &mut Vec<Violation>) {
        let Self { case, user, .. } = *self;
        // What nobody had seen when adding him was first asked for may have been stored after it.
        let certain = self
            .adding
            .map_or(u64::MAX, |line| case.evidence.head_before(line));
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
            let lines = sends.copied().chain(self.told());
            let entries = [self.removal, entry];
            found.push(case.violation(Promise::Fence, what, lines, entries));
        }
    }

    fn seen(&self, found: &mut Vec<Violation>) {
        let Self { case, user, .. } = *self;
        let adding = self.adding.unwrap_or(usize::MAX);
        let views = case.evidence.views.values().flatten().copied();
        let mut seen = views.filter_map(|line| match case.record(line)? {
            Record::Seen { user: by, seq, .. } => {
                let forbidden = by == user && self.encloses(*seq) && line < adding;
                forbidden.then_some((line, *seq))
            }
            _ => None,
        });
        if let Some((line, seq)) = seen.next() {
            let what = format!(
                "{seq} reached {user}, who was removed at {}",
                self.removal.seq
            );
            let lines = self.told().chain([line]);
            found.push(case.violation(Promise::Fence, what, lines, [self.removal]));
        }
    }
}

/// What he first sends after a removal was answered, whatever it was answered with, is not stored unless somebody asks
/// to add him again.
fn answered(case: &Case<'_>, user: &str, changes: &Changes<'_>, found: &mut Vec<Violation>) {
    let removals = changes.lasting().filter(|(change, _)| !change.adds);
    let Some(answer) = removals.map(|(_, answer)| answer.line).min() else {
        return;
    };
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

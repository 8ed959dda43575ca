//! A removal in the log is a fence: until the user is added again, no entry after it is sent by
//! them or reaches them.
//!
//! A new participant's row may be visible a moment before the entry that adds them. The user may
//! act in between. So only entries that were stored before the addition was first requested are
//! forbidden. If the two changes overlap, that request may precede the one for the removal.

use super::{Case, reactions};
use crate::{
    changes::{Change, Changes},
    history::{Entry, Record},
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    for (user, changes) in &case.evidence.changes {
        let of_user = case.evidence.log.iter();
        let mut of_user = of_user.filter(|entry| entry.adds(user) || entry.removes(user));
        // An entry is stored after the one before it, and so after the request for that one.
        let mut after = 0;
        while let Some(entry) = of_user.next() {
            let change = changes.change_behind(entry.adds(user), &(entry.seq..=entry.seq), after);
            after = change.map_or(after, |change| change.began.max(after));
            if entry.removes(user) {
                let back = of_user.clone().find(|entry| entry.adds(user));
                let fence = Fence {
                    case,
                    user,
                    removal: entry,
                    removed: change,
                    end: back.map_or(u64::MAX, |entry| entry.seq),
                    addition: addition(changes, entry, back, after),
                };
                fence.written(found);
                fence.seen(found);
            }
        }
        answered(case, user, changes, found);
    }
}

/// Returns the line that first requests the addition after `removal`: the request for the entry
/// `back` or, if there is no such entry, the first request that may have added the user again.
fn addition(
    changes: &Changes<'_>,
    removal: &Entry,
    back: Option<&Entry>,
    after: usize,
) -> Option<usize> {
    let positions = back.map_or(removal.seq.saturating_add(1)..=u64::MAX, |back| {
        back.seq..=back.seq
    });
    let addition = changes.change_behind(true, &positions, after);
    addition.map(|change| change.began)
}

struct Fence<'a> {
    case: &'a Case<'a>,
    user: &'a str,
    removal: &'a Entry,
    /// The change that removed the user.
    removed: Option<&'a Change<'a>>,
    /// The position of the entry that adds the user again.
    end: u64,
    /// The line that first requests the addition.
    addition: Option<usize>,
}

impl<'a> Fence<'a> {
    /// Returns the lines of the removal's request and of its answer, if there is one.
    fn removal_lines(&self) -> impl Iterator<Item = usize> {
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
        // An entry that no record mentions before the addition is requested may be stored later.
        let certain = self
            .addition
            .map_or(u64::MAX, |line| case.evidence.head_before(line));
        let mut entries = case.evidence.log.iter().filter(|entry| {
            self.encloses(entry.seq) && entry.seq <= certain && entry.author() == Some(user)
        });
        if let Some(entry) = entries.next() {
            let what = format!(
                "{} was sent by {user}, who was removed at {}",
                entry.seq, self.removal.seq
            );
            let name = entry.name().unwrap_or_default();
            let sends = case.evidence.sends.get(&name).into_iter().flatten();
            let reacts = entry.wish().into_iter();
            let reacts =
                reacts.flat_map(|wish| reactions::attempts(case, user, &wish).collect::<Vec<_>>());
            let lines = sends.copied().chain(reacts).chain(self.removal_lines());
            let stored = [self.removal, entry];
            found.push(case.violation(Promise::Fence, what, lines, stored));
        }
    }

    fn seen(&self, found: &mut Vec<Violation>) {
        let Self { case, user, .. } = *self;
        let addition = self.addition.unwrap_or(usize::MAX);
        let views = case.evidence.views.values().flatten().copied();
        let mut seen = views.filter_map(|line| match case.record(line)? {
            Record::Seen { about, seq, .. } => {
                let forbidden = about.user == user && self.encloses(*seq) && line < addition;
                forbidden.then_some((line, *seq))
            }
            _ => None,
        });
        if let Some((line, seq)) = seen.next() {
            let what = format!(
                "{seq} reached {user}, who was removed at {}",
                self.removal.seq
            );
            let lines = self.removal_lines().chain([line]);
            found.push(case.violation(Promise::Fence, what, lines, [self.removal]));
        }
    }
}

/// A message or a reaction whose first attempt follows the answer to a removal must not be stored, unless the
/// user was added again. This holds for a removal without effect too.
fn answered(case: &Case<'_>, user: &str, changes: &Changes<'_>, found: &mut Vec<Violation>) {
    let removals = changes.lasting().filter(|(change, _)| !change.adds);
    let Some(answer) = removals.map(|(_, answer)| answer.line).min() else {
        return;
    };
    let entries = case
        .evidence
        .log
        .iter()
        .filter(|entry| entry.author() == Some(user));
    for entry in entries {
        let sends = entry.name().and_then(|name| case.evidence.sends.get(&name));
        let first = match entry.wish() {
            Some(wish) => reactions::attempts(case, user, &wish).next(),
            None => sends.and_then(|lines| lines.first()).copied(),
        };
        if let Some(first) = first
            && first > answer
        {
            let what = format!(
                "{user} sent {} after the answer to their removal",
                entry.seq
            );
            found.push(case.violation(Promise::Fence, what, [answer, first], [entry]));
            return;
        }
    }
}

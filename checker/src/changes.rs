//! The changes of one user in one conversation.
//!
//! A change consists of all its attempts up to its answer, and may take effect at any time until
//! then. If two changes overlap, only their answers show which of them came first.

use std::ops::RangeInclusive;

use crate::history::Entry;

/// One addition or removal of the user.
#[derive(Debug)]
pub struct Change<'a> {
    /// Whether the change adds the user; otherwise it removes them.
    pub adds: bool,
    /// The line of the first attempt.
    pub began: usize,
    id: Option<&'a str>,
    attempts: usize,
    pub answer: Option<Answer>,
    /// From this line on, the change can no longer take effect.
    end: Option<usize>,
}

/// The answer to a change.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub line: usize,
    pub seq: Option<u64>,
}

impl Change<'_> {
    /// Whether `entry` records a change of this kind to the user.
    pub fn is_recorded_by(&self, entry: &Entry, user: &str) -> bool {
        if self.adds {
            entry.adds(user)
        } else {
            entry.removes(user)
        }
    }

    fn seq(&self) -> Option<u64> {
        self.answer.and_then(|answer| answer.seq)
    }

    /// Whether the change may have stored an entry at one of these positions, by the answered
    /// attempt or by an earlier one without an answer.
    fn may_have_stored(&self, positions: &RangeInclusive<u64>) -> bool {
        match self.answer {
            None => true,
            Some(Answer { seq: None, .. }) => self.attempts > 1,
            Some(Answer { seq: Some(seq), .. }) => {
                positions.contains(&seq) || (self.attempts > 1 && *positions.start() < seq)
            }
        }
    }

    fn is_over(&self, line: usize) -> bool {
        self.end.is_some_and(|end| end <= line)
    }

    /// Whether all effects of this change precede the moment that the answer to `other` describes.
    fn is_before(&self, other: &Self) -> bool {
        let did_nothing = !self.may_have_stored(&(0..=u64::MAX));
        let seqs = self.seq().zip(other.seq());
        did_nothing || self.is_over(other.began) || seqs.is_some_and(|(one, other)| one < other)
    }
}

/// All changes of the user, ordered by first attempt.
#[derive(Debug, Default)]
pub struct Changes<'a>(Vec<Change<'a>>);

impl<'a> Changes<'a> {
    /// Records an attempt.
    pub fn ask(&mut self, line: usize, adds: bool, id: Option<&'a str>) {
        self.at_line(line, adds, id, |change| change.attempts += 1);
    }

    /// Records an answer.
    pub fn answer(&mut self, line: usize, adds: bool, id: Option<&'a str>, seq: Option<u64>) {
        self.at_line(line, adds, id, |change| {
            change.answer = Some(Answer { line, seq });
            change.end = Some(line);
        });
    }

    /// Applies `update` to the change of a line. Changes without an id do not overlap: a new one
    /// ends the one before it.
    fn at_line(
        &mut self,
        line: usize,
        adds: bool,
        id: Option<&'a str>,
        update: impl FnOnce(&mut Change<'a>),
    ) {
        if let Some(last) = self.0.iter_mut().rfind(|change| change.id == id) {
            if last.adds == adds && last.end.is_none() {
                return update(last);
            }
            last.end.get_or_insert(line);
        }
        let mut change = Change {
            adds,
            began: line,
            id,
            attempts: 0,
            answer: None,
            end: None,
        };
        update(&mut change);
        self.0.push(change);
    }

    /// Returns the answered changes with their answers.
    pub fn answered(&self) -> impl Iterator<Item = (&Change<'a>, Answer)> {
        let changes = self.0.iter();
        changes.filter_map(|change| Some((change, change.answer?)))
    }

    /// Returns the answered changes that no later change can have undone.
    pub fn lasting(&self) -> impl Iterator<Item = (&Change<'a>, Answer)> {
        self.answered().filter(|(change, _)| {
            let mut opposite = self.0.iter().filter(|other| other.adds != change.adds);
            opposite.all(|other| other.is_before(change))
        })
    }

    /// Whether a change has no answer and may still take effect.
    pub fn have_open(&self) -> bool {
        self.0.iter().any(|change| change.end.is_none())
    }

    /// Whether an addition, or a removal, was ever attempted.
    pub fn were_asked(&self, adds: bool) -> bool {
        let mut of_kind = self.0.iter().filter(|change| change.adds == adds);
        of_kind.any(|change| change.attempts > 0)
    }

    /// Returns the change that stored an entry at one of these positions after a line: the change
    /// whose answer has such a position, or else the earliest change that may have stored it.
    pub fn change_behind(
        &self,
        adds: bool,
        positions: &RangeInclusive<u64>,
        after: usize,
    ) -> Option<&Change<'a>> {
        let of_kind = self.0.iter().filter(|change| change.adds == adds);
        let mut answered = of_kind.clone();
        let answered =
            answered.find(|change| change.seq().is_some_and(|seq| positions.contains(&seq)));
        answered.or_else(|| {
            let mut open = of_kind.filter(|change| !change.is_over(after));
            open.find(|change| change.may_have_stored(positions))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Option<Option<u64>> = None;

    /// Each line is an attempt or an answer: the change's id (empty for none), whether it adds, and
    /// the answer.
    fn changes(lines: &[(&'static str, bool, Option<Option<u64>>)]) -> Changes<'static> {
        let mut changes = Changes::default();
        for (line, (id, adds, answer)) in lines.iter().enumerate() {
            let id = Some(*id).filter(|id| !id.is_empty());
            match answer {
                None => changes.ask(line, *adds, id),
                Some(seq) => changes.answer(line, *adds, id, *seq),
            }
        }
        changes
    }

    fn change_behind(changes: &Changes<'_>, adds: bool, seq: u64, after: usize) -> Option<usize> {
        let change_behind = changes.change_behind(adds, &(seq..=seq), after);
        change_behind.map(|change| change.began)
    }

    #[test]
    fn an_answer_belongs_to_the_change_with_its_id() {
        let two = [("A", true, ASKED), ("B", true, ASKED)];
        let answers = [("A", true, Some(Some(4))), ("B", true, Some(Some(5)))];
        let two = changes(&[two, answers].concat());
        assert_eq!(change_behind(&two, true, 4, 0), Some(0));
        assert_eq!(change_behind(&two, true, 5, 0), Some(1));
        assert_eq!(change_behind(&two, true, 6, 0), None);
        assert!(!two.have_open());
    }

    #[test]
    fn a_change_without_an_id_ends_where_the_next_one_begins() {
        let lines = [("", true, ASKED), ("", false, ASKED)];
        let answered = [&lines[..], &[("", false, Some(None))]].concat();
        assert!(changes(&lines).have_open());
        assert!(!changes(&answered).have_open());
        assert_eq!(change_behind(&changes(&lines), true, 4, 0), Some(0));
        assert_eq!(change_behind(&changes(&lines), true, 4, 1), None);

        let named = [("A", true, ASKED), ("R", false, ASKED)];
        let answered = [&named[..], &[("R", false, Some(None))]].concat();
        assert!(changes(&answered).have_open());
        assert_eq!(change_behind(&changes(&named), true, 4, 1), Some(0));
    }

    #[test]
    fn an_entry_belongs_to_the_change_answered_with_it_or_to_the_earliest_possible_one() {
        let lines = [
            ("A", true, ASKED),
            ("B", true, ASKED),
            ("C", true, ASKED),
            ("C", true, Some(Some(7))),
        ];
        let changes = changes(&lines);
        assert_eq!(change_behind(&changes, true, 7, 0), Some(2));
        assert_eq!(change_behind(&changes, true, 6, 0), Some(0));
        assert_eq!(change_behind(&changes, false, 6, 0), None);
    }

    #[test]
    fn a_change_lasts_if_every_opposite_change_precedes_it_or_had_no_effect() {
        let lasting = |lines: &[_]| {
            let changes = changes(lines);
            let lasting = changes.lasting().map(|(change, _)| change.adds);
            lasting.collect::<Vec<_>>()
        };
        let asked = [("A", true, ASKED), ("R", false, ASKED)];
        let with = |answers: &[_]| lasting(&[&asked[..], answers].concat());
        let (added, removed) = (|seq| ("A", true, Some(seq)), |seq| ("R", false, Some(seq)));
        assert_eq!(with(&[]), [false; 0]);
        assert_eq!(with(&[removed(Some(3)), added(Some(2))]), [false]);
        assert_eq!(with(&[removed(Some(2)), added(Some(3))]), [true]);
        assert_eq!(with(&[removed(Some(2)), asked[0], added(None)]), [false; 0]);
        assert_eq!(with(&[removed(Some(2)), added(None)]), [false]);
        let one_then_the_other = [asked[0], added(Some(2)), asked[1], removed(Some(3))];
        assert_eq!(lasting(&one_then_the_other), [false]);
    }
}

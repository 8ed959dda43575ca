//! The changes of one user in one conversation. One is all attempts at it up to its answer, and may take effect at any
//! time until then. So of two that overlap only what they were answered with tells which came first.

use std::ops::RangeInclusive;

use crate::history::Entry;

/// One change.
#[derive(Debug)]
pub struct Change<'a> {
    /// Whether he is added; otherwise he is removed.
    pub adds: bool,
    /// Where it was first asked for.
    pub began: usize,
    id: Option<&'a str>,
    attempts: usize,
    pub answer: Option<Answer>,
    /// From where on it takes no effect any more.
    end: Option<usize>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub line: usize,
    pub seq: Option<u64>,
}

impl Change<'_> {
    /// Whether an entry tells such a change of the user.
    pub fn is_told_by(&self, entry: &Entry, user: &str) -> bool {
        if self.adds {
            entry.adds(user)
        } else {
            entry.removes(user)
        }
    }

    fn seq(&self) -> Option<u64> {
        self.answer.and_then(|answer| answer.seq)
    }

    /// Whether it may have made an entry at one of these positions: by the attempt that was answered, or by one before
    /// it that was not.
    fn may_have_made(&self, positions: &RangeInclusive<u64>) -> bool {
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

    /// Whether whatever it did was done by the moment of which the answer to another speaks.
    fn is_before(&self, other: &Self) -> bool {
        let did_nothing = !self.may_have_made(&(0..=u64::MAX));
        let seqs = self.seq().zip(other.seq());
        did_nothing || self.is_over(other.began) || seqs.is_some_and(|(one, other)| one < other)
    }
}

/// All of them, in the order in which they were first asked for.
#[derive(Debug, Default)]
pub struct Changes<'a>(Vec<Change<'a>>);

impl<'a> Changes<'a> {
    /// One is asked for, for the first time or again.
    pub fn ask(&mut self, line: usize, adds: bool, id: Option<&'a str>) {
        self.of_line(line, adds, id, |change| change.attempts += 1);
    }

    /// One is answered.
    pub fn answer(&mut self, line: usize, adds: bool, id: Option<&'a str>, seq: Option<u64>) {
        self.of_line(line, adds, id, |change| {
            change.answer = Some(Answer { line, seq });
            change.end = Some(line);
        });
    }

    /// Those without an id are one after the other: what is asked for ends the one before.
    fn of_line(
        &mut self,
        line: usize,
        adds: bool,
        id: Option<&'a str>,
        happens: impl FnOnce(&mut Change<'a>),
    ) {
        if let Some(last) = self.0.iter_mut().rfind(|change| change.id == id) {
            if last.adds == adds && last.end.is_none() {
                return happens(last);
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
        happens(&mut change);
        self.0.push(change);
    }

    /// Each with its answer.
    pub fn answered(&self) -> impl Iterator<Item = (&Change<'a>, Answer)> {
        let changes = self.0.iter();
        changes.filter_map(|change| Some((change, change.answer?)))
    }

    /// Those that were answered and that nothing undid.
    pub fn lasting(&self) -> impl Iterator<Item = (&Change<'a>, Answer)> {
        self.answered().filter(|(change, _)| {
            let mut opposite = self.0.iter().filter(|other| other.adds != change.adds);
            opposite.all(|other| other.is_before(change))
        })
    }

    /// Whether one has no answer and may still take effect.
    pub fn are_open(&self) -> bool {
        self.0.iter().any(|change| change.end.is_none())
    }

    /// Whether he was ever asked to be added, or to be removed.
    pub fn were_asked(&self, adds: bool) -> bool {
        let mut of_kind = self.0.iter().filter(|change| change.adds == adds);
        of_kind.any(|change| change.attempts > 0)
    }

    /// The change that made an entry at one of these positions after a line: the one that was answered so, otherwise the
    /// earliest that may have.
    pub fn maker(
        &self,
        adds: bool,
        positions: &RangeInclusive<u64>,
        after: usize,
    ) -> Option<&Change<'a>> {
        let of_kind = self.0.iter().filter(|change| change.adds == adds);
        let mut told = of_kind.clone();
        let told = told.find(|change| change.seq().is_some_and(|seq| positions.contains(&seq)));
        told.or_else(|| {
            let mut open = of_kind.filter(|change| !change.is_over(after));
            open.find(|change| change.may_have_made(positions))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Option<Option<u64>> = None;

    /// Each line is of a change with this id, or without one, which adds or removes; asked for, or answered.
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

    fn maker(changes: &Changes<'_>, adds: bool, seq: u64, after: usize) -> Option<usize> {
        let maker = changes.maker(adds, &(seq..=seq), after);
        maker.map(|change| change.began)
    }

    #[test]
    fn an_answer_belongs_to_the_attempts_of_its_change() {
        let two = [("A", true, ASKED), ("B", true, ASKED)];
        let answers = [("A", true, Some(Some(4))), ("B", true, Some(Some(5)))];
        let two = changes(&[two, answers].concat());
        assert_eq!(maker(&two, true, 4, 0), Some(0));
        assert_eq!(maker(&two, true, 5, 0), Some(1));
        assert_eq!(maker(&two, true, 6, 0), None);
        assert!(!two.are_open());
    }

    #[test]
    fn without_an_id_one_ends_where_the_next_begins() {
        let lines = [("", true, ASKED), ("", false, ASKED)];
        let answered = [&lines[..], &[("", false, Some(None))]].concat();
        assert!(changes(&lines).are_open());
        assert!(!changes(&answered).are_open());
        assert_eq!(maker(&changes(&lines), true, 4, 0), Some(0));
        assert_eq!(maker(&changes(&lines), true, 4, 1), None);

        let named = [("A", true, ASKED), ("R", false, ASKED)];
        let answered = [&named[..], &[("R", false, Some(None))]].concat();
        assert!(changes(&answered).are_open());
        assert_eq!(maker(&changes(&named), true, 4, 1), Some(0));
    }

    #[test]
    fn an_entry_is_made_by_who_was_answered_so_or_else_by_the_earliest_that_may_have() {
        let lines = [
            ("A", true, ASKED),
            ("B", true, ASKED),
            ("C", true, ASKED),
            ("C", true, Some(Some(7))),
        ];
        let changes = changes(&lines);
        assert_eq!(maker(&changes, true, 7, 0), Some(2));
        assert_eq!(maker(&changes, true, 6, 0), Some(0));
        assert_eq!(maker(&changes, false, 6, 0), None);
    }

    #[test]
    fn a_change_lasts_if_what_undoes_it_was_before_it_or_was_nothing() {
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

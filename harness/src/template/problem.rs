//! The problems of a template and their places. All of them are reported at once.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

/// A position in the template. Lines and columns count from 1, as in editors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// One problem: what is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    /// `None` for a problem outside the template, for example on the command line.
    at: Option<Place>,
    /// `None` if the problem follows from another one, which is reported.
    text: Option<String>,
}

impl Problem {
    pub(super) fn at(place: Place, text: impl Into<String>) -> Self {
        Self {
            at: Some(place),
            text: Some(text.into()),
        }
    }

    pub(super) fn elsewhere(text: impl Into<String>) -> Self {
        Self {
            at: None,
            text: Some(text.into()),
        }
    }

    /// Returns the same problem for a file that the template includes at `at`.
    pub(super) fn in_file(self, name: &str, at: Place) -> Self {
        let line = self.at.map_or(0, |place| place.line);
        Self {
            at: Some(at),
            text: self
                .text
                .map(|text| format!("line {line} of {name}: {text}")),
        }
    }

    /// Returns a problem that follows from another one, for example a reference to a resource with
    /// problems. It is not reported, since it disappears with its cause.
    pub(super) fn consequence() -> Self {
        Self {
            at: None,
            text: None,
        }
    }
}

/// Collects problems, so that reading continues after the first one.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    /// The same ones: a value that is read twice is reported once.
    known: BTreeSet<Problem>,
    notices: BTreeSet<(Place, String)>,
}

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        if self.known.insert(problem.clone()) {
            self.found.push(problem);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Adds a notice: the harness does not support a part of the template, and the rest runs.
    pub(super) fn notice(&mut self, at: Place, text: impl Into<String>) {
        self.notices.insert((at, text.into()));
    }

    /// Returns the value, or adds the problem and returns `None`.
    pub(super) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// Returns `value` and the notices if there are no problems.
    pub(super) fn verdict<T>(
        mut self,
        path: &Path,
        value: Option<T>,
    ) -> Result<(T, Vec<String>), TemplateError> {
        let line = |(place, text): &(Place, String)| format!("{}{text}", At(path, *place));
        match value {
            Some(value) if self.found.is_empty() => {
                Ok((value, self.notices.iter().map(line).collect()))
            }
            _ => {
                let notices = self.notices.into_iter();
                self.found
                    .extend(notices.map(|(at, text)| Problem::at(at, text)));
                self.found.sort_by_key(|problem| problem.at);
                Err(TemplateError::Invalid(InvalidTemplate {
                    path: path.to_owned(),
                    problems: self.found,
                }))
            }
        }
    }
}

/// The beginning of a line about a place.
struct At<'a>(&'a Path, Place);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, Place { line, column }) = self;
        write!(f, "{}:{line}:{column}: ", path.display())
    }
}

/// Why a template is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read as UTF-8 text.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The path of the template.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The template has problems. The text has one line `PATH:LINE:COLUMN: PROBLEM` for each.
    #[error("{0}")]
    Invalid(InvalidTemplate),
}

/// All problems of a template, in the order of its lines.
#[derive(Debug)]
pub struct InvalidTemplate {
    path: PathBuf,
    problems: Vec<Problem>,
}

impl fmt::Display for InvalidTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reported = self
            .problems
            .iter()
            .filter_map(|problem| Some((problem.at, problem.text.as_ref()?)));
        for (index, (at, text)) in reported.enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if let Some(place) = at {
                write!(f, "{}", At(&self.path, place))?;
            }
            f.write_str(text)?;
        }
        Ok(())
    }
}

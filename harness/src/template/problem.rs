//! What is wrong with a template, and where: everything that is found is reported at once, because a person who mends a
//! template wants the whole list.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A position in the template's text, both counted from 1 as editors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// One thing that cannot be honoured, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// `None` for what comes from outside the template, like the command line.
    at: Option<Place>,
    text: String,
}

impl Problem {
    pub(super) fn at(place: Place, text: impl Into<String>) -> Self {
        Self {
            at: Some(place),
            text: text.into(),
        }
    }

    pub(super) fn elsewhere(text: impl Into<String>) -> Self {
        Self {
            at: None,
            text: text.into(),
        }
    }
}

/// Collects problems, so that reading goes on after the first one.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        // One mistake in a value that is read twice is still one mistake.
        if !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The value, or `None` with the problem noted.
    pub(super) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// Succeeds with `value` if nothing was noted.
    pub(super) fn verdict<T>(mut self, path: &Path, value: Option<T>) -> Result<T, TemplateError> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => {
                self.found.sort_by_key(|problem| problem.at);
                Err(TemplateError::Refused(Refusal {
                    path: path.to_owned(),
                    problems: self.found,
                }))
            }
        }
    }
}

/// Why a template was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file could not be read as UTF-8 text.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// As it was given.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It declares what cannot be honoured; the text has one line `PATH:LINE:COLUMN: what, and what to do` for each.
    #[error("{0}")]
    Refused(Refusal),
}

/// Everything that is wrong with one template, in the order of its lines.
#[derive(Debug)]
pub struct Refusal {
    path: PathBuf,
    problems: Vec<Problem>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if let Some(Place { line, column }) = problem.at {
                write!(f, "{}:{line}:{column}: ", self.path.display())?;
            }
            f.write_str(&problem.text)?;
        }
        Ok(())
    }
}

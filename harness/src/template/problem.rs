//! The problems of a template and their places. All of them are reported at once.

use std::{
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// `None` for a problem outside the template, for example on the command line.
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

/// Collects problems, so that reading continues after the first one.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        // A value that is read twice is reported once.
        if !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Returns the value, or adds the problem and returns `None`.
    pub(super) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// Returns `value` if there are no problems.
    pub(super) fn verdict<T>(mut self, path: &Path, value: Option<T>) -> Result<T, TemplateError> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => {
                self.found.sort_by_key(|problem| problem.at);
                Err(TemplateError::Invalid(InvalidTemplate {
                    path: path.to_owned(),
                    problems: self.found,
                }))
            }
        }
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

//! Why an engine does not start.

use std::{io, path::PathBuf};

/// The oldest version of Java that DynamoDB Local runs on.
pub(super) const OLDEST_JAVA: u32 = 17;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The folder for the data, or a listener on loopback, is not to be had.
    #[error("cannot start DynamoDB: {0}")]
    Io(#[from] io::Error),
    /// The data cannot be opened.
    #[error("cannot open {}: {reason}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// The engine's own words.
        reason: String,
    },
    /// A running engine keeps its data itself.
    #[error("a data folder cannot be given for an engine that is already running")]
    DataOfUrl,
    /// No `java` in `$JAVA_HOME/bin` or on the path.
    #[error(
        "DynamoDB Local needs Java {OLDEST_JAVA} or newer, and there is no `java` here; `embedded` needs nothing"
    )]
    NoJava,
    /// There is a Java, but DynamoDB Local does not run on it.
    #[error(
        "DynamoDB Local needs Java {OLDEST_JAVA} or newer, and this one says: {0}; `embedded` needs nothing"
    )]
    OldJava(String),
    /// Maven Central has no SQLite library for DynamoDB Local on this kind of machine.
    #[error("DynamoDB Local does not run on {0}; use `embedded`")]
    Platform(String),
    /// A part of DynamoDB Local could not be fetched.
    #[error("cannot fetch {url}: {reason}")]
    Fetch {
        /// In Maven Central.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// DynamoDB Local ended before it listened.
    #[error("DynamoDB Local did not start: {0}")]
    Exited(String),
}

//! Why an engine does not start.

use std::{io, path::PathBuf};

/// The oldest version of Java that DynamoDB Local runs on.
pub(super) const OLDEST_JAVA: u32 = 17;

/// The engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The folder for the data cannot be created, or the process cannot be started.
    #[error("cannot start DynamoDB: {0}")]
    Io(#[from] io::Error),
    /// The data cannot be opened.
    #[error("cannot open {}: {reason}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// The engine's message.
        reason: String,
    },
    /// A running engine decides itself where its data is.
    #[error("a data folder cannot be given for an engine that is already running")]
    DataOfUrl,
    /// No `java` in `$JAVA_HOME/bin` or on the path.
    #[error(
        "DynamoDB Local needs Java {OLDEST_JAVA} or newer, and there is no `java` here; \
         `embedded` needs no Java"
    )]
    NoJava,
    /// There is a Java, but DynamoDB Local does not run on it.
    #[error(
        "DynamoDB Local needs Java {OLDEST_JAVA} or newer, and this one says: {0}; \
         `embedded` needs no Java"
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
        /// The cause.
        reason: String,
    },
    /// The engine's endpoint is not a URL.
    #[error("{0} is not the URL of a DynamoDB engine")]
    Endpoint(String),
    /// This machine has no HTTP client, for example because it has no certificates.
    #[error("cannot call DynamoDB: {0}")]
    Client(#[from] reqwest::Error),
    /// DynamoDB Local ended before it listened.
    #[error("DynamoDB Local did not start: {0}")]
    Exited(String),
}

//! Which engine keeps the items, and its life.

use std::{io, path::Path, path::PathBuf, str::FromStr};

use super::{
    amazon::{AmazonLocal, OLDEST_JAVA},
    embedded::Embedded,
};

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The crate `dynoxide-rs` in this process.
    Embedded,
    /// Amazon's DynamoDB Local on the machine's Java.
    Local,
    /// Something that already runs: `http://…` without a path.
    Url(String),
}

/// Text that names no engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is none of `embedded`, `local` and an http:// URL without a path")]
pub struct UnknownChoice(String);

impl FromStr for Choice {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, UnknownChoice> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "local" => Ok(Self::Local),
            url => match reqwest::Url::parse(url) {
                Ok(parsed)
                    if matches!(parsed.scheme(), "http" | "https") && parsed.path() == "/" =>
                {
                    Ok(Self::Url(url.trim_end_matches('/').to_owned()))
                }
                _ => Err(UnknownChoice(url.to_owned())),
            },
        }
    }
}

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

/// A running engine. It ends when this is dropped; [`Engine::stop`] waits for that.
#[derive(Debug)]
pub struct Engine {
    endpoint: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Embedded(Embedded),
    Amazon(Box<AmazonLocal>),
    Elsewhere,
}

impl Engine {
    /// Starts the engine on a loopback port of its own. `data` is a folder in which the items survive; without it they
    /// are kept in memory. The first start of [`Choice::Local`] fetches about 50 MB.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn start(choice: Choice, data: Option<&Path>) -> Result<Self, EngineError> {
        match choice {
            Choice::Embedded => {
                let (embedded, endpoint) = Embedded::start(data).await?;
                Ok(Self {
                    endpoint,
                    kind: Kind::Embedded(embedded),
                })
            }
            Choice::Local => {
                let (local, endpoint) = AmazonLocal::start(data).await?;
                Ok(Self {
                    endpoint,
                    kind: Kind::Amazon(Box::new(local)),
                })
            }
            Choice::Url(_) if data.is_some() => Err(EngineError::DataOfUrl),
            Choice::Url(endpoint) => Ok(Self {
                endpoint,
                kind: Kind::Elsewhere,
            }),
        }
    }

    /// `http://host:port`. Clients should use the [`Proxy`](super::Proxy) in front of it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Ends it and waits until its data is closed. An engine that was given by URL goes on.
    pub async fn stop(self) {
        match self.kind {
            Kind::Embedded(embedded) => embedded.stop().await,
            Kind::Amazon(local) => local.stop().await,
            Kind::Elsewhere => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_parsed() {
        let table = [
            ("embedded", Ok(Choice::Embedded)),
            ("local", Ok(Choice::Local)),
            (
                "http://127.0.0.1:8000/",
                Ok(Choice::Url("http://127.0.0.1:8000".to_owned())),
            ),
            (
                "http://127.0.0.1:8000/shell",
                Err(UnknownChoice("http://127.0.0.1:8000/shell".to_owned())),
            ),
            ("remote", Err(UnknownChoice("remote".to_owned()))),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse(), expected);
        }
    }
}

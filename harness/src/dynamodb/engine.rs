//! The engine that stores the items: which one, how it starts, and how it stops.

use std::{path::Path, str::FromStr};

use tokio::task::JoinHandle;

use super::{
    amazon::AmazonLocal,
    backend::{Backend, EngineCaller, Remote},
    embedded::Embedded,
    error::EngineError,
};
use crate::gateway::clock::Clock;

/// Which engine to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The crate `dynoxide-rs` in this process.
    Embedded,
    /// Amazon's DynamoDB Local on the machine's Java.
    Local,
    /// An engine that already runs: `http://…` without a path.
    Url(String),
}

/// The text does not name an engine.
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

/// A running engine. Dropping it stops the engine; [`Engine::stop`] also waits for the end.
///
/// Clients call it through the [`Proxy`](super::Proxy). The embedded engine has no other way in.
#[derive(Debug)]
pub struct Engine {
    pub(super) backend: Backend,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Embedded {
        engine: Embedded,
        sweeper: JoinHandle<()>,
    },
    Amazon(Box<AmazonLocal>),
    External,
}

impl Engine {
    /// Starts the engine. With `data` the items are kept in this folder, otherwise in memory. The
    /// first start of [`Choice::Local`] fetches about 50 MB. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn start(choice: Choice, data: Option<&Path>) -> Result<Self, EngineError> {
        Self::start_by(choice, data, Clock::default()).await
    }

    /// Starts the engine like [`Engine::start`]. The embedded engine deletes expired items by
    /// `clock`.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn start_by(
        choice: Choice,
        data: Option<&Path>,
        clock: Clock,
    ) -> Result<Self, EngineError> {
        match choice {
            Choice::Embedded => {
                let (engine, sweeper) = Embedded::start(data, clock)?;
                Ok(Self {
                    backend: Backend::Embedded(engine.clone()),
                    kind: Kind::Embedded { engine, sweeper },
                })
            }
            Choice::Local => {
                let (local, endpoint, owner) = AmazonLocal::start(data).await?;
                let caller = EngineCaller::Owner(owner);
                Ok(Self {
                    backend: Backend::Remote(Remote::new(&endpoint, caller)?),
                    kind: Kind::Amazon(Box::new(local)),
                })
            }
            Choice::Url(_) if data.is_some() => Err(EngineError::DataOfUrl),
            Choice::Url(endpoint) => Ok(Self {
                backend: Backend::Remote(Remote::new(&endpoint, EngineCaller::Client)?),
                kind: Kind::External,
            }),
        }
    }

    /// Stops the engine and waits until its data is closed. An engine that was given by URL keeps
    /// running.
    pub async fn stop(self) {
        match self.kind {
            Kind::Embedded { engine, sweeper } => {
                sweeper.abort();
                engine.stop();
            }
            Kind::Amazon(local) => local.stop().await,
            Kind::External => {}
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

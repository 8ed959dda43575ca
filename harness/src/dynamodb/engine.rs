//! Which engine keeps the items, and its life.

use std::{path::Path, str::FromStr};

use super::{amazon::AmazonLocal, embedded::Embedded, error::EngineError};

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

//! Fetching the issuer's keys over HTTP. Keeping them is [`crate::key_cache`]'s business.

use std::{net::IpAddr, time::Duration};

use reqwest::{Client, Url, redirect};
use serde::{Deserialize, de::DeserializeOwned};

use crate::key_set::KeySet;

/// How long all requests of one fetch may take together. A connecting user waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// The largest document that is read, in bytes.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// An address that keys may be fetched from: `https`, or `http` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUrl(Url);

/// An address that keys may not be fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyUrlError {
    /// It has no scheme and host.
    #[error("is no URL")]
    Malformed,
    /// Anybody between here and there could put keys of their own in.
    #[error("is not https")]
    Insecure,
}

impl KeyUrl {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, KeyUrlError> {
        let url = Url::parse(text).map_err(|_| KeyUrlError::Malformed)?;
        let host = url.host_str().ok_or(KeyUrlError::Malformed)?;
        let is_loopback = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback());
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback => Ok(Self(url)),
            _ => Err(KeyUrlError::Insecure),
        }
    }
}

/// Where an issuer's keys are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// This is the key set.
    KeySet(KeyUrl),
    /// The issuer's own description says where the key set is.
    Discovery {
        /// `ISSUER/.well-known/openid-configuration`.
        document: KeyUrl,
        /// What the description has to call itself.
        issuer: String,
    },
}

impl KeyLocation {
    /// The place that OpenID Connect Discovery prescribes for an issuer.
    ///
    /// # Errors
    /// If the issuer is no URL that keys may be fetched from.
    pub fn discovery(issuer: &str) -> Result<Self, KeyUrlError> {
        let base = issuer.trim_end_matches('/');
        Ok(Self::Discovery {
            document: KeyUrl::parse(&format!("{base}/.well-known/openid-configuration"))?,
            issuer: issuer.to_owned(),
        })
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("request failed")]
    Request(#[source] reqwest::Error),
    #[error("answered with status {0}")]
    Status(u16),
    #[error("took longer than {} s", FETCH_TIMEOUT.as_secs())]
    TimedOut,
    #[error("answered with more than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    #[error("answered with something else than the JSON expected")]
    Unreadable(#[source] serde_json::Error),
    #[error("describes another issuer")]
    OtherIssuer,
    #[error("names a key set whose address {0}")]
    KeySetUrl(#[source] KeyUrlError),
    #[error("publishes no key that can check a signature")]
    NoKeys,
}

#[derive(Deserialize)]
struct IssuerDescription {
    issuer: String,
    jwks_uri: String,
}

/// An issuer's published keys.
pub(crate) struct KeySource {
    client: Client,
    location: KeyLocation,
}

impl KeySource {
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn new(location: KeyLocation) -> Result<Self, reqwest::Error> {
        // Redirects are not followed: they could lead away from https.
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self { client, location })
    }

    /// Fetches the keys as they are published now.
    pub(crate) async fn fetch(&self) -> Result<KeySet, FetchError> {
        tokio::time::timeout(FETCH_TIMEOUT, self.fetch_untimed())
            .await
            .map_err(|_| FetchError::TimedOut)?
    }

    async fn fetch_untimed(&self) -> Result<KeySet, FetchError> {
        let discovered;
        let url = match &self.location {
            KeyLocation::KeySet(url) => url,
            KeyLocation::Discovery { document, issuer } => {
                let description: IssuerDescription = self.get(document).await?;
                if description.issuer != *issuer {
                    return Err(FetchError::OtherIssuer);
                }
                discovered = KeyUrl::parse(&description.jwks_uri).map_err(FetchError::KeySetUrl)?;
                &discovered
            }
        };
        let keys = KeySet::from_document(self.get(url).await?);
        if keys.is_empty() {
            return Err(FetchError::NoKeys);
        }
        Ok(keys)
    }

    async fn get<T: DeserializeOwned>(&self, url: &KeyUrl) -> Result<T, FetchError> {
        let request = self.client.get(url.0.clone()).send();
        let mut response = request.await.map_err(FetchError::Request)?;
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(FetchError::Request)? {
            if document.len() + chunk.len() > MAX_DOCUMENT_BYTES {
                return Err(FetchError::TooLarge);
            }
            document.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&document).map_err(FetchError::Unreadable)
    }
}

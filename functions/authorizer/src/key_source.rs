//! Fetches the issuer's keys over HTTP. [`crate::key_cache`] keeps them.

use std::{net::IpAddr, time::Duration};

use reqwest::{Client, Url, redirect};
use serde::{Deserialize, de::DeserializeOwned};

use crate::key_set::KeySet;

/// The time limit for all requests of one fetch. A connecting client waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// The size limit of a document, in bytes.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// A URL that keys may be fetched from: `https`, or `http` on a loopback address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUrl(Url);

/// Why keys may not be fetched from a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyUrlError {
    /// It has no scheme or no host.
    #[error("is not a URL")]
    Malformed,
    /// An attacker on the network could replace the keys.
    #[error("is not https")]
    Insecure,
}

impl KeyUrl {
    /// Parses an absolute URL.
    ///
    /// # Errors
    /// The error's text completes a sentence that starts with the variable's name.
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

/// Where an issuer's keys are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// The URL of the key set.
    KeySet(KeyUrl),
    /// The issuer's discovery document names the key set.
    Discovery {
        /// `ISSUER/.well-known/openid-configuration`.
        document: KeyUrl,
        /// The issuer that the document has to name.
        issuer: String,
    },
}

impl KeyLocation {
    /// Returns the location that OpenID Connect Discovery prescribes for an issuer.
    ///
    /// # Errors
    /// Fails if the issuer is not a URL that keys may be fetched from.
    pub fn discovery(issuer: &str) -> Result<Self, KeyUrlError> {
        let base = issuer.trim_end_matches('/');
        Ok(Self::Discovery {
            document: KeyUrl::parse(&format!("{base}/.well-known/openid-configuration"))?,
            issuer: issuer.to_owned(),
        })
    }
}

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the request failed")]
    Request(#[source] reqwest::Error),
    #[error("the response has status {0}")]
    Status(u16),
    #[error("the fetch took longer than {} s", FETCH_TIMEOUT.as_secs())]
    TimedOut,
    #[error("the response is larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    #[error("the response is not the expected JSON")]
    Unreadable(#[source] serde_json::Error),
    #[error("the discovery document names another issuer")]
    OtherIssuer,
    #[error("the discovery document names a key set whose URL {0}")]
    KeySetUrl(#[source] KeyUrlError),
    #[error("the key set has no key that can verify a signature")]
    NoKeys,
}

#[derive(Deserialize)]
struct DiscoveryDocument {
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
    /// Fails if TLS cannot be set up.
    pub(crate) fn new(location: KeyLocation) -> Result<Self, reqwest::Error> {
        // Redirects are not followed, because they could lead to a URL without TLS.
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self { client, location })
    }

    /// Fetches the currently published keys.
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
                let discovery: DiscoveryDocument = self.get(document).await?;
                if discovery.issuer != *issuer {
                    return Err(FetchError::OtherIssuer);
                }
                discovered = KeyUrl::parse(&discovery.jwks_uri).map_err(FetchError::KeySetUrl)?;
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

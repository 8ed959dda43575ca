//! What the function is told by its environment, read once at cold start.

use std::env;

use jsonwebtoken::DecodingKey;

use crate::{
    key_source::{KeyLocation, KeyUrl},
    origin::AllowedOrigins,
};

/// The shortest shared secret in bytes: as long as the digest of HS256 (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// Everything that a deployment chooses.
///
/// | variable | | |
/// | --- | --- | --- |
/// | `ALLOWED_ORIGINS` | required, may be empty | comma-separated origins, or `*` |
/// | `TOKEN_ISSUER` | required | `iss` of every token, compared exactly |
/// | `TOKEN_AUDIENCE` | required | has to be among the token's `aud` |
/// | `TOKEN_JWKS_URL` | | where the issuer's keys are; empty: found through `ISSUER/.well-known/openid-configuration` |
/// | `TOKEN_SHARED_SECRET` | | HS256 with it instead of the issuer's keys |
/// | `TOKEN_NAME_CLAIM` | `name` | the claim with the display name |
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The pages that may open a connection.
    pub allowed_origins: AllowedOrigins,
    /// `iss` of every token.
    pub issuer: String,
    /// Has to be among a token's `aud`.
    pub audience: String,
    /// The claim with the display name.
    pub name_claim: String,
    /// Whose signatures are believed, and thereby which algorithms.
    pub trust: Trust,
}

/// Whose signatures are believed. The two are never mixed: a public key as HMAC secret is everybody's secret.
#[derive(Clone, Debug)]
pub enum Trust {
    /// HS256 and nothing else. (The key's `Debug` hides the secret.)
    SharedSecret(DecodingKey),
    /// Asymmetric algorithms, each only with a key that is made for it.
    PublishedKeys(KeyLocation),
}

/// A variable that stops the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// It has to be set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// It has to be something else.
    #[error("{variable} {problem}")]
    Bad {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it; without a secret's value.
        problem: String,
    },
}

impl Configuration {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names the first variable that is missing or bad.
    pub fn from_environment() -> Result<Self, ConfigurationError> {
        Self::read(|name| env::var(name).ok())
    }

    /// Reads variables from anywhere. An empty optional variable is one that is not set.
    ///
    /// # Errors
    /// Names the first variable that is missing or bad.
    pub fn read(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ConfigurationError> {
        let optional = |name| variable(name).filter(|value| !value.is_empty());
        let required = |name| optional(name).ok_or(ConfigurationError::Missing(name));

        let allowed_origins =
            variable("ALLOWED_ORIGINS").ok_or(ConfigurationError::Missing("ALLOWED_ORIGINS"))?;
        let allowed_origins = AllowedOrigins::parse(&allowed_origins).map_err(|element| {
            bad(
                "ALLOWED_ORIGINS",
                format!("has {element:?}, which is no origin such as https://chat.example.org"),
            )
        })?;
        let issuer = required("TOKEN_ISSUER")?;
        let trust = match (optional("TOKEN_SHARED_SECRET"), optional("TOKEN_JWKS_URL")) {
            (Some(_), Some(_)) => {
                return Err(bad(
                    "TOKEN_SHARED_SECRET",
                    "and TOKEN_JWKS_URL are both set; tokens are checked by one or the other"
                        .to_owned(),
                ));
            }
            (Some(secret), None) if secret.len() < MIN_SECRET_BYTES => {
                return Err(bad(
                    "TOKEN_SHARED_SECRET",
                    format!("is shorter than {MIN_SECRET_BYTES} bytes"),
                ));
            }
            (Some(secret), None) => {
                Trust::SharedSecret(DecodingKey::from_secret(secret.as_bytes()))
            }
            (None, Some(url)) => Trust::PublishedKeys(KeyLocation::KeySet(
                KeyUrl::parse(&url)
                    .map_err(|problem| bad("TOKEN_JWKS_URL", problem.to_string()))?,
            )),
            (None, None) => Trust::PublishedKeys(
                KeyLocation::discovery(&issuer)
                    .map_err(|problem| bad("TOKEN_ISSUER", problem.to_string()))?,
            ),
        };
        Ok(Self {
            allowed_origins,
            issuer,
            audience: required("TOKEN_AUDIENCE")?,
            name_claim: optional("TOKEN_NAME_CLAIM").unwrap_or_else(|| "name".to_owned()),
            trust,
        })
    }
}

fn bad(variable: &'static str, problem: String) -> ConfigurationError {
    ConfigurationError::Bad { variable, problem }
}

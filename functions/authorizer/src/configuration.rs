//! The function's environment, read once at cold start.

use std::env;

use jsonwebtoken::DecodingKey;

use crate::{
    key_source::{KeyLocation, KeyUrl},
    origin::AllowedOrigins,
};

/// The shortest shared secret, in bytes: the length of the HS256 digest (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The values that a deployment chooses.
///
/// | variable | default | value |
/// | --- | --- | --- |
/// | `ALLOWED_ORIGINS` | required, may be empty | comma-separated origins, or `*` |
/// | `TOKEN_ISSUER` | required | `iss` of every token, compared exactly |
/// | `TOKEN_AUDIENCE` | required | one of the values in the token's `aud` |
/// | `TOKEN_JWKS_URL` | | URL of the issuer's keys; if empty, OIDC discovery finds it |
/// | `TOKEN_SHARED_SECRET` | | secret for HS256, used instead of the issuer's keys |
/// | `TOKEN_NAME_CLAIM` | `name` | the claim with the display name |
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The origins of pages that may open a connection.
    pub allowed_origins: AllowedOrigins,
    /// The required `iss` of every token.
    pub issuer: String,
    /// The value that a token's `aud` has to include.
    pub audience: String,
    /// The claim with the display name.
    pub name_claim: String,
    /// The trusted signatures, which also determine the algorithms.
    pub trust: Trust,
}

/// The trusted signatures. The two kinds are never mixed: if a public key were accepted as an HMAC
/// secret, anyone could sign tokens.
#[derive(Clone, Debug)]
pub enum Trust {
    /// HS256 only. The key's `Debug` hides the secret.
    SharedSecret(DecodingKey),
    /// Asymmetric algorithms, each only with a key that is meant for it.
    PublishedKeys(KeyLocation),
}

/// Why the function cannot start: an environment variable is missing or invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// A required variable is not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable has an invalid value.
    #[error("{variable} {problem}")]
    Invalid {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with the value. Never holds a secret.
        problem: String,
    },
}

impl Configuration {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names the first variable that is missing or invalid.
    pub fn from_environment() -> Result<Self, ConfigurationError> {
        Self::read(|name| env::var(name).ok())
    }

    /// Reads the variables through a function. An empty optional variable counts as not set.
    ///
    /// # Errors
    /// Names the first variable that is missing or invalid.
    pub fn read(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ConfigurationError> {
        let optional = |name| variable(name).filter(|value| !value.is_empty());
        let required = |name| optional(name).ok_or(ConfigurationError::Missing(name));

        let allowed_origins =
            variable("ALLOWED_ORIGINS").ok_or(ConfigurationError::Missing("ALLOWED_ORIGINS"))?;
        let allowed_origins = AllowedOrigins::parse(&allowed_origins).map_err(|element| {
            invalid(
                "ALLOWED_ORIGINS",
                format!("has {element:?}, which is not an origin such as https://chat.example.org"),
            )
        })?;
        let issuer = required("TOKEN_ISSUER")?;
        let trust = match (optional("TOKEN_SHARED_SECRET"), optional("TOKEN_JWKS_URL")) {
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "TOKEN_SHARED_SECRET",
                    "and TOKEN_JWKS_URL are both set; set only one of them".to_owned(),
                ));
            }
            (Some(secret), None) if secret.len() < MIN_SECRET_BYTES => {
                return Err(invalid(
                    "TOKEN_SHARED_SECRET",
                    format!("is shorter than {MIN_SECRET_BYTES} bytes"),
                ));
            }
            (Some(secret), None) => {
                Trust::SharedSecret(DecodingKey::from_secret(secret.as_bytes()))
            }
            (None, Some(url)) => Trust::PublishedKeys(KeyLocation::KeySet(
                KeyUrl::parse(&url)
                    .map_err(|problem| invalid("TOKEN_JWKS_URL", problem.to_string()))?,
            )),
            (None, None) => Trust::PublishedKeys(
                KeyLocation::discovery(&issuer)
                    .map_err(|problem| invalid("TOKEN_ISSUER", problem.to_string()))?,
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

fn invalid(variable: &'static str, problem: String) -> ConfigurationError {
    ConfigurationError::Invalid { variable, problem }
}

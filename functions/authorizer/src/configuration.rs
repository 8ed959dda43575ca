//! The function's environment, read once at cold start.

use std::env;

use jsonwebtoken::DecodingKey;

use crate::{
    key_source::{KeyLocation, KeyUrl},
    origin::AllowedOrigins,
};

/// The shortest shared secret, in bytes: the length of the HS256 digest (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;
const SECRET: &str = "TOKEN_SHARED_SECRET";
const SECOND_SECRET: &str = "TOKEN_SECOND_SHARED_SECRET";

/// The values that a deployment chooses.
///
/// | variable | default | value |
/// | --- | --- | --- |
/// | `ALLOWED_ORIGINS` | required, may be empty | comma-separated origins, or `*` |
/// | `TOKEN_ISSUER` | required | `iss` of every token, compared exactly |
/// | `TOKEN_AUDIENCE` | required | one of the values in the token's `aud` |
/// | `TOKEN_AUDIENCE_CLAIM` | `aud` | `client_id`: the audience of a token without `aud` |
/// | `TOKEN_JWKS_URL` | | URL of the issuer's keys; if empty, OIDC discovery finds it |
/// | `TOKEN_SHARED_SECRET` | | secret for HS256, used instead of the issuer's keys |
/// | `TOKEN_SECOND_SHARED_SECRET` | | accepted as well, while the issuer changes its secret |
/// | `TOKEN_NAME_CLAIM` | `name` | the claim with the display name |
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The origins of pages that may open a connection.
    pub allowed_origins: AllowedOrigins,
    /// The required `iss` of every token.
    pub issuer: String,
    /// The value that a token's `aud` has to include.
    pub audience: String,
    /// The claim that holds it.
    pub audience_claim: AudienceClaim,
    /// The claim with the display name.
    pub name_claim: String,
    /// The trusted signatures, which also determine the algorithms.
    pub trust: Trust,
}

/// The trusted signatures. The two kinds are never mixed: if a public key were accepted as an HMAC
/// secret, anyone could sign tokens.
#[derive(Clone, Debug)]
pub enum Trust {
    /// HS256 only, with any of these secrets. The `Debug` of a key hides its secret.
    SharedSecrets(Vec<DecodingKey>),
    /// Asymmetric algorithms, each only with a key that is meant for it.
    PublishedKeys(KeyLocation),
}

/// The claim that says for whom a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudienceClaim {
    /// `aud`, as RFC 7519 defines it.
    Audience,
    /// `client_id` in tokens without `aud`, such as the access tokens of Amazon Cognito. A token
    /// with an `aud` is still checked by that.
    ClientId,
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
        let secret = |name| match optional(name) {
            Some(secret) if secret.len() < MIN_SECRET_BYTES => {
                let problem = format!("is shorter than {MIN_SECRET_BYTES} bytes");
                Err(invalid(name, problem))
            }
            secret => Ok(secret.map(|secret| DecodingKey::from_secret(secret.as_bytes()))),
        };
        let secrets = (secret(SECRET)?, secret(SECOND_SECRET)?);
        let trust = match (secrets, optional("TOKEN_JWKS_URL")) {
            ((Some(_), _), Some(_)) => {
                return Err(invalid(
                    SECRET,
                    "and TOKEN_JWKS_URL are both set; set only one of them".to_owned(),
                ));
            }
            ((None, Some(_)), _) => {
                return Err(invalid(
                    SECOND_SECRET,
                    format!("is set without {SECRET}; set the first one, too"),
                ));
            }
            ((Some(first), second), None) => {
                Trust::SharedSecrets([first].into_iter().chain(second).collect())
            }
            ((None, None), Some(url)) => Trust::PublishedKeys(KeyLocation::KeySet(
                KeyUrl::parse(&url)
                    .map_err(|problem| invalid("TOKEN_JWKS_URL", problem.to_string()))?,
            )),
            ((None, None), None) => Trust::PublishedKeys(
                KeyLocation::discovery(&issuer)
                    .map_err(|problem| invalid("TOKEN_ISSUER", problem.to_string()))?,
            ),
        };
        let audience_claim = match optional("TOKEN_AUDIENCE_CLAIM").as_deref() {
            None | Some("aud") => AudienceClaim::Audience,
            Some("client_id") => AudienceClaim::ClientId,
            Some(_) => {
                let problem = "is neither aud nor client_id".to_owned();
                return Err(invalid("TOKEN_AUDIENCE_CLAIM", problem));
            }
        };
        Ok(Self {
            allowed_origins,
            issuer,
            audience: required("TOKEN_AUDIENCE")?,
            audience_claim,
            name_claim: optional("TOKEN_NAME_CLAIM").unwrap_or_else(|| "name".to_owned()),
            trust,
        })
    }
}

fn invalid(variable: &'static str, problem: String) -> ConfigurationError {
    ConfigurationError::Invalid { variable, problem }
}

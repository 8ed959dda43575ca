//! Verifies a token and extracts the identity.

use chat::{
    domain::{DisplayName, Identity, Timestamp, UserId},
    ports::Clock,
};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, Validation, decode, decode_header, errors::ErrorKind,
};
use serde_json::{Map, Value};

use crate::{
    configuration::{Configuration, Trust},
    error::{AuthorizerError, TokenError},
    key_cache::KeyCache,
    key_source::KeySource,
};

/// How far ahead an issuer's clock may be, in seconds. Expiry has no leeway: the client gets a new
/// token instead.
const NOT_BEFORE_LEEWAY: f64 = 30.0;
/// The last second of the year 9999. A later expiry is an error of the issuer, and might not fit
/// into the number types of the functions.
const LATEST_EXPIRY: f64 = 253_402_300_799.0;

pub(crate) struct Verifier<C> {
    issuer: String,
    audience: String,
    name_claim: String,
    keys: Keys<C>,
    clock: C,
}

enum Keys<C> {
    SharedSecret(DecodingKey),
    Published(KeyCache<C>),
}

impl<C: Clock + Clone + Sync> Verifier<C> {
    /// Creates a verifier and fetches the keys.
    ///
    /// # Errors
    /// Fails if TLS cannot be set up.
    pub(crate) async fn open(
        configuration: Configuration,
        clock: C,
    ) -> Result<Self, reqwest::Error> {
        let keys = match configuration.trust {
            Trust::SharedSecret(key) => Keys::SharedSecret(key),
            Trust::PublishedKeys(location) => {
                let cache = KeyCache::new(KeySource::new(location)?, clock.clone());
                cache.warm().await;
                Keys::Published(cache)
            }
        };
        Ok(Self {
            issuer: configuration.issuer,
            audience: configuration.audience,
            name_claim: configuration.name_claim,
            keys,
            clock,
        })
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Verifies a token and returns its user.
    pub(crate) async fn verify(&self, token: &str) -> Result<Identity, AuthorizerError> {
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        if header.crit.is_some() {
            return Err(TokenError::CriticalExtensions.into());
        }
        if !header.typ.as_deref().is_none_or(is_accepted_type) {
            return Err(TokenError::Type.into());
        }
        let key = self.key(header.kid.as_deref(), header.alg).await?;
        let claims = self.verified_claims(token, header.alg, &key)?;
        Ok(self.identity(&claims)?)
    }

    /// Returns the key that verifies the token. The configuration and the key determine which
    /// algorithms are allowed; the token only names the one that signed it.
    async fn key(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, AuthorizerError> {
        match &self.keys {
            Keys::SharedSecret(key) if algorithm == Algorithm::HS256 => Ok(key.clone()),
            Keys::Published(cache) if algorithm.family() != AlgorithmFamily::Hmac => {
                cache.find(id, algorithm).await
            }
            _ => Err(TokenError::Algorithm.into()),
        }
    }

    fn verified_claims(
        &self,
        token: &str,
        algorithm: Algorithm,
        key: &DecodingKey,
    ) -> Result<Map<String, Value>, TokenError> {
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        // `identity` checks the times, by the clock port and with leeway for `nbf` only.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        decode(token, key, &validation)
            .map(|token| token.claims)
            .map_err(|error| token_error(error.into_kind()))
    }

    fn identity(&self, claims: &Map<String, Value>) -> Result<Identity, TokenError> {
        // The library also accepts an array of issuers, which RFC 7519 does not allow.
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(TokenError::Issuer);
        }
        let now = self.clock.now();
        let expires = claims
            .get("exp")
            .and_then(Value::as_f64)
            .filter(|seconds| (0.0..=LATEST_EXPIRY).contains(seconds))
            .ok_or(TokenError::Malformed)?
            .floor() as u64;
        let expires = Timestamp::from_seconds(expires);
        if expires <= now {
            return Err(TokenError::Expired);
        }
        if let Some(not_before) = claims.get("nbf") {
            let not_before = not_before.as_f64().ok_or(TokenError::Malformed)?;
            if not_before > now.seconds() as f64 + NOT_BEFORE_LEEWAY {
                return Err(TokenError::NotYetValid);
            }
        }
        let subject = claims.get("sub").and_then(Value::as_str);
        let user = UserId::new(subject.unwrap_or_default()).map_err(|_| TokenError::Subject)?;
        let claim = claims.get(&self.name_claim).and_then(Value::as_str);
        let name = DisplayName::of(&user, claim.unwrap_or_default());
        Ok(Identity {
            user,
            name,
            expires,
        })
    }
}

/// Returns whether a token of this `typ` may identify a user: an identity or access token, but
/// not, for example, a logout token.
fn is_accepted_type(typ: &str) -> bool {
    let accepted = ["JWT", "at+jwt", "application/at+jwt"];
    accepted.iter().any(|name| name.eq_ignore_ascii_case(typ))
}

fn token_error(kind: ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidAlgorithm => TokenError::Algorithm,
        ErrorKind::InvalidIssuer => TokenError::Issuer,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::MissingRequiredClaim(claim) => TokenError::MissingClaim(claim),
        _ => TokenError::Malformed,
    }
}

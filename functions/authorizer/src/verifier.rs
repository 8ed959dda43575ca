//! From a token to an identity.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, Validation, decode, decode_header, errors::ErrorKind,
};
use serde_json::{Map, Value};

use crate::{
    clock::Clock,
    configuration::{Configuration, Trust},
    identity::{Identity, User, display_name},
    key_cache::KeyCache,
    key_source::KeySource,
    refusal::{Failure, Refusal},
};

/// How far ahead an issuer's clock may be, in seconds. There is no such leeway for the end: who is late logs in again.
const NOT_BEFORE_LEEWAY: f64 = 30.0;
/// The last second of the year 9999. A later end is a mistake, and might not fit where the functions read it.
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

impl<C: Clock> Verifier<C> {
    /// Also fetches the keys.
    ///
    /// # Errors
    /// If TLS cannot be set up.
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

    /// Believes a token or says why not.
    pub(crate) async fn verify(&self, token: &str) -> Result<Identity, Failure> {
        let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
        if header.crit.is_some() {
            return Err(Refusal::CriticalExtensions.into());
        }
        let key = self.key(header.kid.as_deref(), header.alg).await?;
        let claims = self.checked_claims(token, header.alg, &key)?;
        Ok(self.identity(&claims)?)
    }

    /// The algorithm follows from the configuration and the key; the token only says which of these it used.
    async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, Failure> {
        match &self.keys {
            Keys::SharedSecret(key) if algorithm == Algorithm::HS256 => Ok(key.clone()),
            Keys::Published(cache) if algorithm.family() != AlgorithmFamily::Hmac => {
                cache.find(id, algorithm).await
            }
            _ => Err(Refusal::Algorithm.into()),
        }
    }

    fn checked_claims(
        &self,
        token: &str,
        algorithm: Algorithm,
        key: &DecodingKey,
    ) -> Result<Map<String, Value>, Refusal> {
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        // Time is checked in `identity`, by our clock and with a leeway for one end only.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        decode(token, key, &validation)
            .map(|token| token.claims)
            .map_err(|error| refusal_for(error.into_kind()))
    }

    fn identity(&self, claims: &Map<String, Value>) -> Result<Identity, Refusal> {
        let now = self.clock.now();
        let expires = claims
            .get("exp")
            .and_then(Value::as_f64)
            .filter(|seconds| (0.0..=LATEST_EXPIRY).contains(seconds))
            .ok_or(Refusal::Malformed)?
            .floor() as u64;
        if expires <= now {
            return Err(Refusal::Expired);
        }
        if let Some(not_before) = claims.get("nbf") {
            let not_before = not_before.as_f64().ok_or(Refusal::Malformed)?;
            if not_before > now as f64 + NOT_BEFORE_LEEWAY {
                return Err(Refusal::NotYetValid);
            }
        }
        let user = claims
            .get("sub")
            .and_then(Value::as_str)
            .and_then(User::parse)
            .ok_or(Refusal::Subject)?;
        let name = display_name(claims.get(&self.name_claim).and_then(Value::as_str), &user);
        Ok(Identity {
            user,
            name,
            expires,
        })
    }
}

fn refusal_for(kind: ErrorKind) -> Refusal {
    match kind {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidAlgorithm => Refusal::Algorithm,
        ErrorKind::InvalidIssuer => Refusal::Issuer,
        ErrorKind::InvalidAudience => Refusal::Audience,
        ErrorKind::MissingRequiredClaim(claim) => Refusal::MissingClaim(claim),
        _ => Refusal::Malformed,
    }
}

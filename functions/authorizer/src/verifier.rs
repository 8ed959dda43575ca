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
    configuration::{AudienceClaim, Configuration, Trust},
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
    audience_claim: AudienceClaim,
    name_claim: String,
    keys: Keys<C>,
    clock: C,
}

enum Keys<C> {
    SharedSecrets(Vec<DecodingKey>),
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
            Trust::SharedSecrets(keys) => Keys::SharedSecrets(keys),
            Trust::PublishedKeys(location) => {
                let cache = KeyCache::new(KeySource::new(location)?, clock.clone());
                cache.warm().await;
                Keys::Published(cache)
            }
        };
        Ok(Self {
            issuer: configuration.issuer,
            audience: configuration.audience,
            audience_claim: configuration.audience_claim,
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
        let keys = self.keys(header.kid.as_deref(), header.alg).await?;
        let claims = self.verified_claims(token, header.alg, &keys)?;
        Ok(self.identity(&claims)?)
    }

    /// Returns the keys that may verify the token: one of the issuer's, or all shared secrets. The
    /// configuration and the key determine which algorithms are allowed; the token only names the
    /// one that signed it.
    async fn keys(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<DecodingKey>, AuthorizerError> {
        match &self.keys {
            Keys::SharedSecrets(keys) if algorithm == Algorithm::HS256 => Ok(keys.clone()),
            Keys::Published(cache) if algorithm.family() != AlgorithmFamily::Hmac => {
                Ok(vec![cache.find(id, algorithm).await?])
            }
            _ => Err(TokenError::Algorithm.into()),
        }
    }

    fn verified_claims(
        &self,
        token: &str,
        algorithm: Algorithm,
        keys: &[DecodingKey],
    ) -> Result<Map<String, Value>, TokenError> {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.issuer]);
        match self.audience_claim {
            AudienceClaim::Audience => {
                validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
                validation.set_audience(&[&self.audience]);
            }
            // The library knows no other claim than `aud`, so `identity` checks the audience.
            AudienceClaim::ClientId => {
                validation.set_required_spec_claims(&["exp", "iss", "sub"]);
                validation.validate_aud = false;
            }
        }
        // `identity` checks the times, by the clock port and with leeway for `nbf` only.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let mut verified = Err(TokenError::Signature);
        for key in keys {
            verified = decode(token, key, &validation)
                .map(|token| token.claims)
                .map_err(|error| token_error(error.into_kind()));
            if !matches!(verified, Err(TokenError::Signature)) {
                break;
            }
        }
        verified
    }

    fn identity(&self, claims: &Map<String, Value>) -> Result<Identity, TokenError> {
        // The library also accepts an array of issuers, which RFC 7519 does not allow.
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(TokenError::Issuer);
        }
        if self.audience_claim == AudienceClaim::ClientId && !is_for(claims, &self.audience) {
            return Err(TokenError::Audience);
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

/// Returns whether a token is for the client `audience`: by its `aud`, or by its `client_id` if it
/// has no `aud`. A token for another service may come from the same client, so `aud` wins.
fn is_for(claims: &Map<String, Value>, audience: &str) -> bool {
    match claims.get("aud") {
        None => claims.get("client_id").and_then(Value::as_str) == Some(audience),
        Some(Value::String(only)) => only == audience,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(audience)),
        Some(_) => false,
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

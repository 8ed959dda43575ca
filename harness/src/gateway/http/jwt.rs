//! JWT authorizers of HTTP APIs: the keys of issuers, and the checks of a token.
//!
//! The reason for refusing a token is in the log and in `WWW-Authenticate`; the token is in
//! neither.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{Jwk, JwkSet},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::stack::JwtAuthorizer;

/// How long API Gateway keeps the keys of an issuer.
const KEYS_KEPT: Duration = Duration::from_secs(2 * 60 * 60);
/// How long the keys of an issuer are not read again, whatever tokens arrive. Otherwise tokens with
/// made-up key ids would make the harness call the issuer as often as they are sent.
const REST: Duration = Duration::from_secs(60);
/// The time limit for each of the two requests to an issuer.
const PATIENCE: Duration = Duration::from_secs(5);
/// API Gateway supports RSA only.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    /// The token is not valid for the authorizer.
    #[error("{0}")]
    Invalid(&'static str),
    /// The token has none of these scopes.
    #[error("the token has none of the scopes {0}")]
    Scope(String),
    /// The issuer does not answer, or its answer contains no keys.
    #[error("cannot read the keys of {issuer}: {reason}")]
    Issuer { issuer: String, reason: String },
}

/// The keys of issuers, read when a token needs them.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Made for the first token: it reads the certificates of the system.
    client: OnceLock<reqwest::Client>,
    /// By issuer. Never locked while an issuer is called.
    known: Mutex<HashMap<String, Issuer>>,
}

/// What is known of one issuer.
#[derive(Debug, Default)]
struct Issuer {
    /// The keys that were read last, and when.
    keys: Option<(Instant, Arc<JwkSet>)>,
    /// When the keys were last asked for, and the result, which may not be there yet.
    attempt: Option<(Instant, Attempt)>,
}

/// The keys, or why they cannot be read. All tokens that wait for the same keys share it.
type Attempt = Shared<BoxFuture<'static, Result<Arc<JwkSet>, Arc<str>>>>;

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

impl Keys {
    /// Returns the key with this id. A key that is not known yet is looked up again, since a local
    /// issuer may have been restarted, but an issuer is asked at most once in [`REST`].
    async fn get(&self, issuer: &str, key_id: &str) -> Result<Jwk, TokenError> {
        let (began, attempt) = {
            let mut known = self.known();
            let Issuer { keys, attempt } = known.entry(issuer.to_owned()).or_default();
            if let Some((read, keys)) = keys
                && read.elapsed() < KEYS_KEPT
                && let Some(key) = keys.find(key_id)
            {
                return Ok(key.clone());
            }
            match attempt {
                Some((began, attempt)) if began.elapsed() < REST => (*began, attempt.clone()),
                attempt => attempt.insert((Instant::now(), self.read(issuer))).clone(),
            }
        };
        let keys = attempt.await.map_err(|reason| TokenError::Issuer {
            issuer: issuer.to_owned(),
            reason: reason.to_string(),
        })?;
        if let Some(known) = self.known().get_mut(issuer) {
            known.keys = Some((began, Arc::clone(&keys)));
        }
        keys.find(key_id).cloned().ok_or(TokenError::Invalid(
            "the issuer has no key with the token's kid",
        ))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Issuer>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to read the keys of an issuer. A client that leaves does not stop it.
    fn read(&self, issuer: &str) -> Attempt {
        let client = self.client.get_or_init(reqwest::Client::new).clone();
        let issuer = issuer.trim_end_matches('/').to_owned();
        let reading = tokio::spawn(async move { key_set(&client, &issuer).await });
        let read = reading.map(|ended| match ended {
            Ok(Ok(keys)) => Ok(Arc::new(keys)),
            Ok(Err(error)) => Err(error.to_string().into()),
            Err(error) => Err(error.to_string().into()),
        });
        read.boxed().shared()
    }

    /// Returns the member `jwt` of the event's authorizer for a valid token.
    ///
    /// # Errors
    /// Fails if the token is not valid, or has none of `scopes`.
    pub(super) async fn verify(
        &self,
        authorizer: &JwtAuthorizer,
        scopes: &[String],
        source: &str,
    ) -> Result<Value, TokenError> {
        let token = match source.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => source,
        };
        let malformed = TokenError::Invalid("the token is malformed");
        let header = decode_header(token).map_err(|_| malformed)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(TokenError::Invalid(
                "the token is not signed by RSA (RS256, RS384, RS512)",
            ));
        }
        let key_id = header
            .kid
            .ok_or(TokenError::Invalid("the token has no kid"))?;
        let key = self.get(&authorizer.issuer, &key_id).await?;
        let claims = claims(token, &key, header.alg)?;
        check(&claims, authorizer)?;
        let granted = granted(&claims);
        let matching: Vec<_> = granted
            .filter(|it| scopes.iter().any(|one| one == it))
            .collect();
        if !scopes.is_empty() && matching.is_empty() {
            return Err(TokenError::Scope(scopes.join(" ")));
        }
        let scopes = if scopes.is_empty() {
            Value::Null
        } else {
            json!(matching)
        };
        let texts: Map<_, _> = claims
            .iter()
            .map(|(name, value)| (name.clone(), text(value).into()))
            .collect();
        Ok(json!({ "claims": texts, "scopes": scopes }))
    }
}

async fn key_set(client: &reqwest::Client, issuer: &str) -> Result<JwkSet, reqwest::Error> {
    let discovery = format!("{issuer}/.well-known/openid-configuration");
    let discovery: Discovery = json(client, &discovery).await?;
    json(client, &discovery.jwks_uri).await
}

async fn json<T: serde::de::DeserializeOwned>(
    client: &reqwest::Client,
    url: &str,
) -> Result<T, reqwest::Error> {
    let request = client.get(url).timeout(PATIENCE);
    request.send().await?.error_for_status()?.json().await
}

/// Returns the claims of a token with a valid signature that is valid now.
fn claims(token: &str, key: &Jwk, algorithm: Algorithm) -> Result<Map<String, Value>, TokenError> {
    let unusable = TokenError::Invalid("the key of the issuer is not an RSA key");
    let key = DecodingKey::from_jwk(key).map_err(|_| unusable)?;
    let mut validation = Validation::new(algorithm);
    validation.leeway = 0;
    validation.validate_nbf = true;
    // The audience may also be in `client_id`.
    validation.validate_aud = false;
    decode(token, &key, &validation)
        .map(|token| token.claims)
        .map_err(|error| {
            TokenError::Invalid(match error.kind() {
                ErrorKind::ExpiredSignature => "the token has expired",
                ErrorKind::ImmatureSignature => "the token is not valid yet",
                ErrorKind::MissingRequiredClaim(_) => "the token has no exp",
                ErrorKind::InvalidSignature => "the signature of the token is invalid",
                _ => "the token is malformed",
            })
        })
}

/// Checks the issuer, the audience and the time of issue.
fn check(claims: &Map<String, Value>, authorizer: &JwtAuthorizer) -> Result<(), TokenError> {
    if claims.get("iss").and_then(Value::as_str) != Some(&authorizer.issuer) {
        return Err(TokenError::Invalid("the token has another issuer"));
    }
    // `client_id` counts only without `aud`.
    let audience = match claims.get("aud").or_else(|| claims.get("client_id")) {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let is_listed = |one: &&str| authorizer.audience.iter().any(|listed| listed == one);
    if !audience.iter().any(is_listed) {
        return Err(TokenError::Invalid(
            "the token does not have a valid audience",
        ));
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let issued = claims.get("iat").and_then(Value::as_f64);
    if issued.is_some_and(|issued| issued > now.as_secs_f64()) {
        return Err(TokenError::Invalid("the token is issued in the future"));
    }
    Ok(())
}

/// Returns the scopes of a token: `scope` or `scp`, a text with spaces or a list.
fn granted(claims: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let listed = ["scope", "scp"].map(|name| claims.get(name));
    listed.into_iter().flatten().flat_map(|value| match value {
        Value::String(text) => text.split(' ').collect::<Vec<_>>(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    })
}

/// Returns a claim as text, as events contain it: lists in brackets, without commas.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            let all: Vec<_> = all.iter().map(text).collect();
            format!("[{}]", all.join(" "))
        }
        other => other.to_string(),
    }
}

impl TokenError {
    /// Returns the value of `WWW-Authenticate`.
    pub(super) fn challenge(&self) -> String {
        let (error, scope) = match self {
            Self::Scope(scopes) => ("insufficient_scope", scopes.as_str()),
            Self::Invalid(_) | Self::Issuer { .. } => ("invalid_token", ""),
        };
        let reason = match self {
            // The log has the details.
            Self::Issuer { .. } => "OIDC discovery endpoint communication error".to_owned(),
            _ => self.to_string(),
        };
        format!(r#"Bearer scope="{scope}" error="{error}" error_description="{reason}""#)
    }
}

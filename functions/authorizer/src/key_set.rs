//! The keys of a JSON Web Key Set that can verify a token's signature, each with its algorithms.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use crate::error::TokenError;

/// The number of characters of an unknown key id that are logged. Clients choose these ids.
const MAX_LOGGED_KEY_ID: usize = 64;

/// The JSON document. Keys are parsed one by one, so that a key of an unknown kind is skipped
/// without affecting the others.
#[derive(Deserialize)]
pub(crate) struct KeySetDocument {
    keys: Vec<Value>,
}

/// Keys by id.
#[derive(Debug, Default)]
pub(crate) struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl KeySet {
    /// Keeps the asymmetric keys that are meant for signatures.
    pub(crate) fn from_document(document: KeySetDocument) -> Self {
        let keys = document.keys.into_iter().filter_map(|value| {
            let jwk: Jwk = serde_json::from_value(value).ok()?;
            let algorithms = algorithms_for(&jwk);
            let key = DecodingKey::from_jwk(&jwk).ok()?;
            (!algorithms.is_empty()).then_some(Key {
                id: jwk.common.key_id,
                algorithms,
                key,
            })
        });
        Self(keys.collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the key that a token's header names. A token without a key id is accepted only if
    /// the set has exactly one key.
    pub(crate) fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&DecodingKey, TokenError> {
        let mut candidates = match (id, self.0.as_slice()) {
            (None, [_, _, ..]) => &[],
            (_, keys) => keys,
        }
        .iter()
        .filter(|key| id.is_none() || key.id.as_deref() == id)
        .peekable();
        if candidates.peek().is_none() {
            let logged = |id: &str| id.chars().take(MAX_LOGGED_KEY_ID).collect();
            return Err(TokenError::UnknownKey(id.map(logged)));
        }
        candidates
            .find(|key| key.algorithms.contains(&algorithm))
            .map(|key| &key.key)
            .ok_or(TokenError::Algorithm)
    }
}

/// Returns the algorithms that a key may verify: those of its kind, restricted to the one that the
/// key names, if it names one. Keys for other uses and symmetric keys, which do not belong in a
/// published set, get none.
fn algorithms_for(jwk: &Jwk) -> Vec<Algorithm> {
    let common = &jwk.common;
    let for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let for_verifying = common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !for_signatures || !for_verifying {
        return Vec::new();
    }
    let by_kind: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa.algorithms(),
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            &[Algorithm::EdDSA]
        }
        _ => &[],
    };
    by_kind
        .iter()
        .copied()
        .filter(|algorithm| {
            common
                .key_algorithm
                .is_none_or(|named| named == (*algorithm).into())
        })
        .collect()
}

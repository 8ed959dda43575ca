//! The keys of a JSON Web Key Set that can check a token's signature, each with the algorithms it is for.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use crate::refusal::Refusal;

/// The longest part of an unknown key id that is logged, in characters: anybody can send one.
const MAX_LOGGED_KEY_ID: usize = 64;

/// The wire form. Keys are read one by one, so that one of a kind that is not known here does not spoil the others.
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
    /// Keeps the keys that are meant for signatures and of an asymmetric kind.
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

    /// The key that a token's header asks for. A token without a key id is accepted only if there is just one key.
    pub(crate) fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&DecodingKey, Refusal> {
        let mut candidates = match (id, self.0.as_slice()) {
            (None, [_, _, ..]) => &[],
            (_, keys) => keys,
        }
        .iter()
        .filter(|key| id.is_none() || key.id.as_deref() == id)
        .peekable();
        if candidates.peek().is_none() {
            let logged = |id: &str| id.chars().take(MAX_LOGGED_KEY_ID).collect();
            return Err(Refusal::UnknownKey(id.map(logged)));
        }
        candidates
            .find(|key| key.algorithms.contains(&algorithm))
            .map(|key| &key.key)
            .ok_or(Refusal::Algorithm)
    }
}

/// The algorithms that a key may check: what its kind allows, or of these only the one that it names. None for keys of
/// other uses and for symmetric ones, which have no business in a published set.
fn algorithms_for(jwk: &Jwk) -> Vec<Algorithm> {
    let common = &jwk.common;
    let for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let for_checking = common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !for_signatures || !for_checking {
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

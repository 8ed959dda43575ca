//! How an application identifies itself to a push service: VAPID, RFC 8292.

use aws_lc_rs::{
    encoding::{AsBigEndian, EcPrivateKeyBin},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;

/// How long a token is valid at most, in seconds. Services accept 24 hours, by their own clocks.
pub const LONGEST_LIFE: u64 = 12 * 60 * 60;
/// The lengths of a private key and of an uncompressed point of P-256.
const PRIVATE: usize = 32;
const POINT: usize = 65;

/// The key pair of an application. It is the same for ever, since subscriptions are made for its
/// public key.
pub struct VapidKey {
    pair: EcdsaKeyPair,
    subject: String,
    random: SystemRandom,
}

/// Why a key is not accepted, or a token not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VapidError {
    /// The two keys are not those of a pair of P-256 in base64url.
    #[error("the VAPID keys are not a pair of P-256 in base64url")]
    Key,
    /// The subject is no contact.
    #[error("the subject is not `mailto:` or `https:` of a real host")]
    Subject,
    /// The endpoint is not a URL with a host.
    #[error("the endpoint has no origin")]
    Endpoint,
    /// The system has no randomness.
    #[error("the token cannot be signed")]
    Signature,
}

#[derive(Serialize)]
struct Header {
    typ: &'static str,
    alg: &'static str,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: u64,
    sub: &'a str,
}

impl VapidKey {
    /// Makes a key pair. Returns the private and the public key in the form that
    /// [`VapidKey::parse`] reads.
    ///
    /// # Errors
    /// Fails if the system has no randomness.
    pub fn generate() -> Result<(String, String), VapidError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = pair.map_err(|_| VapidError::Signature)?;
        let private: EcPrivateKeyBin<'_> = pair
            .private_key()
            .as_be_bytes()
            .map_err(|_| VapidError::Signature)?;
        let encoded = |key: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(key);
        Ok((
            encoded(private.as_ref()),
            encoded(pair.public_key().as_ref()),
        ))
    }

    /// Reads a key pair in the form of `web-push generate-vapid-keys`. `subject` is how a service can
    /// reach the operator.
    ///
    /// # Errors
    /// Fails if the keys are not a pair, or if services would refuse the subject.
    pub fn parse(private: &str, public: &str, subject: &str) -> Result<Self, VapidError> {
        let decoded = |text: &str, length: usize| {
            let key = BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
            key.ok()
                .filter(|key| key.len() == length)
                .ok_or(VapidError::Key)
        };
        let private = decoded(private, PRIVATE)?;
        let public = decoded(public, POINT)?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &private,
            &public,
        );
        if !is_contact(subject) {
            return Err(VapidError::Subject);
        }
        Ok(Self {
            pair: pair.map_err(|_| VapidError::Key)?,
            subject: subject.to_owned(),
            random: SystemRandom::new(),
        })
    }

    /// Returns the public key in base64url: the `applicationServerKey` of subscriptions.
    pub fn public_key(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    /// Returns the header `Authorization` for a request to `endpoint`. `now` is the time in seconds
    /// since 1970. The token is valid for [`LONGEST_LIFE`], for every endpoint of the same origin.
    ///
    /// # Errors
    /// Fails if the endpoint has no origin, or if the system has no randomness.
    pub fn authorization(&self, endpoint: &str, now: u64) -> Result<String, VapidError> {
        let claims = Claims {
            aud: origin(endpoint).ok_or(VapidError::Endpoint)?,
            exp: now + LONGEST_LIFE,
            sub: &self.subject,
        };
        let header = Header {
            typ: "JWT",
            alg: "ES256",
        };
        let signed = format!("{}.{}", encoded(&header)?, encoded(&claims)?);
        let signature = self.pair.sign(&self.random, signed.as_bytes());
        let signature = signature.map_err(|_| VapidError::Signature)?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(format!(
            "vapid t={signed}.{signature}, k={}",
            self.public_key()
        ))
    }
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VapidKey").finish_non_exhaustive()
    }
}

/// Returns scheme and authority of a URL.
fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if authority.is_empty() || authority.contains('@') || !["http", "https"].contains(&scheme) {
        return None;
    }
    url.get(..scheme.len() + "://".len() + authority.len())
}

/// Apple's service refuses subjects of this machine, and those without a host.
fn is_contact(subject: &str) -> bool {
    let host = match subject.strip_prefix("mailto:") {
        Some(address) => address.rsplit_once('@').map(|(_, host)| host),
        None => subject.strip_prefix("https://"),
    };
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain(subject) && host.is_some_and(|it| it.contains('.') && !it.contains("localhost"))
}

fn encoded(part: &impl Serialize) -> Result<String, VapidError> {
    let json = serde_json::to_vec(part).map_err(|_| VapidError::Signature)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::{Value, json};

    use super::*;

    /// The pair of RFC 8291's example.
    const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const PUBLIC: &str =
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
    const SUBJECT: &str = "mailto:ops@chat.example";

    fn key() -> VapidKey {
        VapidKey::parse(PRIVATE, PUBLIC, SUBJECT).unwrap()
    }

    #[test]
    fn a_token_is_signed_for_the_origin_of_the_endpoint() {
        let key = key();
        let now = 1_700_000_000;
        let header = key.authorization("https://push.example:8443/a?b#c", now);
        let header = header.unwrap();
        let parameters = header.strip_prefix("vapid t=").unwrap();
        let (token, public) = parameters.split_once(", k=").unwrap();
        assert_eq!((public, key.public_key().as_str()), (PUBLIC, PUBLIC));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
        let parsed = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
        assert_eq!(parsed(head), json!({ "typ": "JWT", "alg": "ES256" }));
        assert_eq!(
            parsed(claims),
            json!({ "aud": "https://push.example:8443", "exp": now + 43_200, "sub": SUBJECT })
        );
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decoded(public))
            .verify(signed.as_bytes(), &decoded(signature))
            .unwrap();
        assert!(!format!("{key:?}").contains("yfWP"));
    }

    #[test]
    fn a_generated_pair_is_a_pair() {
        let (private, public) = VapidKey::generate().unwrap();
        let key = VapidKey::parse(&private, &public, SUBJECT).unwrap();
        assert_eq!(key.public_key(), public);
        assert_ne!(VapidKey::generate().unwrap().0, private);
    }

    #[test]
    fn keys_and_subjects_that_services_refuse_are_errors() {
        let other = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        for (private, public) in [(PRIVATE, other), ("", PUBLIC), (PRIVATE, ""), ("?", PUBLIC)] {
            let error = VapidKey::parse(private, public, SUBJECT).unwrap_err();
            assert_eq!(error, VapidError::Key, "{private} {public}");
        }
        for subject in [
            "",
            "ops@chat.example",
            "mailto:",
            "mailto:ops",
            "mailto:ops@localhost",
            "http://chat.example",
            "https://localhost",
            "mailto:a b@chat.example",
        ] {
            let error = VapidKey::parse(PRIVATE, PUBLIC, subject).unwrap_err();
            assert_eq!(error, VapidError::Subject, "{subject}");
        }
        VapidKey::parse(PRIVATE, PUBLIC, "https://chat.example/contact").unwrap();
        for endpoint in [
            "",
            "push.example",
            "ftp://push.example/",
            "https:///a",
            "https://a@b/",
        ] {
            let error = key().authorization(endpoint, 0).unwrap_err();
            assert_eq!(error, VapidError::Endpoint, "{endpoint}");
        }
    }
}

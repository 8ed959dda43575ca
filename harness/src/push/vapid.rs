//! Verifies how an application identifies itself (VAPID, RFC 8292), with the rules of Apple's and
//! Mozilla's services.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use axum::http::{HeaderMap, header};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use time::OffsetDateTime;

use super::rejection::PushRejection;

/// How long a token may be valid, in seconds.
const LONGEST_LIFE: i64 = 24 * 60 * 60;
/// How much the clocks may differ, in seconds.
const TOLERANCE: i64 = 60;
/// The length of an uncompressed point of P-256.
const POINT: usize = 65;

/// Who has sent a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    /// The public key, an uncompressed point.
    pub key: Vec<u8>,
    /// `sub`: how the service can reach the sender.
    pub subject: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    exp: i64,
    sub: Option<String>,
}

/// Returns the sender, if the token is signed for `origin` and valid at `now`.
pub(super) fn verify(
    headers: &HeaderMap,
    origin: &str,
    now: OffsetDateTime,
) -> Result<Sender, PushRejection> {
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok());
    let parameters = given
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("vapid"))
        .map(|(_, parameters)| parameters)
        .ok_or(PushRejection::Unsigned)?;
    let parameter = |name: &str| {
        let mut pairs = parameters
            .split(',')
            .filter_map(|it| it.trim().split_once('='));
        let value = pairs.find(|(key, _)| *key == name).map(|(_, value)| value);
        value.ok_or(PushRejection::Unsigned)
    };
    let key = decoded(parameter("k")?, "k is not base64url")?;
    if !is_point(&key) {
        return Err(PushRejection::Token("k is no uncompressed point of P-256"));
    }
    let token = parameter("t")?;
    let (signed, signature) = token
        .rsplit_once('.')
        .ok_or(PushRejection::Token("t is no JWT"))?;
    let (head, claims) = signed
        .split_once('.')
        .ok_or(PushRejection::Token("t is no JWT"))?;
    let head: Header = parsed(head)?;
    if head.alg != "ES256" {
        return Err(PushRejection::Token("alg is not ES256"));
    }
    let signature = decoded(signature, "the signature is not base64url")?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| PushRejection::Token("the signature is not that of k"))?;
    let claims: Claims = parsed(claims)?;
    if claims.aud != origin {
        return Err(PushRejection::Token(
            "aud is not the origin of the endpoint",
        ));
    }
    let left = claims.exp.saturating_sub(now.unix_timestamp());
    if left < -TOLERANCE {
        return Err(PushRejection::Token("it has expired"));
    }
    if left > LONGEST_LIFE + TOLERANCE {
        return Err(PushRejection::Token("exp is more than 24 hours ahead"));
    }
    let subject = claims.sub.unwrap_or_default();
    if !is_contact(&subject) {
        return Err(PushRejection::Token(
            "sub is no mailto: or https: of a real host",
        ));
    }
    Ok(Sender { key, subject })
}

/// Returns whether a key may be an uncompressed point of P-256.
pub(super) fn is_point(key: &[u8]) -> bool {
    key.len() == POINT && key.first() == Some(&4)
}

/// Apple's service rejects addresses of this machine.
fn is_contact(subject: &str) -> bool {
    let host = match subject.strip_prefix("mailto:") {
        Some(address) => address.rsplit_once('@').map(|(_, host)| host),
        None => subject.strip_prefix("https://"),
    };
    host.is_some_and(|host| host.contains('.') && !host.contains("localhost"))
}

fn decoded(text: &str, reason: &'static str) -> Result<Vec<u8>, PushRejection> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| PushRejection::Token(reason))
}

fn parsed<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, PushRejection> {
    let json = decoded(part, "t is not base64url")?;
    serde_json::from_slice(&json).map_err(|_| PushRejection::Token("a claim is missing"))
}

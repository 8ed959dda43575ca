//! Encrypts a message for a subscription: RFC 8291, as one record of RFC 8188.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rand,
};

use crate::subscription::{POINT, Subscription};

/// The length of the salt.
const SALT: usize = 16;
/// The length of the tag of AES-GCM.
const TAG: usize = 16;
/// The size of records in the header. The only record is shorter.
const RECORD_SIZE: u32 = 4_096;
/// Salt, record size, the length of the key, and the key.
const HEADER: usize = SALT + 4 + 1 + POINT;
/// The longest body that every push service accepts, in bytes.
const LONGEST_BODY: usize = 4_096;
/// The byte after the content of the last record.
const DELIMITER: u8 = 2;

/// The longest content, in bytes.
pub const LONGEST_CONTENT: usize = LONGEST_BODY - HEADER - TAG - 1;

/// Why a message cannot be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionError {
    /// The content is longer than [`LONGEST_CONTENT`], or than the length to which it is padded.
    #[error("the content of {0} bytes is too long")]
    TooLong(usize),
    /// The key of the subscription is no point of the curve, or the system has no randomness.
    #[error("the message cannot be encrypted for this subscription")]
    Cryptography,
}

impl From<Unspecified> for EncryptionError {
    fn from(_: Unspecified) -> Self {
        Self::Cryptography
    }
}

/// Encrypts `content` for a subscription, padded to `padded` bytes so that its length says nothing.
/// Returns the body of the request, whose `Content-Encoding` is `aes128gcm`.
///
/// # Errors
/// Fails if the content is too long, or if the subscription's key is no point of the curve.
pub fn encrypt(
    subscription: &Subscription,
    content: &[u8],
    padded: usize,
) -> Result<Vec<u8>, EncryptionError> {
    let mut salt = [0; SALT];
    rand::fill(&mut salt)?;
    let ephemeral = PrivateKey::generate(&ECDH_P256)?;
    encrypt_with(subscription, content, padded, &ephemeral, salt)
}

/// Encrypts with a given key and salt, which must be used for one message only.
fn encrypt_with(
    subscription: &Subscription,
    content: &[u8],
    padded: usize,
    ephemeral: &PrivateKey,
    salt: [u8; SALT],
) -> Result<Vec<u8>, EncryptionError> {
    if content.len() > padded || padded > LONGEST_CONTENT {
        return Err(EncryptionError::TooLong(content.len()));
    }
    let public = ephemeral.compute_public_key()?;
    let material = key_material(subscription, ephemeral, public.as_ref())?;
    let pseudorandom = Salt::new(HKDF_SHA256, &salt).extract(&material);
    let key: [u8; 16] = expanded(&pseudorandom, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expanded(&pseudorandom, &[b"Content-Encoding: nonce\0"])?;

    let mut record = Vec::with_capacity(padded + 1 + TAG);
    record.extend(content);
    record.push(DELIMITER);
    record.resize(padded + 1, 0);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record)?;

    let mut body = Vec::with_capacity(HEADER + record.len());
    body.extend(salt);
    body.extend(RECORD_SIZE.to_be_bytes());
    // An uncompressed point.
    body.push(u8::try_from(public.as_ref().len()).map_err(|_| EncryptionError::Cryptography)?);
    body.extend(public.as_ref());
    body.extend(record);
    Ok(body)
}

/// Returns what both sides derive from their keys (RFC 8291, section 3.4).
fn key_material(
    subscription: &Subscription,
    ephemeral: &PrivateKey,
    public: &[u8],
) -> Result<[u8; 32], EncryptionError> {
    let Subscription {
        public: receiver,
        secret,
    } = subscription;
    let peer = UnparsedPublicKey::new(&ECDH_P256, receiver);
    agree(ephemeral, peer, EncryptionError::Cryptography, |shared| {
        let pseudorandom = Salt::new(HKDF_SHA256, secret).extract(shared);
        expanded(&pseudorandom, &[b"WebPush: info\0", receiver, public])
    })
}

fn expanded<const N: usize>(key: &Prk, info: &[&[u8]]) -> Result<[u8; N], EncryptionError> {
    let mut output = [0; N];
    key.expand(info, Length(N))?.fill(&mut output)?;
    Ok(output)
}

/// A length of key material.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    const PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    fn subscription() -> Subscription {
        Subscription::parse(PUBLIC, SECRET).unwrap()
    }

    fn bytes(text: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn the_example_of_the_standard_is_made_to_the_byte() {
        let private = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let private = PrivateKey::from_private_key(&ECDH_P256, &private).unwrap();
        let content = b"When I grow up, I want to be a watermelon";
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let body = encrypt_with(&subscription(), content, content.len(), &private, salt);
        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.encode(body.unwrap()),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY\
             WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS\
             gSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn the_length_says_nothing_and_no_two_bodies_are_equal() {
        let subscription = subscription();
        let bodies = ["", "short", &"long".repeat(100)]
            .map(|content| encrypt(&subscription, content.as_bytes(), 1_000).unwrap());
        for body in &bodies {
            assert_eq!(body.len(), HEADER + 1_000 + 1 + TAG);
        }
        let again = encrypt(&subscription, b"short", 1_000).unwrap();
        assert_ne!(again, bodies[1]);
        assert_ne!(again[..SALT], bodies[1][..SALT]);
    }

    #[test]
    fn the_longest_body_is_4096_bytes() {
        let subscription = subscription();
        let body = encrypt(&subscription, b"x", LONGEST_CONTENT).unwrap();
        assert_eq!(body.len(), LONGEST_BODY);
        for (length, padded) in [(LONGEST_CONTENT + 1, LONGEST_CONTENT + 1), (2, 1)] {
            let error = encrypt(&subscription, &vec![0; length], padded).unwrap_err();
            assert_eq!(error, EncryptionError::TooLong(length));
        }
    }

    #[test]
    fn a_point_outside_of_the_curve_is_an_error() {
        let mut point = bytes(PUBLIC);
        point[40] ^= 1;
        let point = BASE64_URL_SAFE_NO_PAD.encode(point);
        let subscription = Subscription::parse(&point, SECRET).unwrap();
        let error = encrypt(&subscription, b"x", 10).unwrap_err();
        assert_eq!(error, EncryptionError::Cryptography);
    }
}

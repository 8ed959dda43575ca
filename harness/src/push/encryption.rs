//! Decrypts messages as a browser does (RFC 8291, with the content encoding of RFC 8188). Everything
//! cryptographic is done by `aws-lc-rs`.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hkdf::{HKDF_SHA256, KeyType, Salt},
    rand,
};

/// The length of an uncompressed point of P-256.
const POINT: usize = 65;
/// The length of the secret that a browser shares with an application.
const SECRET: usize = 16;
/// The parts of the header: a salt, the size of records, the length of the key's id.
const SALT: usize = 16;
const RECORD_SIZE: usize = 4;
/// The tag at the end of a record.
const TAG: usize = 16;
/// The byte after the content of the last record. Zeros may follow it.
const DELIMITER: u8 = 2;

/// The keys of a subscription.
pub(super) struct Keys {
    private: PrivateKey,
    public: Vec<u8>,
    secret: [u8; SECRET],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// A length of key material.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Keys {
    /// Returns new random keys, or `None` if the system has no randomness.
    pub fn generate() -> Option<Self> {
        let mut secret = [0; SECRET];
        rand::fill(&mut secret).ok()?;
        Self::of(PrivateKey::generate(&ECDH_P256).ok()?, secret)
    }

    fn of(private: PrivateKey, secret: [u8; SECRET]) -> Option<Self> {
        let public = private.compute_public_key().ok()?.as_ref().to_vec();
        Some(Self {
            private,
            public,
            secret,
        })
    }

    /// Returns the public key, an uncompressed point.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Returns the authentication secret.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// Decrypts the body of a message. Fails with a reason.
    pub fn decrypt(&self, body: &[u8]) -> Result<Vec<u8>, &'static str> {
        const SHORT: &str = "the header is too short";
        let (salt, rest) = body.split_at_checked(SALT).ok_or(SHORT)?;
        let (size, rest) = rest.split_first_chunk::<RECORD_SIZE>().ok_or(SHORT)?;
        let (length, rest) = rest.split_first().ok_or(SHORT)?;
        if usize::from(*length) != POINT {
            return Err("the key of the sender is no uncompressed point");
        }
        let (sender, record) = rest.split_at_checked(POINT).ok_or(SHORT)?;
        let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
        if record.len() > size || size <= TAG + 1 {
            return Err("the content is not one record");
        }
        let failed = "the content is not encrypted for this subscription";
        let material = self.key_material(sender).ok_or(failed)?;
        let content = opened(salt, &material, record).ok_or(failed)?;
        let end = content.iter().rposition(|byte| *byte != 0);
        match end.and_then(|end| Some((content.get(..end)?, content.get(end)?))) {
            Some((content, &DELIMITER)) => Ok(content.to_vec()),
            _ => Err("the record has no delimiter of a last record"),
        }
    }

    /// Returns what both sides derive from their keys (RFC 8291, section 3.4).
    fn key_material(&self, sender: &[u8]) -> Option<[u8; 32]> {
        let peer = UnparsedPublicKey::new(&ECDH_P256, sender);
        agree(&self.private, peer, (), |shared| {
            let pseudorandom = Salt::new(HKDF_SHA256, &self.secret).extract(shared);
            let info: [&[u8]; 3] = [b"WebPush: info\0", &self.public, sender];
            let mut material = [0; 32];
            pseudorandom
                .expand(&info, Length(material.len()))
                .and_then(|expanded| expanded.fill(&mut material))
                .map_err(|_| ())?;
            Ok(material)
        })
        .ok()
    }
}

/// Decrypts one record (RFC 8188).
fn opened(salt: &[u8], material: &[u8], record: &[u8]) -> Option<Vec<u8>> {
    let pseudorandom = Salt::new(HKDF_SHA256, salt).extract(material);
    let (mut key, mut nonce) = ([0; 16], [0; 12]);
    let of_key: [&[u8]; 1] = [b"Content-Encoding: aes128gcm\0"];
    let of_nonce: [&[u8]; 1] = [b"Content-Encoding: nonce\0"];
    let expanded = pseudorandom.expand(&of_key, Length(key.len())).ok()?;
    expanded.fill(&mut key).ok()?;
    let expanded = pseudorandom.expand(&of_nonce, Length(nonce.len())).ok()?;
    expanded.fill(&mut nonce).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    let mut content = record.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let plain = key.open_in_place(nonce, Aad::empty(), &mut content).ok()?;
    Some(plain.to_vec())
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// The example of RFC 8291, appendix A.
    #[test]
    fn the_example_of_the_standard_is_decrypted() {
        let private = bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
        let private = PrivateKey::from_private_key(&ECDH_P256, &private).unwrap();
        let secret = bytes("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap();
        let keys = Keys::of(private, secret).unwrap();
        assert_eq!(
            keys.public(),
            bytes(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIA\
                 iw4"
            )
        );
        let body = bytes(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY\
             WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS\
             gSxsj_Qulcy4a-fN",
        );
        let content = keys.decrypt(&body).unwrap();
        assert_eq!(content, b"When I grow up, I want to be a watermelon");

        let last = body.len() - 1;
        let mut changed = body.clone();
        changed[last] ^= 1;
        let mut stranger = body.clone();
        stranger[30] ^= 1;
        let mut small = body.clone();
        small[19] = 16;
        small[18] = 0;
        for broken in [
            &changed,
            &stranger,
            &small,
            &body[..20],
            &body[..60],
            &[][..],
        ] {
            assert!(keys.decrypt(broken).is_err());
        }
        assert!(Keys::generate().unwrap().decrypt(&body).is_err());
    }
}

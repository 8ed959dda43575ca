//! A subscription of a browser: the keys that a message is encrypted for.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// The length of an uncompressed point of P-256.
pub(crate) const POINT: usize = 65;
/// The first byte of an uncompressed point.
const UNCOMPRESSED: u8 = 4;
/// The length of the authentication secret.
const SECRET: usize = 16;

/// The keys of a subscription, as `PushSubscription.toJSON().keys` has them.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    pub(crate) public: [u8; POINT],
    pub(crate) secret: [u8; SECRET],
}

/// Why the keys are not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// `p256dh` is not an uncompressed point of P-256 in base64url.
    #[error("p256dh is not an uncompressed point of P-256 in base64url")]
    PublicKey,
    /// `auth` is not 16 bytes in base64url.
    #[error("auth is not 16 bytes in base64url")]
    Secret,
}

impl Subscription {
    /// Parses the keys of a subscription. Padding is accepted, since some browsers add it.
    ///
    /// # Errors
    /// Fails if a key has another form. Whether the point is on the curve shows at the encryption.
    pub fn parse(p256dh: &str, auth: &str) -> Result<Self, SubscriptionError> {
        let public: [u8; POINT] = decoded(p256dh).ok_or(SubscriptionError::PublicKey)?;
        if public.first() != Some(&UNCOMPRESSED) {
            return Err(SubscriptionError::PublicKey);
        }
        let secret = decoded(auth).ok_or(SubscriptionError::Secret)?;
        Ok(Self { public, secret })
    }
}

impl std::fmt::Debug for Subscription {
    /// Shows no keys, since the secret must not be in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// Decodes text of exactly `N` bytes.
fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    // The longest text that can decode to so few bytes, with padding.
    if text.len() > N.div_ceil(3) * 4 {
        return None;
    }
    let text = text.trim_end_matches('=');
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    #[test]
    fn only_keys_of_the_right_form_are_accepted() {
        let parsed = Subscription::parse(PUBLIC, SECRET).unwrap();
        let padded = Subscription::parse(&format!("{PUBLIC}="), &format!("{SECRET}==")).unwrap();
        assert_eq!(parsed, padded);
        let compressed = format!("A{}", &PUBLIC[1..]);
        let long = "A".repeat(1_000_000);
        for public in ["", "BCVx", &compressed, &PUBLIC.replace('_', "/"), &long] {
            assert_eq!(
                Subscription::parse(public, SECRET),
                Err(SubscriptionError::PublicKey)
            );
        }
        for secret in ["", "AAAA", PUBLIC, "BTBZMqHH6r4Tts7J_aSIg"] {
            assert_eq!(
                Subscription::parse(PUBLIC, secret),
                Err(SubscriptionError::Secret)
            );
        }
        assert!(!format!("{parsed:?}").contains("37"), "{parsed:?}");
    }
}

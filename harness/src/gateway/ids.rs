//! Ids with the format of API Gateway's.
//!
//! The format matters: ids may contain `-` and `_` and end in `=`. A client that forgets to encode
//! an id in a URL fails here, and not first when deployed.

use base64::{Engine, prelude::BASE64_URL_SAFE};

use super::moment::Moment;

const ID_BYTES: usize = 11;
const ID_CHARACTERS: usize = 16;

/// Returns a new id of a connection, a message or a request: 11 random bytes in base64url with
/// padding, 16 characters.
pub(crate) fn new_id() -> String {
    BASE64_URL_SAFE.encode(rand::random::<[u8; ID_BYTES]>())
}

/// Whether `text` has the format of [`new_id`].
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == ID_CHARACTERS
        && text.strip_suffix('=').is_some_and(|id| {
            id.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
}

/// Returns a new value of the header `X-Amzn-Trace-Id`.
pub(crate) fn new_trace_id(now: Moment) -> String {
    let seconds = now.epoch_ms() / 1000;
    let random = rand::random::<u128>() >> 32;
    format!("Root=1-{seconds:08x}-{random:024x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_format_of_real_ones() {
        let (first, second) = (new_id(), new_id());
        assert_ne!(first, second);
        assert!(is_id(&first), "{first}");
        for real in ["BFHPhfCWIAMCKlQ=", "BFaT_fALIAMCKug=", "JC1dgf9yoAMCK-g="] {
            assert!(is_id(real), "{real}");
        }
        for wrong in [
            "",
            "=",
            "BFHPhfCWIAMCKlQ",
            "BFHPhfCWIAMCKlQQ",
            "BFHPhfCWIAMCKl+=",
            "BFHPhfCWIAMCKlQ%3D",
            "BFHPhfCWIAMCKäQ=",
        ] {
            assert!(!is_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_trace_id_starts_with_its_time() {
        let id = new_trace_id(Moment::from_epoch_ms(1_731_324_924_553));
        assert!(id.starts_with("Root=1-6731ebfc-"), "{id}");
        assert_eq!(id.len(), "Root=1-6731ebfc-08e1e656421db73c5d2eef31".len());
    }
}

//! Ids of conversations, messages, users and connections.

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::{
    FieldError,
    visible::{is_blank, is_invisible},
};
use crate::limit::limit;

limit!(
    /// Bytes in the longest id of a conversation or a message.
    pub const MAX_ID_BYTES = 64;
    const ID_RULE = "must be 1 to ", " of the characters A-Z a-z 0-9 . _ : -";
);
limit!(
    /// Bytes in the longest user id.
    pub const MAX_USER_BYTES = 128;
    const USER_RULE = "must be 1 to ", " bytes of Unicode text in form NFC, with no invisible characters and only single spaces, none at its ends";
);
limit!(
    /// Characters in the longest connection id.
    const MAX_CONNECTION_CHARACTERS = 128;
    const CONNECTION_RULE = "must be 1 to ", " visible ASCII characters";
);

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Creates an id from a text that keeps the rule of its kind.
            ///
            /// # Errors
            /// A [`FieldError`] with the rule that the text breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, FieldError> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", self.0)
            }
        }
    };
}

identifier!(
    /// A conversation id: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
    ConversationId,
    check_id
);
identifier!(
    /// A message id that its sender chose, unique for one sender in one conversation: 1 to 64 of
    /// `A-Z a-z 0-9 . _ : -`.
    MessageId,
    check_id
);
identifier!(
    /// A user id, from the token's `sub`: 1 to 128 bytes of NFC text without control, invisible and
    /// replacement characters, whose only blanks are single spaces between other characters.
    /// Therefore no two ids differ only in how the same visible text is encoded, or in blanks, which
    /// a page shows as one space.
    UserId,
    check_user
);
identifier!(
    /// A connection id of the gateway: 1 to 128 visible ASCII characters. Never reused.
    ConnectionId,
    check_connection
);

fn check_id(text: &str) -> Result<(), FieldError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(FieldError::Invalid(ID_RULE))
    }
}

fn check_user(text: &str) -> Result<(), FieldError> {
    // The replacement character stands for bytes that were not UTF-8.
    let is_forbidden = |c: char| {
        c.is_control()
            || is_invisible(c)
            || c == char::REPLACEMENT_CHARACTER
            || (is_blank(c) && c != ' ')
    };
    if (1..=MAX_USER_BYTES).contains(&text.len())
        && !text.chars().any(is_forbidden)
        && text.split(' ').all(|word| !word.is_empty())
        && ComposingNormalizerBorrowed::new_nfc().is_normalized(text)
    {
        Ok(())
    } else {
        Err(FieldError::Invalid(USER_RULE))
    }
}

impl UserId {
    /// Wraps the id of a user who is already known. Earlier versions accepted every text without
    /// control characters, and what they stored stays readable.
    ///
    /// # Errors
    /// A [`FieldError`] if no version accepted the id.
    pub fn from_stored(text: &str) -> Result<Self, FieldError> {
        if (1..=MAX_USER_BYTES).contains(&text.len()) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::Invalid(USER_RULE))
        }
    }
}

fn check_connection(text: &str) -> Result<(), FieldError> {
    if (1..=MAX_CONNECTION_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        Ok(())
    } else {
        Err(FieldError::Invalid(CONNECTION_RULE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_a_fixed_alphabet_and_length() {
        for good in ["a", "A-b.c_d:9", &"x".repeat(64)] {
            assert!(ConversationId::new(good).is_ok(), "{good}");
            assert!(MessageId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a#b", "ä", "a/b", "a\n", &"x".repeat(65)] {
            assert!(ConversationId::new(bad).is_err(), "{bad}");
            assert!(MessageId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn user_ids_are_visible_text_of_one_encoding() {
        for good in [
            "ada",
            "auth0|5f7c",
            "ada lovelace#1",
            "https://id/100%?",
            "Zo\u{eb}",
            "\u{ac00}",
            "\u{1f600}",
            &"x".repeat(128),
        ] {
            assert!(UserId::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            " ada",
            "ada\u{3000}",
            "\u{2800}",
            // Blanks that a page shows as one space.
            "ada  lovelace",
            "ada\u{a0}lovelace",
            "ada\u{2009}lovelace",
            "ada\u{3000}lovelace",
            "ada\u{2800}lovelace",
            "a\nb",
            "a\u{7f}",
            "a\u{85}",
            // Decomposed.
            "Zoe\u{308}",
            "\u{1100}\u{1161}",
            "\u{212b}",
            // Invisible.
            "a\u{200b}da",
            "\u{202e}ada",
            "ada\u{feff}",
            "\u{3164}",
            // Bytes that were not UTF-8.
            "ad\u{fffd}",
            &"x".repeat(129),
        ] {
            assert!(UserId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn stored_user_ids_of_earlier_versions_stay_readable() {
        for old in [
            " ada",
            "ada\u{a0}lovelace",
            "Zoe\u{308}",
            "a\u{200b}da",
            "ad\u{fffd}",
        ] {
            assert_eq!(UserId::from_stored(old).unwrap().as_str(), old);
        }
        for bad in ["", "a\nb", &"x".repeat(129)] {
            assert!(UserId::from_stored(bad).is_err(), "{bad:?}");
        }
    }
}

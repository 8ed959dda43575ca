//! Texts: message bodies, titles, display names.

use super::{
    FieldError, UserId,
    visible::{cleaned, shows_something},
};
use crate::limit::limit;

limit!(
    /// Bytes in the largest body, as encoded JSON without quotes: its size in a frame.
    pub const MAX_BODY_BYTES = 16384;
    const BODY_RULE = "must be at most ", " bytes as encoded JSON";
);
limit!(
    /// Bytes in the longest title.
    pub const MAX_TITLE_BYTES = 200;
    const TITLE_RULE = "must be 1 to ", " bytes with a visible character and without control characters";
);
/// Bytes in the longest display name.
pub const MAX_NAME_BYTES: usize = 200;

/// A message's text: something visible, at most [`MAX_BODY_BYTES`], no control characters but
/// newline and tab.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    /// Creates a body from a text that keeps the rules.
    ///
    /// # Errors
    /// [`FieldError::TooLarge`] for a long text; [`FieldError::Invalid`] for a text without a
    /// visible character or with a forbidden one.
    pub fn new(text: impl Into<String>) -> Result<Self, FieldError> {
        let text = text.into();
        if text.is_empty() {
            return Err(FieldError::Invalid("must not be empty"));
        }
        if text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
        {
            return Err(FieldError::Invalid(
                "must not hold control characters other than newline and tab",
            ));
        }
        if encoded_length(&text) > MAX_BODY_BYTES {
            return Err(FieldError::TooLarge(BODY_RULE));
        }
        if !shows_something(&text) {
            return Err(FieldError::Invalid(
                "must not be empty: it has no visible character",
            ));
        }
        Ok(Self(text))
    }

    /// The body of a deleted message: nothing.
    #[must_use]
    pub const fn deleted() -> Self {
        Self(String::new())
    }

    /// Wraps a body that was read from the store. Earlier versions stored bodies without a visible
    /// character, and a log stays readable for ever.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bodies are private, so their debug output shows only the length.
impl std::fmt::Debug for Body {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Body({} bytes)", self.0.len())
    }
}

/// The length as encoded JSON. Each escaped character takes two bytes, since bodies contain no
/// control characters except newline and tab.
fn encoded_length(text: &str) -> usize {
    text.len()
        + text
            .bytes()
            .filter(|byte| b"\"\\\n\t".contains(byte))
            .count()
}

/// A conversation's title: 1 to [`MAX_TITLE_BYTES`] bytes with a visible character, without control
/// and invisible characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Creates a title from a text that keeps the rule. Removes invisible characters, so that no
    /// title looks like another one and none reorders the text around it.
    ///
    /// # Errors
    /// A [`FieldError`] with the rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, FieldError> {
        // The replacement character stands for bytes that were not UTF-8.
        let is_forbidden = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
        if text.len() > MAX_TITLE_BYTES || text.chars().any(is_forbidden) {
            return Err(FieldError::Invalid(TITLE_RULE));
        }
        Self::from_stored(text).ok_or(FieldError::Invalid(TITLE_RULE))
    }

    /// Cleans a title that was read from the store. Returns `None` if it has no visible character,
    /// which earlier versions allowed.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Some(cleaned(text))
            .filter(|title| shows_something(title))
            .map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A display name. Token issuers choose it, so it is cleaned and shortened instead of rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Creates the name of a user: the cleaned text, or the user id if the text has no visible
    /// character.
    #[must_use]
    pub fn of(user: &UserId, text: &str) -> Self {
        let name = Self::fitted(text);
        if shows_something(&name.0) {
            name
        } else {
            Self(user.as_str().to_owned())
        }
    }

    /// Creates a name from a text with a visible character: removes invisible characters, so that
    /// no name looks like another one, and cuts the rest at [`MAX_NAME_BYTES`]. The name that is
    /// made of a name is the same, because stored names are read by this function.
    #[must_use]
    pub fn fitted(text: &str) -> Self {
        let mut name = cleaned(text);
        if name.len() > MAX_NAME_BYTES {
            name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
            // The cut may have left a blank or a joiner at the end.
            name = cleaned(&name);
        }
        Self(name)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_measured_as_encoded_json() {
        let quotes = "\"".repeat(MAX_BODY_BYTES / 2);
        assert!(Body::new(quotes.clone()).is_ok());
        assert!(matches!(
            Body::new(quotes + "x"),
            Err(FieldError::TooLarge(_))
        ));
        for text in ["plain", "tab\tline\nquote\"back\\slash", "\u{1f600} ü"] {
            let encoded = serde_json::to_string(text).unwrap();
            assert_eq!(encoded_length(text), encoded.len() - 2, "{text}");
        }
    }

    #[test]
    fn a_body_contains_only_text() {
        assert!(Body::new("line\n\ttab").is_ok());
        for bad in ["", "bell\u{7}", "return\r", "\u{0}", "\u{9b}"] {
            assert!(
                matches!(Body::new(bad), Err(FieldError::Invalid(_))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_body_that_shows_nothing_is_empty_but_a_stored_one_stays_readable() {
        for nothing in [
            " ",
            "\n",
            "\u{200b}",
            "\u{3164}",
            "\u{2800}\t",
            "\u{ad}\u{2060}",
        ] {
            let refused = Body::new(nothing);
            assert!(
                matches!(refused, Err(FieldError::Invalid(_))),
                "{nothing:?}"
            );
            assert_eq!(Body::from_stored(nothing.to_owned()).as_str(), nothing);
        }
        assert!(Body::new("\u{200b}.").is_ok());
    }

    #[test]
    fn a_title_has_no_invisible_characters_and_something_visible() {
        let title = Title::new(" Lunch\u{202e} \u{200b}").unwrap();
        assert_eq!(title.as_str(), "Lunch");
        for bad in ["", " ", "\u{3164}", "\u{202e}", "Lunch\u{fffd}", "Lunch\n"] {
            assert!(Title::new(bad).is_err(), "{bad:?}");
        }
        assert!(Title::new(&"x".repeat(MAX_TITLE_BYTES)).is_ok());
        assert!(Title::new(&"x".repeat(MAX_TITLE_BYTES + 1)).is_err());
        assert_eq!(Title::from_stored("\u{200b}"), None);
    }

    #[test]
    fn a_display_name_falls_back_to_the_user_id() {
        let user = UserId::new("ada").unwrap();
        for (text, expected) in [
            ("Ada Lovelace", "Ada Lovelace"),
            (" Ada\r\n ", "Ada"),
            ("Ada\0Lovelace\0 ", "AdaLovelace"),
            ("\u{202e}ecarg", "ecarg"),
            ("\u{200b}\u{3164}\u{2800}", "ada"),
            ("\t", "ada"),
            ("", "ada"),
        ] {
            assert_eq!(DisplayName::of(&user, text).as_str(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_display_name_is_cut_between_characters() {
        assert_eq!(DisplayName::fitted("Ada\nLovelace").as_str(), "AdaLovelace");
        assert_eq!(
            DisplayName::fitted(&format!("{} b", "a".repeat(199))).as_str(),
            "a".repeat(199)
        );
        assert_eq!(
            DisplayName::fitted(&"ü".repeat(101)).as_str(),
            "ü".repeat(100)
        );
    }

    #[test]
    fn a_name_that_is_read_again_is_the_same() {
        let a = |number| "a".repeat(number);
        for (text, expected) in [
            (" \u{fe0f}\u{20e3}".to_owned(), "\u{20e3}".to_owned()),
            (
                format!("{}\u{1f600}\u{200d}\u{1f600}", a(193)),
                format!("{}\u{1f600}", a(193)),
            ),
            (
                format!("{}1\u{fe0f}\u{20e3}", a(196)),
                format!("{}1", a(196)),
            ),
        ] {
            let name = DisplayName::fitted(&text);
            assert_eq!(name.as_str(), expected);
            assert_eq!(DisplayName::fitted(name.as_str()), name);
        }
    }
}

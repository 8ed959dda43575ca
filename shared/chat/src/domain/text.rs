//! Texts: message bodies, titles, display names.

use super::FieldError;
use crate::limit::limit;

limit!(
    /// Bytes in the largest body, as encoded JSON without quotes: its size in a frame.
    pub const MAX_BODY_BYTES = 16384;
    const BODY_RULE = "must be at most ", " bytes as encoded JSON";
);
limit!(
    /// Bytes in the longest title.
    pub const MAX_TITLE_BYTES = 200;
    const TITLE_RULE = "must be 1 to ", " bytes without control characters";
);
/// Bytes in the longest display name.
pub const MAX_NAME_BYTES: usize = 200;

/// A message's text: at least one byte, at most [`MAX_BODY_BYTES`], no control characters but
/// newline and tab.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    /// Creates a body from a text that keeps the rules.
    ///
    /// # Errors
    /// [`FieldError::TooLarge`] for a long text; [`FieldError::Invalid`] for an empty text or a
    /// forbidden character.
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
        Ok(Self(text))
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

/// A conversation's title: 1 to [`MAX_TITLE_BYTES`] bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Creates a title from a text that keeps the rule.
    ///
    /// # Errors
    /// A [`FieldError`] with the rule that the text breaks.
    pub fn new(text: impl Into<String>) -> Result<Self, FieldError> {
        let text = text.into();
        if (1..=MAX_TITLE_BYTES).contains(&text.len()) && !text.chars().any(char::is_control) {
            Ok(Self(text))
        } else {
            Err(FieldError::Invalid(TITLE_RULE))
        }
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
    /// Creates a name from a text: removes control characters and cuts it at [`MAX_NAME_BYTES`].
    #[must_use]
    pub fn fitted(text: &str) -> Self {
        let mut name = String::new();
        for c in text.chars().filter(|c| !c.is_control()) {
            if name.len() + c.len_utf8() > MAX_NAME_BYTES {
                break;
            }
            name.push(c);
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
    fn a_display_name_is_cut_between_characters() {
        assert_eq!(DisplayName::fitted("Ada\nLovelace").as_str(), "AdaLovelace");
        assert_eq!(
            DisplayName::fitted(&"ü".repeat(101)).as_str(),
            "ü".repeat(100)
        );
    }
}

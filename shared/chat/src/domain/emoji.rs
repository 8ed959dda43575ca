//! Emoji, the keys of reactions.

use std::fmt;

use icu_properties::{
    CodePointSetData,
    props::{BinaryProperty, Emoji as IsEmoji, EmojiModifier, EmojiModifierBase},
};

use super::FieldError;

/// Bytes in the longest emoji.
pub const MAX_EMOJI_BYTES: usize = 32;
/// Code points in the longest emoji.
const MAX_CODE_POINTS: usize = 10;
const RULE: &str = "must be one emoji of at most 32 bytes and 10 code points";

const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';
/// The base of the flags of regions, such as that of Wales.
const BLACK_FLAG: char = '\u{1f3f4}';
const TAG_END: char = '\u{e007f}';

/// One emoji, without variation selectors: a character with or without a skin tone, a keycap, a
/// flag, or several of these that joiners combine.
///
/// The selectors are dropped because people cannot tell ❤ with one from ❤ without one: both are
/// shown as an emoji. Skin tones stay, since they are different pictures.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emoji(String);

impl Emoji {
    /// Creates an emoji from a text, which may have variation selectors.
    ///
    /// The text must be one emoji by the grammar of Unicode (UTS #51). Whether a font has a picture
    /// for it is not checked.
    ///
    /// # Errors
    /// A [`FieldError`] with the rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, FieldError> {
        let is_selector = |c: char| matches!(c, '\u{fe0e}' | '\u{fe0f}');
        let key: String = text.chars().filter(|c| !is_selector(*c)).collect();
        if key.len() <= MAX_EMOJI_BYTES && is_emoji(&key) {
            Ok(Self(key))
        } else {
            Err(FieldError::Invalid(RULE))
        }
    }

    /// Wraps an emoji that was read from the store. A later version of Unicode may have changed its
    /// grammar, and a log stays readable for ever.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The emoji as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns whether a text without variation selectors is one emoji.
fn is_emoji(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    characters.len() <= MAX_CODE_POINTS && characters.split(|c| *c == JOINER).all(is_element)
}

/// Returns whether these characters are what a joiner may join.
fn is_element(element: &[char]) -> bool {
    match element {
        [c] => is_picture(*c),
        [digit, KEYCAP] => is_keycap(*digit),
        [first, second] if is_regional(*first) => is_regional(*second),
        [base, tone] => has::<EmojiModifierBase>(*base) && has::<EmojiModifier>(*tone),
        [BLACK_FLAG, tags @ .., TAG_END] => !tags.is_empty() && tags.iter().copied().all(is_tag),
        _ => false,
    }
}

/// Returns whether a character is an emoji by itself. Unicode also counts the parts of keycaps and
/// of flags as emoji.
fn is_picture(c: char) -> bool {
    has::<IsEmoji>(c) && !is_keycap(c) && !is_regional(c)
}

const fn is_keycap(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
}

const fn is_regional(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Returns whether a character is a letter or digit of a region's code.
const fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}')
}

fn has<P: BinaryProperty>(c: char) -> bool {
    CodePointSetData::new::<P>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<String> {
        Emoji::new(text).ok().map(|emoji| emoji.to_string())
    }

    #[test]
    fn every_kind_of_emoji_is_accepted() {
        for emoji in [
            "👍",
            "👍🏻",
            "👍🏿",
            "❤",
            "😀",
            "1⃣",
            "#⃣",
            "*⃣",
            "🇩🇪",
            "🇺🇳",
            "🏳\u{200d}🌈",
            "🏴\u{200d}☠",
            "👩\u{200d}👩\u{200d}👧\u{200d}👦",
            "👩🏻\u{200d}❤\u{200d}💋\u{200d}👨🏼",
            "🧑🏽\u{200d}🦰",
            "🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
            "©",
            "☺",
            "🫩",
        ] {
            assert_eq!(key(emoji).as_deref(), Some(emoji));
        }
    }

    #[test]
    fn variation_selectors_make_no_difference_and_skin_tones_do() {
        for (text, expected) in [
            ("❤\u{fe0f}", "❤"),
            ("❤\u{fe0e}", "❤"),
            ("👍\u{fe0f}", "👍"),
            ("1\u{fe0f}⃣", "1⃣"),
            ("🏳\u{fe0f}\u{200d}🌈", "🏳\u{200d}🌈"),
            ("❤\u{fe0f}\u{200d}🔥", "❤\u{200d}🔥"),
        ] {
            assert_eq!(key(text).as_deref(), Some(expected), "{text:?}");
        }
        assert_ne!(key("👍🏻"), key("👍🏿"));
        assert_ne!(key("👍🏻"), key("👍"));
    }

    #[test]
    fn what_is_not_one_emoji_is_refused() {
        for text in [
            "",
            " ",
            "a",
            "1",
            "#",
            "ok",
            "👍👍",
            "👍 ",
            " 👍",
            "👍a",
            "a⃣",
            "1",
            "⃣",
            "11⃣",
            "🇩",
            "🇩🇪🇫",
            "🇩a",
            "\u{200d}",
            "👍\u{200d}",
            "\u{200d}👍",
            "👍\u{200d}\u{200d}👍",
            "😀🏻",
            "👍🏻🏻",
            "\u{fe0f}",
            "🏴\u{e007f}",
            "🏴\u{e0067}",
            "👍\u{e0067}\u{e007f}",
            "★",
            "\u{e0067}",
            "<script>",
            "\u{202e}👍",
            "👍\u{301}",
            "\u{fffd}",
        ] {
            assert_eq!(key(text), None, "{text:?}");
        }
        let family = ["👩"; 6].join("\u{200d}");
        assert_eq!(key(&family), None, "11 code points");
        let toned = ["👨🏻"; 4].join("\u{200d}");
        assert_eq!(key(&toned), None, "41 bytes");
        assert_eq!(key(&"👍".repeat(10_000)), None);
    }
}

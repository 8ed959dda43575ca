//! Which characters are visible. People read names, titles and ids, so two of them must not differ
//! in invisible characters only.

/// Returns whether a character is invisible and takes up no room: Unicode's
/// `Default_Ignorable_Code_Point` with all marks that change the direction of text, interlinear
/// annotation, and the separators of lines and paragraphs.
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns whether a character is invisible and takes up room: white space, and the blanks that
/// Unicode does not count as white space.
pub const fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{2800}' | '\u{13441}'..='\u{13442}' | '\u{16fe4}' | '\u{1d159}'
        )
}

/// Returns whether a text has a visible character.
pub fn shows_something(text: &str) -> bool {
    text.chars()
        .any(|c| !c.is_control() && !is_invisible(c) && !is_blank(c))
}

/// Returns the text without blanks at its ends and without control and invisible characters. Keeps
/// the joiners and variation selectors of emoji and of scripts that are written with them.
pub fn cleaned(text: &str) -> String {
    let mut kept = String::new();
    // The visible character that an invisible one would change.
    let mut base = None;
    let mut rest = text.chars().filter(|c| !c.is_control()).peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        if !is_invisible(c) {
            // An invisible character does not change a blank, and blanks at the ends are removed.
            base = (!is_blank(c)).then_some(c);
            kept.push(c);
        } else if has_effect(c, base, next) && !(is_selector(c) && kept.ends_with(is_selector)) {
            kept.push(c);
            // A joiner joins once; a selector may be followed by a joiner.
            if !is_selector(c) {
                base = None;
            }
        }
    }
    kept.trim_matches(is_blank).to_owned()
}

const fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Returns whether an invisible character changes what its neighbours look like.
fn has_effect(c: char, base: Option<char>, next: Option<char>) -> bool {
    let Some(base) = base else { return false };
    match c {
        // Joiners.
        '\u{200c}' | '\u{200d}' => joins(base) && next.is_some_and(joins),
        // Emoji or text presentation.
        '\u{fe0e}' | '\u{fe0f}' => is_symbol(base) || next == Some('\u{20e3}'),
        // Variants of ideographs.
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => is_ideograph(base),
        _ => false,
    }
}

/// Returns whether a character may be joined: symbols, and the scripts from Arabic to Myanmar,
/// Khmer and Mongolian, and the Brahmic scripts of the supplementary planes.
const fn joins(c: char) -> bool {
    is_symbol(c)
        || matches!(
            c,
            '\u{600}'..='\u{109f}' | '\u{1700}'..='\u{1aaf}' | '\u{a840}'..='\u{abff}'
                | '\u{11000}'..='\u{11fff}'
        )
}

const fn is_symbol(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
            | '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}' | '\u{3030}' | '\u{303d}'
            | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    )
}

const fn is_ideograph(c: char) -> bool {
    matches!(
        c,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_invisible_and_blank_characters_show_nothing() {
        for nothing in [
            "",
            " ",
            "\n\t",
            "\u{200b}",
            "\u{3164}",
            "\u{2800}",
            "\u{ad}",
            "\u{34f}",
            "\u{115f}",
            "\u{1160}",
            "\u{ffa0}",
            "\u{2063}",
            "\u{feff}",
            "\u{fe0f}",
            "\u{e0020}\u{e007f}",
            "\u{3000}\u{202e} \u{2028}",
            "\u{1d159}",
            "\0\u{85}",
        ] {
            assert!(!shows_something(nothing), "{nothing:?}");
            assert_eq!(cleaned(nothing), "", "{nothing:?}");
        }
        for something in [
            "a",
            "\u{200b}.",
            "\u{1f600}",
            "\u{301}",
            "\u{fffd}",
            "\u{605}",
        ] {
            assert!(shows_something(something), "{something:?}");
        }
    }

    #[test]
    fn invisible_characters_are_removed() {
        for (text, expected) in [
            ("\u{202e}ecarg", "ecarg"),
            ("gra\u{200d}ce\u{200b}", "grace"),
            ("gr\u{2066}a\u{2069}\u{61c}ce", "grace"),
            ("\u{0430}\u{200d}\u{0431}", "\u{0430}\u{0431}"),
            ("  Ada\r\n \u{3000}", "Ada"),
            ("Ada\0Lovelace", "AdaLovelace"),
            ("Ada\u{2028}Lovelace", "AdaLovelace"),
            ("a\u{fe0f}b", "ab"),
            ("\u{1f3f4}\u{e0067}\u{e007f}", "\u{1f3f4}"),
            ("\u{1f600}\u{200d}", "\u{1f600}"),
            (" \u{fe0f}\u{20e3}", "\u{20e3}"),
            (
                "\u{1f600}\u{200d}\u{200d}\u{1f600}",
                "\u{1f600}\u{200d}\u{1f600}",
            ),
        ] {
            assert_eq!(cleaned(text), expected, "{text:?}");
        }
    }

    #[test]
    fn emoji_and_scripts_keep_the_joiners_and_selectors_that_they_need() {
        for text in [
            "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467} family",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "1\u{fe0f}\u{20e3}",
            "\u{6cc}\u{200c}\u{645}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{845b}\u{e0100}\u{57ce}",
        ] {
            assert_eq!(cleaned(text), text);
        }
    }
}

//! An error together with its causes, as one line of text.

use std::{error::Error, fmt};

/// Displays an error followed by its sources, separated by colons.
///
/// A source whose text is already part of the text before it is left out: some errors include their
/// source in their own message.
#[derive(Debug)]
pub struct ErrorChain<'a>(pub &'a dyn Error);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        f.write_str(&shown)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            if !shown.contains(&text) {
                write!(f, ": {text}")?;
                shown = text;
            }
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Outer {
        text: &'static str,
        source: io::Error,
    }

    #[test]
    fn sources_follow_their_error_unless_its_text_already_contains_them() {
        for (text, expected) in [
            ("cannot save", "cannot save: disk full"),
            ("cannot save: disk full", "cannot save: disk full"),
        ] {
            let source = io::Error::other("disk full");
            assert_eq!(ErrorChain(&Outer { text, source }).to_string(), expected);
        }
    }
}

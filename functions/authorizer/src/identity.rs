//! Who a good token speaks for.

/// The longest user id, in bytes of UTF-8.
const MAX_USER_BYTES: usize = 128;
/// The longest display name, in bytes of UTF-8; longer ones are cut, so that the answer stays far below the 8 KB that
/// the gateway takes.
const MAX_NAME_BYTES: usize = 128;

/// A user id: 1 to 128 bytes of UTF-8 without control characters.
///
/// A `#` is allowed although keys of the table are separated by it: the user is always the last segment of a key
/// (`participant#USER`, `user#USER`), so nothing that follows could be mistaken. Issuers do use such characters
/// (`auth0|1`, `https://issuer.example/people#1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(String);

impl User {
    /// `None` if it is empty, too long or has control characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_USER_BYTES).contains(&text.len());
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// The id as it stands in the token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the functions behind the authorizer get to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The token's `sub`.
    pub user: User,
    /// For display only: at most 128 bytes, no control characters, never empty.
    pub name: String,
    /// When the token ends, in seconds since 1970-01-01 UTC.
    pub expires: u64,
}

/// Makes a display name of the claim that should hold one; the user's id where there is nothing to show.
pub(crate) fn display_name(claim: Option<&str>, user: &User) -> String {
    let shown: String = claim
        .unwrap_or_default()
        .chars()
        .filter(|character| !character.is_control())
        .collect();
    let shown = shown.trim();
    let end = shown.floor_char_boundary(MAX_NAME_BYTES);
    match shown.get(..end) {
        Some(name) if !name.is_empty() => name.trim_end().to_owned(),
        _ => user.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_short_and_printable() {
        for (text, good) in [
            ("a", true),
            ("auth0|5f7c8ec7c33c6c004bbafe82", true),
            ("https://issuer.example/people#1", true),
            ("Zoë", true),
            (&"u".repeat(128), true),
            ("", false),
            (&"u".repeat(129), false),
            (&"ë".repeat(65), false),
            ("a\nb", false),
            ("a\0", false),
            ("a\u{85}b", false),
        ] {
            assert_eq!(User::parse(text).is_some(), good, "{text:?}");
        }
    }

    #[test]
    fn names_are_cleaned_and_fall_back_to_the_user() {
        let user = User::parse("ada").unwrap();
        for (claim, expected) in [
            (Some("Ada Lovelace"), "Ada Lovelace".to_owned()),
            (Some("  Ada\r\n "), "Ada".to_owned()),
            (Some("\t"), "ada".to_owned()),
            (Some(""), "ada".to_owned()),
            (None, "ada".to_owned()),
            (Some(&format!("{}ë", "a".repeat(127))), "a".repeat(127)),
        ] {
            assert_eq!(display_name(claim, &user), expected, "{claim:?}");
        }
    }
}

//! The display name that a token gives its user.

use chat::domain::{DisplayName, UserId};

/// Converts the name claim to a display name. Surrounding white space is removed. If nothing
/// visible is left, the name is the user id.
pub(crate) fn display_name(claim: Option<&str>, user: &UserId) -> DisplayName {
    let is_blank = |character: char| character.is_whitespace() || character.is_control();
    let name = DisplayName::fitted(claim.unwrap_or_default().trim_matches(is_blank));
    match name.as_str() {
        "" => DisplayName::fitted(user.as_str()),
        // Fitting may have cut the name right after a space.
        text => DisplayName::fitted(text.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_fall_back_to_the_user_id() {
        let user = UserId::new("ada").unwrap();
        for (claim, expected) in [
            (Some("Ada Lovelace"), "Ada Lovelace".to_owned()),
            (Some("  Ada\r\n "), "Ada".to_owned()),
            (Some("Ada\0Lovelace\0 "), "AdaLovelace".to_owned()),
            (Some("\t"), "ada".to_owned()),
            (Some(""), "ada".to_owned()),
            (None, "ada".to_owned()),
            (Some(&"a".repeat(200)), "a".repeat(200)),
            (Some(&format!("{}ë", "a".repeat(199))), "a".repeat(199)),
            (Some(&format!("{} b", "a".repeat(199))), "a".repeat(199)),
        ] {
            assert_eq!(display_name(claim, &user).as_str(), expected, "{claim:?}");
        }
    }
}

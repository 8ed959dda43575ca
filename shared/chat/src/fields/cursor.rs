//! The place at which a page of reactions to a message ended.

use std::fmt;

use super::{Field, FromField, text};
use crate::domain::{Emoji, FieldError, ReactionKey, UserId};

const RULE: &str = "must be the `reactionsNext` of an answer";

/// The last reaction of a page, as `EMOJI USER`. No emoji has a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionCursor {
    /// The emoji.
    pub emoji: Emoji,
    /// The user.
    pub user: UserId,
}

impl ReactionCursor {
    /// Returns the place of a reaction among those to its message.
    #[must_use]
    pub fn of(reaction: ReactionKey) -> Self {
        Self {
            emoji: reaction.emoji,
            user: reaction.user,
        }
    }
}

impl fmt::Display for ReactionCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.emoji, self.user)
    }
}

impl FromField for ReactionCursor {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let invalid = FieldError::Invalid(RULE);
        let Some((emoji, user)) = text(field)?.split_once(' ') else {
            return Err(invalid);
        };
        match (Emoji::new(emoji), UserId::from_stored(user)) {
            (Ok(emoji), Ok(user)) => Ok(Self { emoji, user }),
            _ => Err(invalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Option<ReactionCursor> {
        ReactionCursor::from_field(&Field::Json(value)).ok()
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for user in ["ada", "ada lovelace", "#1"] {
            let cursor = ReactionCursor {
                emoji: Emoji::new("👍🏻").unwrap(),
                user: UserId::new(user).unwrap(),
            };
            assert_eq!(read(json!(cursor.to_string())), Some(cursor));
        }
        for bad in [
            json!(""),
            json!("👍"),
            json!("ada"),
            json!("a ada"),
            json!("👍 "),
            json!(5),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}

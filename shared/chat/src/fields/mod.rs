//! The named values of a request, from a frame, a body, a path or a query string.

mod cursor;
mod lists;
mod numbers;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    domain::{Body, ConversationId, Emoji, FieldError, MessageId, Title, UserId},
    error::Rejection,
};

pub use cursor::ReactionCursor;
pub use lists::{
    KnownUsers, MAX_POSITIONS, Positions, SubscriptionList, UserList, Wanted, WatchList,
};
pub use numbers::{Limit, MessagePosition, Position};

/// The values of one request by name. Unknown names are ignored.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<String, Field>);

/// One value.
#[derive(Clone, Debug)]
pub enum Field {
    /// A member of a JSON object.
    Json(Value),
    /// A part of a path or a query string, which is always text.
    Text(String),
}

impl Fields {
    /// Takes the members of a JSON object. A member that is `null` counts as missing.
    #[must_use]
    pub fn from_object(object: Map<String, Value>) -> Self {
        let present = object.into_iter().filter(|(_, value)| !value.is_null());
        Self(
            present
                .map(|(name, value)| (name, Field::Json(value)))
                .collect(),
        )
    }

    /// Adds a value of a path or a query string. Replaces a value of the same name.
    pub fn set_text(&mut self, name: &str, text: impl Into<String>) {
        self.0.insert(name.to_owned(), Field::Text(text.into()));
    }

    /// Returns whether there is a value of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the number of elements of a value, 0 if it is not an array.
    #[must_use]
    pub fn list_length(&self, name: &str) -> usize {
        match self.0.get(name) {
            Some(Field::Json(Value::Array(values))) => values.len(),
            _ => 0,
        }
    }

    /// Reads a required value.
    ///
    /// # Errors
    /// `invalid` or `too_large` with the field's name.
    pub fn required<T: FromField>(&self, name: &'static str) -> Result<T, Rejection> {
        self.optional(name)?.ok_or(Rejection::Invalid {
            field: name,
            rule: "is missing",
        })
    }

    /// Reads an optional value.
    ///
    /// # Errors
    /// `invalid` or `too_large` with the field's name.
    pub fn optional<T: FromField>(&self, name: &'static str) -> Result<Option<T>, Rejection> {
        self.0
            .get(name)
            .map(T::from_field)
            .transpose()
            .map_err(|error| match error {
                FieldError::Invalid(rule) => Rejection::Invalid { field: name, rule },
                FieldError::TooLarge(rule) => Rejection::TooLarge { field: name, rule },
            })
    }
}

/// A type that a field's value can be read as.
pub trait FromField: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// The rule that the value breaks.
    fn from_field(field: &Field) -> Result<Self, FieldError>;
}

fn text(field: &Field) -> Result<&str, FieldError> {
    match field {
        Field::Text(text) | Field::Json(Value::String(text)) => Ok(text),
        Field::Json(_) => Err(FieldError::Invalid("must be a string")),
    }
}

macro_rules! from_text {
    ($($name:ident),*) => {
        $(impl FromField for $name {
            fn from_field(field: &Field) -> Result<Self, FieldError> {
                Self::new(text(field)?)
            }
        })*
    };
}

from_text!(ConversationId, MessageId, UserId, Body, Title, Emoji);

impl FromField for bool {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        match field {
            Field::Json(Value::Bool(value)) => Ok(*value),
            Field::Text(word) if word == "true" => Ok(true),
            Field::Text(word) if word == "false" => Ok(false),
            _ => Err(FieldError::Invalid("must be true or false")),
        }
    }
}

/// Whether a user looks at the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    /// A page is visible.
    Active,
    /// The page is hidden, or the user does nothing.
    Away,
}

impl FromField for Looking {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        match field {
            Field::Json(Value::String(word)) if word == "active" => Ok(Self::Active),
            Field::Json(Value::String(word)) if word == "away" => Ok(Self::Away),
            _ => Err(FieldError::Invalid("must be `active` or `away`")),
        }
    }
}

/// The id of a user who may be a participant already. Earlier versions accepted more ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownUser(pub UserId);

impl FromField for KnownUser {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        UserId::from_stored(text(field)?).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        let Value::Object(object) = value else {
            panic!("an object is needed")
        };
        Fields::from_object(object)
    }

    #[test]
    fn a_missing_or_wrong_field_is_named() {
        let given = fields(json!({"body": 5, "id": null}));
        let missing = given.required::<MessageId>("id");
        assert_eq!(
            missing,
            Err(Rejection::Invalid {
                field: "id",
                rule: "is missing"
            })
        );
        let wrong = given.required::<Body>("body");
        assert_eq!(
            wrong,
            Err(Rejection::Invalid {
                field: "body",
                rule: "must be a string"
            })
        );
    }
}

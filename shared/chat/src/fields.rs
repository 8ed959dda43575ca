//! The named values of a request, wherever they stood: in a frame, in a body, in a path or in a query.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    domain::{Body, ConversationId, FieldError, MessageId, Seq, Title, UserId},
    error::Rejection,
};

/// The values of one request by their names. Unknown names are ignored.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<String, Field>);

/// One value.
#[derive(Clone, Debug)]
pub enum Field {
    /// As it stood in a JSON object.
    Json(Value),
    /// As it stood in a path or in a query, where everything is text.
    Text(String),
}

impl Fields {
    /// The members of a JSON object. A member that is `null` counts as left out.
    #[must_use]
    pub fn from_object(object: Map<String, Value>) -> Self {
        let present = object.into_iter().filter(|(_, value)| !value.is_null());
        Self(
            present
                .map(|(name, value)| (name, Field::Json(value)))
                .collect(),
        )
    }

    /// Adds a value of a path or a query; it replaces one of the same name.
    pub fn set_text(&mut self, name: &str, text: impl Into<String>) {
        self.0.insert(name.to_owned(), Field::Text(text.into()));
    }

    /// Whether there is a value of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// `invalid` or `too_large` with the field's name.
    pub fn required<T: FromField>(&self, name: &'static str) -> Result<T, Rejection> {
        self.optional(name)?.ok_or(Rejection::Invalid {
            field: name,
            rule: "is missing",
        })
    }

    /// A value that may be left out.
    ///
    /// # Errors
    /// `invalid` or `too_large` with the field's name.
    pub fn optional<T: FromField>(&self, name: &'static str) -> Result<Option<T>, Rejection> {
        self.0
            .get(name)
            .map(T::from_field)
            .transpose()
            .map_err(|flaw| match flaw {
                FieldError::Invalid(rule) => Rejection::Invalid { field: name, rule },
                FieldError::TooLarge(rule) => Rejection::TooLarge { field: name, rule },
            })
    }
}

/// What a field's value can be read as.
pub trait FromField: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// The rule that it breaks.
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

from_text!(ConversationId, MessageId, UserId, Body, Title);

/// A position as a client gives it. A number that no log can have is no flaw of form: it is an unknown position, which
/// the client repairs in another way, so it is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(Option<Seq>);

impl Position {
    /// The position.
    ///
    /// # Errors
    /// `unknown_position` for a negative, fractional or too large number.
    pub fn seq(self) -> Result<Seq, Rejection> {
        self.0.ok_or(Rejection::UnknownPosition)
    }
}

impl FromField for Position {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        match field {
            Field::Json(Value::Number(number)) => Ok(Self(
                number
                    .as_u64()
                    .or_else(|| whole(number.as_f64()?))
                    .and_then(Seq::new),
            )),
            Field::Text(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
                Ok(Self(text.parse().ok().and_then(Seq::new)))
            }
            _ => Err(FieldError::Invalid("must be a number")),
        }
    }
}

/// JSON knows one kind of number: `5.0` and `5e0` are 5.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn whole(number: f64) -> Option<u64> {
    let last = Seq::MAX.number() as f64;
    (number.fract() == 0.0 && (0.0..=last).contains(&number)).then_some(number as u64)
}

/// Beyond this, numbers of JSON are not exact everywhere (RFC 8259, section 6): who gives one means something else.
const LARGEST_WHOLE: u64 = (1 << 53) - 1;

/// How many entries a client wants at most; anything beyond a route's range is clamped to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u64);

impl Limit {
    /// The number within 1 to `most`.
    #[must_use]
    pub fn clamped(self, most: usize) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX).clamp(1, most)
    }
}

impl FromField for Limit {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let number = match field {
            Field::Json(value) => value.as_i64(),
            Field::Text(text) => text.parse::<i64>().ok(),
        };
        let number = number
            .filter(|number| number.unsigned_abs() <= LARGEST_WHOLE)
            .ok_or(FieldError::Invalid(
                "must be a whole number from -9007199254740991 to 9007199254740991",
            ))?;
        Ok(Self(u64::try_from(number).unwrap_or(0)))
    }
}

/// The users that a conversation starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserList(pub Vec<UserId>);

impl FromField for UserList {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let Field::Json(Value::Array(values)) = field else {
            return Err(FieldError::Invalid("must be an array of user ids"));
        };
        let mut users = Vec::with_capacity(values.len().min(100));
        for value in values {
            let text = value
                .as_str()
                .ok_or(FieldError::Invalid("must hold strings only"))?;
            let user = UserId::new(text).map_err(|_| {
                FieldError::Invalid(
                    "must hold user ids of 1 to 128 bytes without control characters",
                )
            })?;
            if !users.contains(&user) {
                users.push(user);
            }
        }
        Ok(Self(users))
    }
}

/// What a client has seen of some conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions(pub Vec<(ConversationId, Seq)>);

/// Conversations in one `ping` at most.
pub const MAX_POSITIONS: usize = 20;

impl FromField for Positions {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let Field::Json(Value::Object(members)) = field else {
            return Err(FieldError::Invalid(
                "must be an object of conversation ids and positions",
            ));
        };
        if members.len() > MAX_POSITIONS {
            return Err(FieldError::Invalid("must name at most 20 conversations"));
        }
        let read = |(id, value): (&String, &Value)| {
            let id = ConversationId::new(id.as_str()).ok()?;
            Some((id, value.as_u64().and_then(Seq::new)?))
        };
        let positions: Option<Vec<_>> = members.iter().map(read).collect();
        positions.map(Self).ok_or(FieldError::Invalid(
            "must hold conversation ids and positions that are whole numbers",
        ))
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

    #[test]
    fn positions_are_whole_numbers_of_any_notation() {
        for (value, expected) in [
            (json!(0), Some(0)),
            (json!(5.0), Some(5)),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(1e300), None),
            (json!(1_000_000_000_000_u64), None),
        ] {
            let read = fields(json!({"after": value}))
                .required::<Position>("after")
                .unwrap()
                .seq();
            assert_eq!(read.ok().map(Seq::number), expected, "{value}");
        }
        let text = fields(json!({"after": "5"})).required::<Position>("after");
        assert!(matches!(
            text,
            Err(Rejection::Invalid { field: "after", .. })
        ));
    }

    #[test]
    fn a_query_gives_numbers_as_text() {
        for (text, expected) in [("7", Some(7)), ("-7", None), ("7.5", None)] {
            let mut query = Fields::default();
            query.set_text("after", text);
            let read = query.required::<Position>("after").unwrap().seq();
            assert_eq!(read.ok().map(Seq::number), expected, "{text}");
        }
        let mut query = Fields::default();
        query.set_text("after", "soon");
        assert!(query.required::<Position>("after").is_err());
    }

    #[test]
    fn limits_are_clamped() {
        let limit = |text| {
            let mut query = Fields::default();
            query.set_text("limit", text);
            query.required::<Limit>("limit")
        };
        for (text, expected) in [
            ("0", 1),
            ("-3", 1),
            ("7", 7),
            ("5000", 1000),
            ("9007199254740991", 1000),
            ("-9007199254740991", 1),
        ] {
            assert_eq!(limit(text).unwrap().clamped(1000), expected);
        }
        for text in ["9007199254740992", "-9007199254740992", "1.5", "all"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}

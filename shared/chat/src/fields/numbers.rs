//! Numbers: positions of a log and of its messages, and limits of a page.

use super::{Field, FromField};
use crate::{
    domain::{FieldError, Seq},
    error::Rejection,
    rate_limit::ORDINARY_COST,
};

/// A position as the client sent it.
///
/// A number that cannot be a position is `unknown_position` instead of `invalid`, because a client
/// recovers from the former by reading again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(Option<Seq>);

impl Position {
    /// Returns the position.
    ///
    /// # Errors
    /// `unknown_position` for a negative, fractional or too large number.
    pub fn seq(self) -> Result<Seq, Rejection> {
        self.0.ok_or(Rejection::UnknownPosition)
    }
}

impl FromField for Position {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let number = number(field).ok_or(FieldError::Invalid("must be a number"))?;
        Ok(Self(position(number)))
    }
}

/// The position of a message that a request names. Unlike [`Position`], it is no part of the
/// client's state, so reading again would not help: a number that cannot be a position is `invalid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagePosition(pub Seq);

impl FromField for MessagePosition {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let seq = number(field).and_then(position);
        let seq = seq.filter(|seq| *seq > Seq::START);
        seq.map(Self).ok_or(FieldError::Invalid(
            "must be the position of a message: a whole number from 1 on",
        ))
    }
}

/// Reads a number in any notation. JSON has one kind of number, so `5`, `5.0` and `5e0` are the
/// same; in a path or a query string they are text.
fn number(field: &Field) -> Option<f64> {
    let number = match field {
        Field::Json(value) => value.as_f64(),
        Field::Text(text) => text.parse().ok(),
    };
    number.filter(|number| number.is_finite())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn position(number: f64) -> Option<Seq> {
    // Up to the last position, doubles are exact.
    let last = Seq::MAX.number() as f64;
    let is_position = number.fract() == 0.0 && (0.0..=last).contains(&number);
    is_position.then_some(number as u64).and_then(Seq::new)
}

/// The most entries that the client wants. Numbers outside of a route's range are clamped to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u64);

impl Limit {
    /// Returns the number, clamped to the range 1 to `most`.
    #[must_use]
    pub fn clamped(self, most: usize) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX).clamp(1, most)
    }

    /// Returns what a page with this limit costs, in tokens: as much as short pages.
    #[must_use]
    pub fn cost(self, most: usize) -> u32 {
        let further = self.clamped(most) / ENTRIES_OF_A_TOKEN;
        ORDINARY_COST.saturating_add(u32::try_from(further).unwrap_or(u32::MAX))
    }
}

/// The entries of a page that cost a further token. A page of 1,000 is up to a megabyte.
const ENTRIES_OF_A_TOKEN: usize = 250;

impl FromField for Limit {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts of doubles are clamped to the range of the integer"
    )]
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let whole = number(field).filter(|number| number.fract() == 0.0);
        let whole = whole.ok_or(FieldError::Invalid("must be a whole number"))?;
        Ok(Self(whole as u64))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fields::Fields;

    fn fields(value: Value) -> Fields {
        let Value::Object(object) = value else {
            panic!("an object is needed")
        };
        Fields::from_object(object)
    }

    #[test]
    fn positions_are_whole_numbers_in_any_notation() {
        for (value, expected) in [
            (json!(0), Some(0)),
            (json!(5.0), Some(5)),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(1e300), None),
            (json!(999_999_999_999_u64), Some(999_999_999_999)),
            (json!(1_000_000_000_000_u64), None),
            (json!(u64::MAX), None),
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
    fn the_position_of_a_message_is_a_whole_number_from_1_on() {
        for (value, expected) in [
            (json!(1), Some(1)),
            (json!(5.0), Some(5)),
            (json!(999_999_999_999_u64), Some(999_999_999_999)),
            (json!(0), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(1_000_000_000_000_u64), None),
            (json!("5"), None),
        ] {
            let read = fields(json!({"target": value})).required::<MessagePosition>("target");
            let read = read.ok().map(|MessagePosition(seq)| seq.number());
            assert_eq!(read, expected, "{value}");
        }
        let mut path = Fields::default();
        path.set_text("target", "41");
        let read = path.required::<MessagePosition>("target").unwrap();
        assert_eq!(read.0.number(), 41);
    }

    #[test]
    fn numbers_in_a_query_string_are_text() {
        for (text, expected) in [
            ("7", Some(7)),
            ("0.0", Some(0)),
            ("5.0", Some(5)),
            ("5e0", Some(5)),
            ("999999999999", Some(999_999_999_999)),
            ("1000000000000", None),
            ("-7", None),
            ("7.5", None),
        ] {
            let mut query = Fields::default();
            query.set_text("after", text);
            let read = query.required::<Position>("after").unwrap().seq();
            assert_eq!(read.ok().map(Seq::number), expected, "{text}");
        }
        for text in ["soon", "", "NaN", "inf", "1e999", "5\u{fffd}"] {
            let mut query = Fields::default();
            query.set_text("after", text);
            assert!(query.required::<Position>("after").is_err(), "{text}");
        }
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
            ("7.0", 7),
            ("1e2", 100),
            ("9007199254740992", 1000),
            ("-9007199254740992", 1),
            ("1e300", 1000),
        ] {
            assert_eq!(limit(text).unwrap().clamped(1000), expected, "{text}");
        }
        for text in ["1.5", "all", "", "NaN", "inf"] {
            let (field, rule) = ("limit", "must be a whole number");
            assert_eq!(
                limit(text),
                Err(Rejection::Invalid { field, rule }),
                "{text}"
            );
        }
    }
}

//! Numbers: positions of a log, and limits of a page.

use serde_json::Value;

use super::{Field, FromField};
use crate::{
    domain::{FieldError, Seq},
    error::Rejection,
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

/// Reads a whole number: JSON has one kind of number, so `5.0` and `5e0` are 5.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn whole(number: f64) -> Option<u64> {
    let last = Seq::MAX.number() as f64;
    (number.fract() == 0.0 && (0.0..=last).contains(&number)).then_some(number as u64)
}

/// Larger JSON numbers are not exact in every implementation (RFC 8259, section 6).
const LARGEST_WHOLE: u64 = (1 << 53) - 1;

/// The most entries that the client wants. Numbers outside of a route's range are clamped to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u64);

impl Limit {
    /// Returns the number, clamped to the range 1 to `most`.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

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
    fn numbers_in_a_query_string_are_text() {
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

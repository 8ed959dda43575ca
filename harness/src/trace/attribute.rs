//! The values of an event's attributes, and their serialized form.

use serde_json::Value;

/// The longest text of an attribute, in bytes. Clients choose some of the texts, so without a bound
/// they could fill the memory.
const LONGEST: usize = 512;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text. Longer ones are shortened by [`shortened`].
    Text(Box<str>),
    /// A whole number.
    Count(u64),
    /// Another number.
    Number(f64),
    /// True or false.
    Flag(bool),
}

impl Attribute {
    /// Returns about how much memory the value takes beside its own size, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Count(_) | Self::Number(_) | Self::Flag(_) => 0,
        }
    }

    /// Returns the value as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(&**text),
            Self::Count(count) => (*count).into(),
            Self::Number(number) => (*number).into(),
            Self::Flag(flag) => (*flag).into(),
        }
    }
}

/// Returns at most the first 512 bytes of a text, with `…` if something is missing.
#[must_use]
pub fn shortened(text: &str) -> Box<str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end));
    let beginning = text.get(..end.unwrap_or_default()).unwrap_or_default();
    format!("{beginning}…").into()
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(shortened(text))
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        if text.len() <= LONGEST {
            Self::Text(text.into())
        } else {
            text.as_str().into()
        }
    }
}

impl From<u64> for Attribute {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for Attribute {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<u16> for Attribute {
    fn from(count: u16) -> Self {
        Self::Count(count.into())
    }
}

impl From<usize> for Attribute {
    fn from(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

impl From<f64> for Attribute {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Attribute {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

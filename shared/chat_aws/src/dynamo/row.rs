//! Items of the table: writing and reading their attributes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chat::{
    domain::{Timestamp, UserId},
    error::InternalError,
};

use super::keys;

/// An item as the SDK takes and gives it.
pub type Item = HashMap<String, AttributeValue>;

/// An item's attributes by their names.
#[derive(Clone, PartialEq)]
pub struct Row(Item);

impl Row {
    /// An item under this key, without other attributes.
    pub fn new(pk: String, sk: String) -> Self {
        Self(HashMap::new()).with(keys::PK, pk).with(keys::SK, sk)
    }

    /// An item that was read.
    pub fn read(item: Item) -> Self {
        Self(item)
    }

    /// Adds a text.
    pub fn with(mut self, name: &str, text: impl Into<String>) -> Self {
        self.0
            .insert(name.to_owned(), AttributeValue::S(text.into()));
        self
    }

    /// Adds a number.
    pub fn with_number(mut self, name: &str, number: u64) -> Self {
        self.0
            .insert(name.to_owned(), AttributeValue::N(number.to_string()));
        self
    }

    /// The item for the SDK.
    pub fn into_item(self) -> Item {
        self.0
    }

    /// A text, if it is there.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    /// A text.
    pub fn text(&self, name: &'static str) -> Result<&str, InternalError> {
        self.optional(name).ok_or_else(|| unreadable(name))
    }

    /// A point in time in milliseconds.
    pub fn time(&self, name: &'static str) -> Result<Timestamp, InternalError> {
        let number = self.0.get(name).and_then(|value| value.as_n().ok());
        let millis = number.and_then(|number| number.parse().ok());
        millis
            .map(Timestamp::from_millis)
            .ok_or_else(|| unreadable(name))
    }

    /// A user id.
    pub fn user(&self, name: &'static str) -> Result<UserId, InternalError> {
        UserId::new(self.text(name)?).map_err(|_| unreadable(name))
    }

    /// What the sort key names.
    pub fn named_by_sk<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<T, InternalError> {
        self.optional(keys::SK)
            .and_then(read)
            .ok_or_else(|| unreadable(keys::SK))
    }

    /// What the partition key names.
    pub fn named_by_pk<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<T, InternalError> {
        self.optional(keys::PK)
            .and_then(read)
            .ok_or_else(|| unreadable(keys::PK))
    }
}

/// An attribute is missing, or is not what this code writes. Only its name is told, since items are private.
pub fn unreadable(attribute: &'static str) -> InternalError {
    InternalError::new(
        "reading an item",
        format!("its attribute `{attribute}` is missing or malformed"),
    )
}

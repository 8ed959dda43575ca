//! Writes and reads the attributes of items.
//!
//! `serde_dynamo` would save few lines here, and its generated code would add to the size of
//! `rest`, which is close to the limit of a function's binary.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chat::{
    domain::{Connection, ConnectionId, Seq, Timestamp, UserId},
    error::InternalError,
};

use super::keys;

/// An item in the SDK's form.
pub type Item = HashMap<String, AttributeValue>;

/// The attributes of an item by name.
#[derive(Clone, PartialEq)]
pub struct Row(Item);

impl Row {
    /// Creates an item with only a key.
    pub fn new(pk: String, sk: String) -> Self {
        Self(HashMap::new()).with(keys::PK, pk).with(keys::SK, sk)
    }

    /// Wraps an item that was read.
    pub fn read(item: Item) -> Self {
        Self(item)
    }

    /// Adds a string.
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

    /// Adds whether something holds.
    pub fn with_bool(mut self, name: &str, holds: bool) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::Bool(holds));
        self
    }

    /// Returns the item for the SDK.
    pub fn into_item(self) -> Item {
        self.0
    }

    /// Returns a string, if the attribute exists.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    /// Returns the strings of a set, none if the attribute does not exist.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let set = self.0.get(name).and_then(|value| value.as_ss().ok());
        set.cloned().unwrap_or_default()
    }

    /// Returns a string.
    pub fn text(&self, name: &'static str) -> Result<&str, InternalError> {
        self.optional(name).ok_or_else(|| unreadable(name))
    }

    /// Returns a time that is stored in milliseconds.
    pub fn time(&self, name: &'static str) -> Result<Timestamp, InternalError> {
        self.number(name).map(Timestamp::from_millis)
    }

    /// Returns a position, if the attribute exists.
    pub fn seq(&self, name: &'static str) -> Result<Option<Seq>, InternalError> {
        if !self.0.contains_key(name) {
            return Ok(None);
        }
        let seq = Seq::new(self.number(name)?);
        seq.map(Some).ok_or_else(|| unreadable(name))
    }

    fn number(&self, name: &'static str) -> Result<u64, InternalError> {
        self.optional_number(name)?.ok_or_else(|| unreadable(name))
    }

    /// Returns whether something holds, if the attribute exists.
    pub fn optional_bool(&self, name: &'static str) -> Result<Option<bool>, InternalError> {
        let value = self.0.get(name).map(AttributeValue::as_bool).transpose();
        value
            .map(Option::<&bool>::copied)
            .map_err(|_| unreadable(name))
    }

    /// Returns a number, if the attribute exists.
    pub fn optional_number(&self, name: &'static str) -> Result<Option<u64>, InternalError> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let number = value.as_n().ok().and_then(|number| number.parse().ok());
        number.map(Some).ok_or_else(|| unreadable(name))
    }

    /// Returns a position, if the attribute exists.
    pub fn optional_seq(&self, name: &'static str) -> Result<Option<Seq>, InternalError> {
        let number = self.optional_number(name)?;
        number
            .map(|number| Seq::new(number).ok_or_else(|| unreadable(name)))
            .transpose()
    }

    /// Returns the connection that the sort key names.
    pub fn connection(
        &self,
        read: impl FnOnce(&str) -> Option<ConnectionId>,
    ) -> Result<Connection, InternalError> {
        Ok(Connection::new(
            self.named_by_sk(read)?,
            self.time(keys::CONNECTED_AT)?,
            Timestamp::from_seconds(self.number(keys::EXPIRES_AT)?),
        ))
    }

    /// Returns a user id.
    pub fn user(&self, name: &'static str) -> Result<UserId, InternalError> {
        UserId::from_stored(self.text(name)?).map_err(|_| unreadable(name))
    }

    /// Parses the sort key.
    pub fn named_by_sk<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<T, InternalError> {
        self.optional(keys::SK)
            .and_then(read)
            .ok_or_else(|| unreadable(keys::SK))
    }

    /// Parses the partition key.
    pub fn named_by_pk<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<T, InternalError> {
        self.optional(keys::PK)
            .and_then(read)
            .ok_or_else(|| unreadable(keys::PK))
    }
}

/// Returns the error for an attribute that is missing or malformed. It holds only the attribute's
/// name, because items are private.
pub fn unreadable(attribute: &'static str) -> InternalError {
    InternalError::new(
        "reading an item",
        format!("its attribute `{attribute}` is missing or malformed"),
    )
}

//! The contents of entry rows. A new kind of entry is one row in `kinds!`.

use chat::{
    domain::{Body, Content, DisplayName, UserId},
    error::InternalError,
};

use super::{
    keys,
    row::{Row, unreadable},
};

/// Generates [`with_content`] and [`content`] from the kinds: the value of the attribute
/// [`keys::KIND`], the variant, and the attribute of each of its fields.
macro_rules! kinds {
    ($($kind:literal => $variant:ident { $($field:ident: $attribute:ident),* };)*) => {
        /// Adds the attributes of a content to an entry row.
        pub fn with_content(row: Row, content: &Content) -> Row {
            match content {
                $(Content::$variant { $($field),* } => row
                    .with(keys::KIND, $kind)
                    $(.with(keys::$attribute, $field.as_str()))*,)*
            }
        }

        /// Reads the content of an entry row.
        pub fn content(row: &Row) -> Result<Content, InternalError> {
            match row.text(keys::KIND)? {
                $($kind => Ok(Content::$variant {
                    $($field: Attribute::read(row, keys::$attribute)?),*
                }),)*
                _ => Err(unreadable(keys::KIND)),
            }
        }
    };
}

kinds! {
    "message" => Message { name: NAME, body: BODY };
    "participant_added" => ParticipantAdded { user: USER, name: NAME };
    "participant_removed" => ParticipantRemoved { user: USER, name: NAME };
}

/// A domain type that an attribute stores as text.
trait Attribute: Sized {
    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError>;
}

impl Attribute for UserId {
    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        row.user(name)
    }
}

impl Attribute for DisplayName {
    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        // A name belongs to the user whom the entry adds or removes, or else to the sender.
        let user = row.user(keys::USER).or_else(|_| row.user(keys::SENDER))?;
        Ok(Self::of(&user, row.text(name)?))
    }
}

impl Attribute for Body {
    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        row.text(name)
            .map(|text| Self::from_stored(text.to_owned()))
    }
}

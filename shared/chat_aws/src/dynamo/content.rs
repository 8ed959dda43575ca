//! The contents of entry rows. A new kind of entry is one row in `kinds!`.

use chat::{
    domain::{Body, Content, DisplayName, Emoji, Revision, Seq, UserId},
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
                $(Content::$variant { $($field),* } => {
                    let row = row.with(keys::KIND, $kind);
                    $(let row = $field.write(row, keys::$attribute);)*
                    row
                })*
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
    "message" => Message { name: NAME, body: BODY, reply_to: REPLY_TO, revision: EDITED_SEQ };
    "message_edited" => MessageEdited { target: TARGET, body: BODY };
    "message_deleted" => MessageDeleted { target: TARGET };
    "reaction" => Reaction { target: TARGET, emoji: EMOJI, on: ON, name: NAME };
    "participant_added" => ParticipantAdded { user: USER, name: NAME };
    "participant_removed" => ParticipantRemoved { user: USER, name: NAME };
}

/// A domain type that an attribute stores.
trait Attribute: Sized {
    fn write(&self, row: Row, name: &'static str) -> Row;

    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError>;
}

impl Attribute for UserId {
    fn write(&self, row: Row, name: &'static str) -> Row {
        row.with(name, self.as_str())
    }

    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        row.user(name)
    }
}

impl Attribute for DisplayName {
    fn write(&self, row: Row, name: &'static str) -> Row {
        row.with(name, self.as_str())
    }

    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        // A name belongs to the user whom the entry adds or removes, or else to the sender.
        let user = row.user(keys::USER).or_else(|_| row.user(keys::SENDER))?;
        Ok(Self::of(&user, row.text(name)?))
    }
}

impl Attribute for Body {
    fn write(&self, row: Row, name: &'static str) -> Row {
        row.with(name, self.as_str())
    }

    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        if row.seq(keys::DELETED_SEQ)?.is_some() {
            return Ok(Self::deleted());
        }
        row.text(name)
            .map(|text| Self::from_stored(text.to_owned()))
    }
}

/// The text of an edit, which only the message itself stores.
impl Attribute for Option<Body> {
    fn write(&self, row: Row, _: &'static str) -> Row {
        row
    }

    fn read(_: &Row, _: &'static str) -> Result<Self, InternalError> {
        Ok(None)
    }
}

impl Attribute for Seq {
    fn write(&self, row: Row, name: &'static str) -> Row {
        row.with_number(name, self.number())
    }

    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        row.seq(name)?.ok_or_else(|| unreadable(name))
    }
}

impl Attribute for Emoji {
    fn write(&self, row: Row, name: &'static str) -> Row {
        row.with(name, self.as_str())
    }

    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        row.text(name)
            .map(|text| Self::from_stored(text.to_owned()))
    }
}

impl Attribute for bool {
    fn write(&self, row: Row, name: &'static str) -> Row {
        row.with_bool(name, *self)
    }

    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        row.optional_bool(name)?.ok_or_else(|| unreadable(name))
    }
}

/// What has become of a message, in attributes of their own names. A new message has none of them;
/// an edit or a deletion of it adds them.
impl Attribute for Revision {
    fn write(&self, row: Row, _: &'static str) -> Row {
        row
    }

    fn read(row: &Row, _: &'static str) -> Result<Self, InternalError> {
        if let Some(seq) = row.seq(keys::DELETED_SEQ)? {
            let by = row.user(keys::DELETED_BY)?;
            return Ok(Self::Deleted { seq, by });
        }
        match row.seq(keys::EDITED_SEQ)? {
            Some(seq) => Ok(Self::Edited {
                seq,
                at: row.time(keys::EDITED_AT)?,
            }),
            None => Ok(Self::Original),
        }
    }
}

/// A position. Without one, the attribute is missing.
impl Attribute for Option<Seq> {
    fn write(&self, row: Row, name: &'static str) -> Row {
        match self {
            Some(seq) => row.with_number(name, seq.number()),
            None => row,
        }
    }

    fn read(row: &Row, name: &'static str) -> Result<Self, InternalError> {
        row.seq(name)
    }
}

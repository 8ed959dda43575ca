//! Lists: users, and positions by conversation. The length is checked before any element is read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Field, FromField};
use crate::{
    domain::{ConversationId, FieldError, Seq, UserId},
    limit::limit,
};

limit!(
    /// The most users in a list: as many rows fit into one transaction with the creator's.
    pub const MAX_USERS = 90;
    const TOO_MANY_USERS = "must contain at most ", " users; add the others afterwards";
);

/// The users that a conversation starts with, without repetitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserList(pub Vec<UserId>);

impl FromField for UserList {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let Field::Json(Value::Array(values)) = field else {
            return Err(FieldError::Invalid("must be an array of user ids"));
        };
        if values.len() > MAX_USERS {
            return Err(FieldError::Invalid(TOO_MANY_USERS));
        }
        let mut seen = BTreeSet::new();
        let mut users = Vec::with_capacity(values.len());
        for value in values {
            let user = user(value)?;
            if seen.insert(user.clone()) {
                users.push(user);
            }
        }
        Ok(Self(users))
    }
}

fn user(value: &Value) -> Result<UserId, FieldError> {
    let text = value
        .as_str()
        .ok_or(FieldError::Invalid("must contain only strings"))?;
    UserId::new(text).map_err(|_| {
        FieldError::Invalid("must contain user ids of 1 to 128 bytes without control characters")
    })
}

limit!(
    /// The most conversations in one `ping`.
    pub const MAX_POSITIONS = 20;
    const TOO_MANY_POSITIONS = "must name at most ", " conversations";
);

/// A client's positions by conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions(pub Vec<(ConversationId, Seq)>);

impl FromField for Positions {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let Field::Json(Value::Object(members)) = field else {
            return Err(FieldError::Invalid(
                "must be an object of conversation ids and positions",
            ));
        };
        if members.len() > MAX_POSITIONS {
            return Err(FieldError::Invalid(TOO_MANY_POSITIONS));
        }
        let read = |(id, value): (&String, &Value)| {
            let id = ConversationId::new(id.as_str()).ok()?;
            Some((id, value.as_u64().and_then(Seq::new)?))
        };
        let positions: Option<Vec<_>> = members.iter().map(read).collect();
        positions.map(Self).ok_or(FieldError::Invalid(
            "must contain conversation ids and positions that are whole numbers",
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn users(value: Value) -> Result<Vec<UserId>, FieldError> {
        UserList::from_field(&Field::Json(value)).map(|list| list.0)
    }

    #[test]
    fn users_are_kept_in_order_without_repetitions() {
        let read = users(json!(["grace", "ada", "grace"])).unwrap();
        let names: Vec<&str> = read.iter().map(UserId::as_str).collect();
        assert_eq!(names, ["grace", "ada"]);
    }

    #[test]
    fn the_length_of_a_list_is_checked_before_its_elements() {
        // Repetitions count, and elements that are not ids are not read.
        let rejected = Err(FieldError::Invalid(TOO_MANY_USERS));
        for value in [json!("ada"), json!(5), json!("")] {
            assert_eq!(users(Value::from(vec![value; MAX_USERS + 1])), rejected);
        }
        assert!(users(Value::from(vec!["ada"; MAX_USERS])).is_ok());
    }
}

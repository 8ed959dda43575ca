//! Lists: users, and positions by conversation. A list that exceeds its limit is read no further.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Field, Fields, FromField, Position};
use crate::{
    domain::{ConversationId, FieldError, Seq, UserId},
    limit::limit,
};

limit!(
    /// The most users in a list. Their rows must fit into one transaction with the creator's.
    pub const MAX_USERS = 90;
    const TOO_MANY_USERS = "must contain at most ", " users; add the others afterwards";
);

/// The users that a conversation starts with, without repetitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserList(pub Vec<UserId>);

impl FromField for UserList {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let new = |text: &str| UserId::new(text);
        users(field, new, MAX_USERS, TOO_MANY_USERS).map(Self)
    }
}

limit!(
    /// The most users that one request removes. Each costs a write that waits for the one before.
    pub const MAX_REMOVALS = 25;
    const TOO_MANY_REMOVALS = "must contain at most ", " users; remove the others with another request";
);

/// Users who may be participants already, without repetitions. Earlier versions accepted more ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownUsers(pub Vec<UserId>);

impl FromField for KnownUsers {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        users(field, UserId::from_stored, MAX_REMOVALS, TOO_MANY_REMOVALS).map(Self)
    }
}

/// Reads at most `most` different users.
fn users(
    field: &Field,
    read: impl Fn(&str) -> Result<UserId, FieldError>,
    most: usize,
    too_many: &'static str,
) -> Result<Vec<UserId>, FieldError> {
    let Field::Json(Value::Array(values)) = field else {
        return Err(FieldError::Invalid("must be an array of user ids"));
    };
    let mut seen = BTreeSet::new();
    let mut users = Vec::with_capacity(values.len().min(most));
    for value in values {
        let text = value
            .as_str()
            .ok_or(FieldError::Invalid("must contain only strings"))?;
        let user = read(text).map_err(|_| FieldError::Invalid(USERS_RULE))?;
        if !seen.insert(user.clone()) {
            continue;
        }
        if users.len() == most {
            return Err(FieldError::Invalid(too_many));
        }
        users.push(user);
    }
    Ok(users)
}

const USERS_RULE: &str = "must contain user ids of 1 to 128 bytes of Unicode text in form NFC, with \
     no invisible characters and only single spaces, none at their ends";

limit!(
    /// The most conversations in one `ping`.
    pub const MAX_POSITIONS = 20;
    const TOO_MANY_POSITIONS = "must name at most ", " conversations";
);

limit!(
    /// The most conversations that a client watches.
    pub const MAX_WATCHED = 5;
    const TOO_MANY_WATCHED = "must contain at most ", " conversations";
);

/// The conversations that a client watches, without repetitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchList(pub Vec<ConversationId>);

impl FromField for WatchList {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        let Field::Json(Value::Array(values)) = field else {
            return Err(FieldError::Invalid("must be an array of conversation ids"));
        };
        if values.len() > MAX_WATCHED {
            return Err(FieldError::Invalid(TOO_MANY_WATCHED));
        }
        let mut watched = Vec::with_capacity(values.len());
        for value in values {
            let id = value.as_str().and_then(|id| ConversationId::new(id).ok());
            let id = id.ok_or(FieldError::Invalid("must contain only conversation ids"))?;
            if !watched.contains(&id) {
                watched.push(id);
            }
        }
        Ok(Self(watched))
    }
}

limit!(
    /// The most conversations that one frame subscribes to.
    pub const MAX_SUBSCRIBED = 20;
    const TOO_MANY_SUBSCRIBED = "must contain at most ", " conversations";
);

/// A conversation to subscribe to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Conversation id.
    pub conversation: ConversationId,
    /// The position after which entries are missed; `None` means from the head.
    pub after: Option<Position>,
}

/// The conversations to subscribe to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionList(pub Vec<Wanted>);

impl FromField for SubscriptionList {
    fn from_field(field: &Field) -> Result<Self, FieldError> {
        const RULE: FieldError = FieldError::Invalid(
            "must be an array of objects with a `conversation` and an optional `after`",
        );
        let Field::Json(Value::Array(values)) = field else {
            return Err(RULE);
        };
        if values.is_empty() {
            return Err(FieldError::Invalid("must not be empty"));
        }
        if values.len() > MAX_SUBSCRIBED {
            return Err(FieldError::Invalid(TOO_MANY_SUBSCRIBED));
        }
        let mut seen = BTreeSet::new();
        let mut wanted = Vec::with_capacity(values.len());
        for value in values {
            let Value::Object(members) = value else {
                return Err(RULE);
            };
            let fields = Fields::from_object(members.clone());
            let conversation: ConversationId = fields.required("conversation").map_err(|_| RULE)?;
            let after = fields.optional("after").map_err(|_| RULE)?;
            if !seen.insert(conversation.clone()) {
                return Err(FieldError::Invalid("must not name a conversation twice"));
            }
            wanted.push(Wanted {
                conversation,
                after,
            });
        }
        Ok(Self(wanted))
    }
}

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
    fn a_list_is_read_up_to_its_limit_and_no_further() {
        let most: Vec<String> = (0..MAX_USERS).map(|n| format!("user-{n}")).collect();
        let repeated = [most.clone(), most.clone()].concat();
        assert_eq!(users(json!(repeated)).unwrap().len(), MAX_USERS);

        // The element behind the first that is too many is not read.
        let mut values: Vec<Value> = most.into_iter().map(Value::from).collect();
        values.extend([json!("one-more"), json!(5)]);
        assert_eq!(
            users(json!(values)),
            Err(FieldError::Invalid(TOO_MANY_USERS))
        );
    }

    #[test]
    fn users_who_may_be_participants_already_have_a_limit_of_their_own() {
        let known = |value| KnownUsers::from_field(&Field::Json(value)).map(|list| list.0);
        let mut most: Vec<String> = (0..MAX_REMOVALS).map(|n| format!("user-{n}")).collect();
        most[0] = "Zoe\u{308}".to_owned();
        assert_eq!(known(json!(most)).unwrap().len(), MAX_REMOVALS);
        most.push("one-more".to_owned());
        assert_eq!(
            known(json!(most)),
            Err(FieldError::Invalid(TOO_MANY_REMOVALS))
        );
    }
}

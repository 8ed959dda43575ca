//! `POST /conversations`: creates a conversation.
//!
//! ```json
//! {"title": "Lunch", "participants": ["grace"], "id": "lunch"}
//! {"id": "lunch", "title": "Lunch", "head": 0, "createdAt": "…",
//!  "participants": [{"user": "ada", "name": "Ada Lovelace", "role": "owner"},
//!                   {"user": "grace", "name": "grace", "role": "member"}]}
//! ```
//!
//! Creating writes no entry to the log. A request with an id can be repeated.

use crate::{
    description::{Described, describe},
    domain::{
        Conversation, ConversationId, DisplayName, Identity, Participant, Role, Timestamp, Title,
        UserId,
    },
    error::{InternalError, Rejection, RequestError},
    fan_out::notify,
    fields::{Fields, UserList},
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Subscriptions},
    request::{Request, Route},
    wire::Notice,
};

/// Creates a conversation.
#[derive(Clone, Copy, Debug)]
pub struct CreateConversation;

struct Command {
    id: Option<ConversationId>,
    title: Option<Title>,
    users: Vec<UserId>,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        let UserList(users) = fields.required("participants")?;
        Ok(Self {
            id: fields.optional("id")?,
            title: fields.optional("title")?,
            users,
        })
    }
}

impl<P> Route<P> for CreateConversation
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "createConversation";
    const COST: u32 = 10;
    type Reply = Described;

    async fn handle(ports: &P, request: &Request) -> Result<Described, RequestError> {
        let Command { id, title, users } = Command::parse(&request.fields)?;

        let now = ports.now();
        let caller = request.caller(now)?;

        let id = id.map_or_else(|| fresh_id(ports), Ok)?;
        let created_by = caller.user.clone();
        let conversation = Conversation {
            id,
            title,
            created_at: now,
            created_by,
        };
        let participants = with_owner(caller, users, now);
        let described = if ports.create(&conversation, &participants).await? {
            Described::new(conversation, participants, 0, true)
        } else {
            existing(ports, &conversation.id, caller).await?
        };

        // A repetition notifies again: the first attempt may have ended before its notices.
        let users = described.users();
        let notice = Notice::Added {
            conversation: &described.id,
            title: described.title.as_deref(),
            head: described.head,
            by: caller.user.as_str(),
        };
        notify(ports, &users, &notice, request.deadline).await?;

        Ok(described)
    }
}

fn fresh_id(random: &impl Random) -> Result<ConversationId, InternalError> {
    ConversationId::new(random.fresh_id())
        .map_err(|error| InternalError::new("naming a conversation", error))
}

fn with_owner(caller: &Identity, users: Vec<UserId>, now: Timestamp) -> Vec<Participant> {
    let owner = Participant {
        user: caller.user.clone(),
        name: caller.name.clone(),
        role: Role::Owner,
        joined_at: now,
    };
    let others = users
        .into_iter()
        .filter(|user| *user != caller.user)
        .map(|user| Participant {
            name: DisplayName::fitted(user.as_str()),
            user,
            role: Role::Member,
            joined_at: now,
        });
    std::iter::once(owner).chain(others).collect()
}

/// Describes the conversation that already has this id, if the caller created it.
///
/// # Errors
/// `id_reused` for other callers. They learn only that the id is taken.
async fn existing<P: Log + Participants + Sync>(
    ports: &P,
    id: &ConversationId,
    caller: &Identity,
) -> Result<Described, RequestError> {
    let known = ports.conversation(id).await?.ok_or(Rejection::IdReused)?;
    if known.created_by != caller.user {
        return Err(Rejection::IdReused.into());
    }
    describe(ports, known, caller).await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fakes::FakeChat;

    #[test]
    fn all_participants_of_a_new_conversation_are_notified() {
        let chat = FakeChat::new();
        for connection in ["ada-1", "grace-1", "grace-2", "mallory-1"] {
            chat.connect(connection);
        }
        let fields =
            json!({"id": "lunch", "title": "Lunch", "participants": ["grace", "ada", "grace"]});
        let created = chat.ask::<CreateConversation>("ada", fields).unwrap();
        let member =
            |user: &str, name: &str, role: &str| json!({"user": user, "name": name, "role": role});
        assert_eq!(
            created,
            json!({"id": "lunch", "title": "Lunch", "head": 0, "createdAt": created["createdAt"],
                "participants": [member("ada", "Ada", "owner"), member("grace", "grace", "member")]})
        );
        let added = json!({"event": "added", "conversation": "lunch", "title": "Lunch", "head": 0, "by": "ada"});
        let expected = ["ada-1", "grace-1", "grace-2"].map(|name| (name.to_owned(), added.clone()));
        assert_eq!(chat.pushed(), expected);
    }

    #[test]
    fn a_repetition_creates_nothing() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        chat.history(&c, "ada", 2);
        let again = json!({"id": "c", "participants": ["mallory"]});
        let described = chat
            .ask::<CreateConversation>("ada", again.clone())
            .unwrap();
        assert_eq!(described["head"], 2);
        assert_eq!(described["participants"].as_array().map(Vec::len), Some(2));
        for other in ["grace", "mallory"] {
            let rejected = chat
                .ask::<CreateConversation>(other, again.clone())
                .unwrap_err();
            assert_eq!(rejected["code"], "id_reused");
        }
    }

    #[test]
    fn each_request_without_an_id_creates_a_conversation() {
        let chat = FakeChat::new();
        let ids: Vec<Value> = (0..2)
            .map(|_| {
                chat.ask::<CreateConversation>("ada", json!({"participants": []}))
                    .unwrap()["id"]
                    .clone()
            })
            .collect();
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn an_invalid_field_is_named() {
        let chat = FakeChat::new();
        let many: Vec<String> = (0..91).map(|n| format!("user-{n}")).collect();
        for (fields, field) in [
            (json!({}), "participants"),
            (json!({"participants": "grace"}), "participants"),
            (json!({"participants": ["grace", 5]}), "participants"),
            (json!({"participants": [""]}), "participants"),
            (json!({"participants": many}), "participants"),
            (json!({"participants": [], "title": ""}), "title"),
            (
                json!({"participants": [], "title": "x".repeat(201)}),
                "title",
            ),
            (json!({"participants": [], "id": "a/b"}), "id"),
        ] {
            let rejected = chat.ask::<CreateConversation>("ada", fields).unwrap_err();
            assert_eq!(
                (&rejected["code"], &rejected["field"]),
                (&json!("invalid"), &json!(field))
            );
        }
    }
}

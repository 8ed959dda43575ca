//! `POST /conversations`: creates a conversation.
//!
//! ```json
//! {"title": "Lunch", "participants": ["grace"], "id": "lunch"}
//! {"id": "lunch", "title": "Lunch", "head": 0, "createdAt": "…",
//!  "participants": [{"user": "ada", "name": "Ada Lovelace", "role": "owner"},
//!                   {"user": "grace", "name": "grace", "role": "member"}], "next": null}
//! ```
//!
//! Creating writes no entry to the log. A request with an id can be repeated. A repetition is
//! answered with the present state and notifies nobody: notices are best effort, and a client that
//! misses one finds the conversation in its next list.

use futures_util::future::try_join3;

use crate::{
    description::{Described, describe},
    domain::{
        Conversation, ConversationId, Digest, DisplayName, Identity, Participant, ReadState, Role,
        Timestamp, Title, UserId,
    },
    error::{InternalError, Rejection, RequestError},
    fan_out::notify,
    fields::{Fields, UserList},
    log::head,
    ports::{
        Clock, Connections, Log, Outbound, ParticipantPage, Participants, Random, Subscriptions,
    },
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
        let others = without(users, &caller.user);
        let conversation = Conversation {
            id,
            digest: Some(Digest::of_creation(title.as_ref(), &others)),
            title,
            created_at: now,
            created_by: caller.user.clone(),
        };
        let participants = with_owner(caller, others, now);
        if !ports.create(&conversation, &participants).await? {
            return repeated(ports, &conversation, caller).await;
        }

        let users: Vec<UserId> = participants.iter().map(|one| one.user.clone()).collect();
        let all = ParticipantPage {
            participants,
            more: false,
        };
        let described = Described::new(conversation, all, 0, true);
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

fn without(mut users: Vec<UserId>, user: &UserId) -> Vec<UserId> {
    users.retain(|other| other != user);
    users
}

fn with_owner(caller: &Identity, others: Vec<UserId>, now: Timestamp) -> Vec<Participant> {
    let owner = Participant {
        user: caller.user.clone(),
        name: caller.name.clone(),
        role: Role::Owner,
        joined_at: now,
        read: ReadState::default(),
    };
    let others = others.into_iter().map(|user| Participant {
        name: DisplayName::fitted(user.as_str()),
        user,
        role: Role::Member,
        joined_at: now,
        read: ReadState::default(),
    });
    std::iter::once(owner).chain(others).collect()
}

/// Describes the conversation that already has this id, if the same request created it.
///
/// # Errors
/// - `id_reused` for other callers, who learn only that the id is taken, and for another title or
///   other users: an answer 200 would say that these users are participants
/// - `not_found` if the caller is not a participant any more
async fn repeated<P: Log + Participants + Sync>(
    ports: &P,
    wanted: &Conversation,
    caller: &Identity,
) -> Result<Described, RequestError> {
    let (known, participant, head) = try_join3(
        ports.conversation(&wanted.id),
        ports.participant(&wanted.id, &caller.user),
        head(ports, &wanted.id),
    )
    .await?;
    let known = known.ok_or(Rejection::IdReused)?;
    let is_same = known.digest.is_none() || known.digest == wanted.digest;
    if known.created_by != caller.user || !is_same {
        return Err(Rejection::IdReused.into());
    }
    participant.ok_or(Rejection::NotFound)?;
    describe(ports, known, head, caller, None).await
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
            json!({"id": "lunch", "title": "Lunch", "head": 0, "next": null, "createdAt": created["createdAt"],
                "participants": [member("ada", "Ada", "owner"), member("grace", "grace", "member")]})
        );
        let added = json!({"event": "added", "conversation": "lunch", "title": "Lunch", "head": 0, "by": "ada"});
        let expected = ["ada-1", "grace-1", "grace-2"].map(|name| (name.to_owned(), added.clone()));
        assert_eq!(chat.pushed(), expected);
    }

    #[test]
    fn a_repetition_creates_nothing_and_notifies_nobody() {
        let chat = FakeChat::new();
        for connection in ["ada-1", "grace-1"] {
            chat.connect(connection);
        }
        let fields = json!({"id": "c", "title": "Lunch", "participants": ["grace", "edsger"]});
        chat.ask::<CreateConversation>("ada", fields).unwrap();
        assert_eq!(chat.pushed_to(), ["ada-1", "grace-1"]);
        let c = ConversationId::new("c").unwrap();
        chat.history(&c, "ada", 2);
        chat.remove(&c, "edsger");
        // It does not matter in which order users are given, or whether one is given twice.
        for participants in [
            json!(["grace", "edsger"]),
            json!(["edsger", "ada", "grace", "edsger"]),
        ] {
            let again = json!({"id": "c", "title": "Lunch", "participants": participants});
            let described = chat.ask::<CreateConversation>("ada", again).unwrap();
            assert_eq!(described["head"], 3, "the present state");
            assert_eq!(described["participants"].as_array().map(Vec::len), Some(2));
            assert_eq!(chat.pushed_to(), [""; 0]);
        }
    }

    #[test]
    fn the_id_of_another_request_is_refused() {
        let chat = FakeChat::new();
        let fields = json!({"id": "c", "title": "Lunch", "participants": ["grace"]});
        chat.ask::<CreateConversation>("ada", fields.clone())
            .unwrap();
        let with = |name: &str, value: Value| {
            let mut fields = fields.clone();
            fields[name] = value;
            fields
        };
        for (caller, fields) in [
            ("ada", with("participants", json!(["grace", "mallory"]))),
            ("ada", with("participants", json!([]))),
            ("ada", with("title", json!("Dinner"))),
            ("ada", with("title", Value::Null)),
            ("grace", fields.clone()),
            ("mallory", fields.clone()),
        ] {
            let rejected = chat
                .ask::<CreateConversation>(caller, fields.clone())
                .unwrap_err();
            assert_eq!(rejected["code"], "id_reused", "{caller} {fields}");
        }
    }

    #[test]
    fn a_conversation_of_an_earlier_version_may_be_created_again() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        chat.forget_digest(&c);
        let again = json!({"id": "c", "participants": ["grace"]});
        assert!(chat.ask::<CreateConversation>("ada", again).is_ok());
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

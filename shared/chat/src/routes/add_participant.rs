//! `PUT /conversations/{id}/participants/{user}`: any participant adds others.
//!
//! ```json
//! {"seq": 43}
//! ```

use std::slice;

use futures_util::future::{join, try_join};
use serde::Serialize;

use crate::{
    access::require_participant,
    domain::{Content, ConversationId, DisplayName, Draft, Entry, MessageId, Timestamp, UserId},
    error::{InternalError, RequestError},
    fan_out::{notify, publish},
    log::{change, tail},
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Roster, Subscriptions},
    request::{Request, Route},
    wire::Notice,
};

/// Adds a participant.
#[derive(Clone, Copy, Debug)]
pub struct AddParticipant;

/// Where the change stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its position; none if nothing has changed.
    pub seq: Option<u64>,
}

impl<P> Route<P> for AddParticipant
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "addParticipant";
    type Reply = Changed;

    async fn handle(ports: &P, request: &Request) -> Result<Changed, RequestError> {
        let conversation: ConversationId = request.fields.required("conversation")?;
        let user: UserId = request.fields.required("user")?;

        let now = ports.now();
        let caller = request.caller(now)?;
        let read = tail(ports, &conversation, None).await;
        require_participant(ports, &conversation, &caller.user).await?;
        let read = read?;

        let content = Content::ParticipantAdded {
            name: DisplayName::fitted(user.as_str()),
            user: user.clone(),
        };
        let draft = Draft::new(caller.user.clone(), fresh_id(ports)?, now, content);
        let changed = change(ports, &conversation, draft, read, request.deadline).await?;
        let Some(entry) = changed else {
            return Ok(Changed { seq: None });
        };

        let (roster, about) = try_join(
            ports.roster(&conversation),
            ports.conversation(&conversation),
        )
        .await?;
        let title = about.as_ref().and_then(|about| about.title.as_ref());
        let notice = Notice::Added {
            conversation: conversation.as_str(),
            title: title.map(|title| title.as_str()),
            head: entry.seq.number(),
            by: caller.user.as_str(),
        };
        tell_of_change(
            ports,
            roster,
            (&conversation, &entry),
            (&user, &notice),
            request.deadline,
        )
        .await?;

        Ok(Changed {
            seq: Some(entry.seq.number()),
        })
    }
}

/// Pushes a change of participants to those who are in the conversation now, and its notice to whom it concerns.
pub(super) async fn tell_of_change<P>(
    ports: &P,
    roster: Roster,
    (conversation, entry): (&ConversationId, &Entry),
    (user, notice): (&UserId, &Notice<'_>),
    deadline: Timestamp,
) -> Result<(), InternalError>
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let entry = publish(ports, roster, conversation, entry, None, deadline);
    let notice = notify(ports, slice::from_ref(user), notice, deadline);
    join(entry, notice).await.1
}

/// A change of participants is named by us: it is recognized if a put is repeated below, and never repeated above.
pub(super) fn fresh_id(random: &impl Random) -> Result<MessageId, InternalError> {
    MessageId::new(random.fresh_id()).map_err(|flaw| InternalError::new("naming a change", flaw))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        fakes::FakeChat,
        routes::{ReadEvents, RemoveParticipant, SendMessage},
    };

    fn change(chat: &FakeChat, by: &str, user: &str) -> (serde_json::Value, serde_json::Value) {
        let fields = json!({"conversation": "c", "user": user});
        let add = chat.ask::<AddParticipant>(by, fields.clone());
        let remove = chat.ask::<RemoveParticipant>(by, fields);
        (
            add.unwrap_or_else(|error| error),
            remove.unwrap_or_else(|error| error),
        )
    }

    #[test]
    fn who_is_added_is_told_and_sees_the_whole_log() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada"]);
        chat.history(&c, "ada", 2);
        for connection in ["ada-1", "grace-1"] {
            chat.connect(connection);
        }
        chat.frame("ada-1", json!({"action": "subscribe", "conversation": "c"}));
        let fields = json!({"conversation": "c", "user": "grace"});
        assert_eq!(
            chat.ask::<AddParticipant>("ada", fields.clone()),
            Ok(json!({"seq": 3}))
        );
        let pushed = chat.pushed();
        let entry = json!({"event": "participantAdded", "conversation": "c", "seq": 3, "user": "grace",
            "name": "grace", "by": "ada", "sentAt": pushed[0].1["sentAt"]});
        let added =
            json!({"event": "added", "conversation": "c", "title": null, "head": 3, "by": "ada"});
        assert_eq!(
            pushed,
            [("ada-1".to_owned(), entry), ("grace-1".to_owned(), added)]
        );
        let read = chat
            .ask::<ReadEvents>("grace", json!({"conversation": "c"}))
            .unwrap();
        assert_eq!(read["events"].as_array().map(Vec::len), Some(3));
        assert_eq!(
            chat.ask::<AddParticipant>("ada", fields),
            Ok(json!({"seq": null}))
        );
    }

    #[test]
    fn who_may_change_participants() {
        let chat = FakeChat::new();
        chat.conversation("c", &["ada", "grace"]);
        let (added, removed) = change(&chat, "grace", "edsger");
        assert_eq!(
            (&added["seq"], &removed["code"]),
            (&json!(1), &json!("forbidden"))
        );
        let (added, removed) = change(&chat, "mallory", "mallory");
        assert_eq!(
            (&added["code"], &removed["code"]),
            (&json!("not_found"), &json!("not_found"))
        );
        let (added, removed) = change(&chat, "ada", "edsger");
        assert_eq!((&added["seq"], &removed["seq"]), (&json!(null), &json!(2)));
        let (_, removed) = change(&chat, "grace", "grace");
        assert_eq!(removed["seq"], 3);
    }

    #[test]
    fn a_removed_user_neither_stores_nor_receives_until_he_is_added_again() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        for connection in ["ada-1", "grace-1"] {
            chat.connect(connection);
            chat.frame(
                connection,
                json!({"action": "subscribe", "conversation": "c"}),
            );
        }
        let who = json!({"conversation": "c", "user": "grace"});
        assert_eq!(
            chat.ask::<RemoveParticipant>("ada", who.clone()),
            Ok(json!({"seq": 1}))
        );
        let pushed = chat.pushed();
        assert_eq!(
            (pushed[0].0.as_str(), &pushed[0].1["event"]),
            ("ada-1", &json!("participantRemoved"))
        );
        let removed = json!({"event": "removed", "conversation": "c"});
        assert_eq!(pushed[1..], [("grace-1".to_owned(), removed)]);

        let message = json!({"conversation": "c", "id": "m", "body": "Hello"});
        let refused = chat
            .ask::<SendMessage>("grace", message.clone())
            .unwrap_err();
        assert_eq!(refused["code"], "not_found");
        chat.ask::<SendMessage>("ada", message.clone()).unwrap();
        assert_eq!(chat.pushed_to(), ["ada-1"]);

        chat.ask::<AddParticipant>("ada", who).unwrap();
        assert_eq!(chat.ask::<SendMessage>("grace", message).unwrap()["seq"], 4);
        let read = chat
            .ask::<ReadEvents>("grace", json!({"conversation": "c", "after": 0}))
            .unwrap();
        assert_eq!(read["events"].as_array().map(Vec::len), Some(4));
        assert_eq!(chat.log(&c).len(), 4);
    }

    #[test]
    fn a_removal_that_died_half_way_is_completed_by_its_repetition() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        chat.connect("grace-1");
        chat.frame(
            "grace-1",
            json!({"action": "subscribe", "conversation": "c"}),
        );
        chat.remove(&c, "grace");
        let who = json!({"conversation": "c", "user": "grace"});
        assert_eq!(
            chat.ask::<RemoveParticipant>("ada", who),
            Ok(json!({"seq": null}))
        );
        assert_eq!(
            chat.connection_rows(),
            1,
            "her subscription is gone, her connection is not"
        );
        assert_eq!(chat.log(&c).len(), 1);
    }

    #[test]
    fn who_is_none_of_them_is_not_removed() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada"]);
        let who = json!({"conversation": "c", "user": "grace"});
        assert_eq!(
            chat.ask::<RemoveParticipant>("ada", who),
            Ok(json!({"seq": null}))
        );
        assert_eq!(chat.log(&c), []);
    }
}

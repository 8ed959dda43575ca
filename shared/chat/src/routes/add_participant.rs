//! `PUT /conversations/{id}/participants/{user}`: adds a participant. Every participant may add
//! others.
//!
//! ```json
//! {"seq": 43}
//! ```

use futures_util::future::try_join;

use crate::{
    access::read_as_participant,
    domain::{Content, ConversationId, DisplayName, UserId},
    error::RequestError,
    log::{change, newest_tail},
    participant_change::{Changed, draft, publish_change},
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Subscriptions},
    request::{Request, Route},
    wire::Notice,
};

/// Adds a participant.
#[derive(Clone, Copy, Debug)]
pub struct AddParticipant;

impl<P> Route<P> for AddParticipant
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "addParticipant";
    const COST: u32 = 4;
    type Reply = Changed;

    async fn handle(ports: &P, request: &Request) -> Result<Changed, RequestError> {
        let conversation: ConversationId = request.fields.required("conversation")?;
        let user: UserId = request.fields.required("user")?;

        let now = ports.now();
        let caller = request.caller(now)?;
        let read = newest_tail(ports, &conversation);
        let tail = read_as_participant(ports, &conversation, &caller.user, read).await??;

        let content = Content::ParticipantAdded {
            name: DisplayName::fitted(user.as_str()),
            user: user.clone(),
        };
        let draft = draft(ports, caller, content, now)?;
        let stored = change(ports, &conversation, draft, tail, request.deadline).await?;
        let Some(entry) = stored else {
            return Ok(Changed::nothing());
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
        let change = (&conversation, &entry);
        publish_change(ports, roster, change, (&user, &notice), request.deadline).await?;

        Ok(Changed::to(&entry))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        fakes::FakeChat,
        routes::{ReadEvents, RemoveParticipant, SendMessage},
    };

    /// Adds `user`, then removes them; returns the reply or the problem of both requests.
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
    fn an_added_user_is_notified_and_sees_the_whole_log() {
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
    fn participants_add_others_and_only_the_owner_removes_others() {
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
    fn a_removed_user_neither_stores_nor_receives_until_added_again() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        for connection in ["ada-1", "grace-1"] {
            chat.connect(connection);
            chat.frame(
                connection,
                json!({"action": "subscribe", "conversation": "c"}),
            );
        }
        let fields = json!({"conversation": "c", "user": "grace"});
        assert_eq!(
            chat.ask::<RemoveParticipant>("ada", fields.clone()),
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
        let rejected = chat
            .ask::<SendMessage>("grace", message.clone())
            .unwrap_err();
        assert_eq!(rejected["code"], "not_found");
        chat.ask::<SendMessage>("ada", message.clone()).unwrap();
        assert_eq!(chat.pushed_to(), ["ada-1"]);

        chat.ask::<AddParticipant>("ada", fields).unwrap();
        assert_eq!(chat.ask::<SendMessage>("grace", message).unwrap()["seq"], 4);
        let read = chat
            .ask::<ReadEvents>("grace", json!({"conversation": "c", "after": 0}))
            .unwrap();
        assert_eq!(read["events"].as_array().map(Vec::len), Some(4));
        assert_eq!(chat.log(&c).len(), 4);
    }

    #[test]
    fn a_repetition_completes_an_interrupted_removal() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        chat.connect("grace-1");
        chat.frame(
            "grace-1",
            json!({"action": "subscribe", "conversation": "c"}),
        );
        chat.remove(&c, "grace");
        let fields = json!({"conversation": "c", "user": "grace"});
        assert_eq!(
            chat.ask::<RemoveParticipant>("ada", fields),
            Ok(json!({"seq": null}))
        );
        assert_eq!(
            chat.connection_rows(),
            1,
            "the subscription is deleted, the connection is not"
        );
        assert_eq!(chat.log(&c).len(), 1);
    }

    #[test]
    fn removing_a_non_participant_changes_nothing() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada"]);
        let fields = json!({"conversation": "c", "user": "grace"});
        assert_eq!(
            chat.ask::<RemoveParticipant>("ada", fields),
            Ok(json!({"seq": null}))
        );
        assert_eq!(chat.log(&c), []);
    }
}

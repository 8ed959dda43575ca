//! `typing`: a participant is typing, or has stopped. Nothing is stored and nothing is answered.
//!
//! ```json
//! {"action": "typing", "conversation": "c", "after": 41}
//! {"action": "typing", "conversation": "c", "after": 41, "stopped": true}
//! ```
//!
//! Others are pushed:
//!
//! ```json
//! {"event": "typing", "conversation": "c", "user": "grace", "name": "Grace", "after": 41,
//!  "forMs": 12000}
//! ```
//!
//! Pushes overtake each other. Receivers ignore a frame if they have seen a message of its user
//! after the position `after`, and forget it after `forMs` by their own clock, so a lost frame does
//! no lasting harm.

use std::time::Duration;

use serde::Serialize;

use crate::{
    domain::ConversationId,
    error::{Rejection, RequestError},
    fan_out::{MOST_ROWS, push_frame, recipients_of_others},
    fields::{Fields, Position},
    ports::{Clock, Connections, Outbound, Random, Subscriptions},
    request::{Request, Route},
    wire::Signal,
};

/// How long a user counts as typing. Clients repeat the frame every 10 seconds.
const LASTS: Duration = Duration::from_secs(12);
/// If more connections would be pushed to, none is.
const MOST_TARGETS: usize = 20;

/// Tells the other participants that a participant is typing.
#[derive(Clone, Copy, Debug)]
pub struct Typing;

/// The reply, which is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unanswered {}

struct Command {
    conversation: ConversationId,
    after: Position,
    stopped: bool,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        Ok(Self {
            conversation: fields.required("conversation")?,
            after: fields.required("after")?,
            stopped: fields.optional("stopped")?.unwrap_or(false),
        })
    }
}

impl<P> Route<P> for Typing
where
    P: Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "typing";
    type Reply = Unanswered;

    async fn handle(ports: &P, request: &Request) -> Result<Unanswered, RequestError> {
        let Command {
            conversation,
            after,
            stopped,
        } = Command::parse(&request.fields)?;
        let after = after.seq()?;

        let caller = request.caller(ports.now())?;
        // Who may see it is read now, and so is whether the caller may send it. The read is bounded,
        // because nothing was checked before it.
        let roster = ports.small_roster(&conversation, MOST_ROWS).await?;
        let roster = roster.unwrap_or_default();

        let mut targets = recipients_of_others(roster, &caller.user, ports.now());
        if targets.len() > MOST_TARGETS {
            targets.clear();
        }
        let lasts = if stopped { Duration::ZERO } else { LASTS };
        let signal = Signal::Typing {
            conversation: conversation.as_str(),
            user: caller.user.as_str(),
            name: caller.name.as_str(),
            after: after.number(),
            for_ms: u64::try_from(lasts.as_millis()).unwrap_or(0),
        };
        push_frame(ports, targets, &signal, request.deadline).await;

        Ok(Unanswered {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{fakes::FakeChat, routes::AddParticipant};

    fn typing(after: u64) -> Value {
        json!({"action": "typing", "conversation": "c", "after": after})
    }

    /// Ada's and Grace's two connections each are subscribed to `c`. Mallory is not a participant.
    fn chat() -> FakeChat {
        let chat = FakeChat::new();
        chat.conversation("c", &["ada", "grace"]);
        for connection in ["ada-1", "ada-2", "grace-1", "grace-2"] {
            subscribe(&chat, connection);
        }
        chat
    }

    fn subscribe(chat: &FakeChat, connection: &str) {
        chat.connect(connection);
        chat.frame(
            connection,
            json!({"action": "subscribe", "conversation": "c"}),
        );
    }

    #[test]
    fn only_the_connections_of_others_see_it() {
        let chat = chat();
        chat.frame("ada-1", typing(41));
        let pushed = json!({"event": "typing", "conversation": "c", "user": "ada", "name": "Ada",
            "after": 41, "forMs": 12_000});
        let expected = ["grace-1", "grace-2"].map(|name| (name.to_owned(), pushed.clone()));
        assert_eq!(chat.pushed(), expected);

        let mut stopped = typing(41);
        stopped["stopped"] = json!(true);
        chat.frame("ada-1", stopped);
        let frames: Vec<_> = chat.pushed().into_iter().map(|(_, frame)| frame).collect();
        assert_eq!(frames.len(), 2);
        assert!(frames.iter().all(|frame| frame["forMs"] == 0), "{frames:?}");
        assert_eq!(chat.puts(), 0);
    }

    #[test]
    fn a_user_who_is_not_a_participant_types_unseen() {
        let chat = chat();
        let c = ConversationId::new("c").unwrap();
        subscribe(&chat, "mallory-1");
        chat.frame("mallory-1", typing(0));
        assert_eq!(chat.pushed_to(), [""; 0]);
        let fields = json!({"conversation": "c", "user": "mallory"});
        chat.ask::<AddParticipant>("ada", fields).unwrap();
        let _ = chat.pushed_to();
        subscribe(&chat, "mallory-1");
        chat.frame("mallory-1", typing(0));
        assert_eq!(chat.pushed_to().len(), 4);
        chat.remove(&c, "mallory");
        chat.frame("mallory-1", typing(0));
        chat.frame("ada-1", typing(0));
        // The subscription that the removed user still has receives nothing.
        assert_eq!(chat.pushed_to(), ["grace-1", "grace-2"]);
    }

    #[test]
    fn more_than_twenty_connections_are_not_told() {
        let chat = chat();
        for number in 3..=20 {
            subscribe(&chat, &format!("grace-{number}"));
        }
        chat.frame("ada-1", typing(0));
        assert_eq!(chat.pushed_to().len(), 20);
        subscribe(&chat, "grace-21");
        chat.frame("ada-1", typing(0));
        assert_eq!(chat.pushed_to().len(), 0);
    }

    #[test]
    fn a_large_conversation_is_read_no_further() {
        let chat = FakeChat::new();
        let users: Vec<String> = (0..90).map(|n| format!("user{n}")).collect();
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        chat.conversation("c", &users);
        for number in 0..11 {
            subscribe(&chat, &format!("user{number}-1"));
        }
        let _ = chat.take_calls();
        chat.frame("user0-1", typing(0));
        assert_eq!(chat.pushed_to().len(), 0);
        let calls = chat.take_calls();
        let read = calls.iter().find(|call| call.method == "small_roster");
        assert_eq!(read.map(|call| call.rows), Some(MOST_ROWS + 1));
    }

    #[test]
    fn fields_are_checked() {
        let chat = chat();
        for (field, value, code) in [
            ("after", json!(-1), "unknown_position"),
            ("after", json!("1"), "invalid"),
            ("after", Value::Null, "invalid"),
            ("stopped", json!(1), "invalid"),
            ("conversation", json!("c d"), "invalid"),
        ] {
            let mut frame = typing(0);
            frame[field] = value;
            let reply = chat.frame("ada-1", frame);
            assert_eq!(
                (&reply["code"], &reply["field"]),
                (&json!(code), &json!(field))
            );
        }
        assert_eq!(chat.pushed_to(), [""; 0]);
    }
}

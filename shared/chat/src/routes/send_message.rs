//! `sendMessage`, and `POST /conversations/{id}/messages`.
//!
//! ```json
//! {"action": "sendMessage", "ref": "1", "conversation": "c", "id": "m-1", "body": "Hello",
//!  "after": 41, "replyTo": 40}
//! {"event": "sent", "ref": "1", "conversation": "c", "id": "m-1", "seq": 42, "sentAt": "…",
//!  "duplicate": false}
//! ```

use futures_util::future::join;
use serde::Serialize;

use crate::{
    access::{read_as_participant, require_participant},
    domain::{Body, ConversationId, Draft, Entry, MessageId, Seq, UserId},
    error::{Rejection, RequestError},
    fan_out::publish_stored,
    fields::{Fields, MessagePosition, Position},
    log::{Appended, Tail, append, near_tail, newest_tail, rest_of_tail},
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Subscriptions},
    request::{Request, Route},
};

/// Stores a message and pushes it to all subscribed connections of participants.
#[derive(Clone, Copy, Debug)]
pub struct SendMessage;

/// The message is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "sent", rename_all = "camelCase")]
pub struct Sent {
    /// Conversation id.
    pub conversation: String,
    /// The message id that the sender chose.
    pub id: String,
    /// The message's position.
    pub seq: u64,
    /// When the message was first sent, in RFC 3339.
    pub sent_at: String,
    /// Whether an earlier attempt stored the message.
    pub duplicate: bool,
}

struct Command {
    conversation: ConversationId,
    id: MessageId,
    body: Body,
    reply_to: Option<Seq>,
    after: Option<Position>,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        let reply_to: Option<MessagePosition> = fields.optional("replyTo")?;
        Ok(Self {
            conversation: fields.required("conversation")?,
            id: fields.required("id")?,
            body: fields.required("body")?,
            reply_to: reply_to.map(|MessagePosition(seq)| seq),
            after: fields.optional("after")?,
        })
    }
}

impl<P> Route<P> for SendMessage
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    const NAME: &'static str = "sendMessage";
    type Reply = Sent;

    async fn handle(ports: &P, request: &Request) -> Result<Sent, RequestError> {
        let Command {
            conversation,
            id,
            body,
            reply_to,
            after,
        } = Command::parse(&request.fields)?;

        let caller = request.caller(ports.now())?;
        let tail = participant_and_tail(ports, &conversation, &caller.user, after).await?;

        // Whether it is a message would cost another read; clients show only what they find there.
        if reply_to.is_some_and(|seq| seq > tail.head) {
            return Err(Rejection::UnknownMessage("replyTo").into());
        }

        let draft = Draft::message(caller, id, body, reply_to, ports.now());
        let storing = append(ports, &conversation, draft, tail, request.deadline);

        let origin = request.connection.as_ref().map(|connection| &connection.id);
        let stored =
            publish_stored(ports, &conversation, storing, origin, request.deadline).await?;

        Ok(Sent::new(&conversation, &stored))
    }
}

impl Sent {
    fn new(conversation: &ConversationId, stored: &Appended) -> Self {
        let Entry { seq, draft, .. } = &stored.entry;
        Self {
            conversation: conversation.to_string(),
            id: draft.id.to_string(),
            seq: seq.number(),
            sent_at: draft.sent_at.rfc3339(),
            duplicate: stored.duplicate,
        }
    }
}

/// Checks that the sender is a participant, and reads the entries that a sender must have read.
///
/// With `after`, the check and the first entries are requested at once, because a round more would
/// delay every message. That is enough unless the sender is far behind. No check follows: a removal
/// of the sender is stored past a position that the sender has seen, so the entries include it.
/// Without `after`, the read has no such start, and participation is checked after it (decision 1).
async fn participant_and_tail<P: Log + Participants + Sync>(
    ports: &P,
    conversation: &ConversationId,
    user: &UserId,
    after: Option<Position>,
) -> Result<Tail, RequestError> {
    let Some(after) = after else {
        let newest = newest_tail(ports, conversation);
        return Ok(read_as_participant(ports, conversation, user, newest).await??);
    };
    let after = after.seq()?;
    let (participant, near) = join(
        require_participant(ports, conversation, user),
        near_tail(ports, conversation, after),
    )
    .await;
    participant?;
    rest_of_tail(ports, conversation, near?).await
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use serde_json::{Value, json};

    use super::*;
    use crate::fakes::FakeChat;

    fn send(id: &str, body: &str, after: Option<u64>) -> Value {
        json!({"action": "sendMessage", "conversation": "c", "id": id, "body": body, "after": after})
    }

    fn code(reply: &Value) -> &str {
        reply["code"].as_str().unwrap_or("none")
    }

    /// Ada's two connections and Grace's one are subscribed to `c`. Mallory is not a participant.
    fn three_subscribers() -> FakeChat {
        let chat = FakeChat::new();
        chat.conversation("c", &["ada", "grace"]);
        for connection in ["ada-1", "ada-2", "grace-1", "mallory-1"] {
            chat.connect(connection);
            chat.frame(
                connection,
                json!({"action": "subscribe", "conversation": "c"}),
            );
        }
        chat
    }

    #[test]
    fn a_message_is_acknowledged_to_its_connection_and_pushed_to_the_others() {
        let chat = three_subscribers();
        let mut frame = send("m-1", "Hello <b>you</b>", Some(0));
        frame["ref"] = json!("r1");
        let reply = chat.frame("ada-1", frame);
        let at = reply["sentAt"].clone();
        let sent = json!({"event": "sent", "ref": "r1", "conversation": "c", "id": "m-1", "seq": 1,
            "sentAt": at, "duplicate": false});
        assert_eq!(reply, sent);
        let pushed = json!({"event": "message", "conversation": "c", "seq": 1, "id": "m-1",
            "sender": "ada", "name": "Ada", "body": "Hello <b>you</b>", "sentAt": at});
        let expected = ["ada-2", "grace-1"].map(|name| (name.to_owned(), pushed.clone()));
        assert_eq!(chat.pushed(), expected);
    }

    #[test]
    fn a_message_over_http_is_pushed_to_every_connection() {
        let chat = three_subscribers();
        let fields = json!({"conversation": "c", "id": "m-1", "body": "Hello"});
        let sent = chat.ask::<SendMessage>("ada", fields).unwrap();
        assert_eq!(sent["seq"], 1);
        assert_eq!(chat.pushed_to(), ["ada-1", "ada-2", "grace-1"]);
    }

    #[test]
    fn a_repetition_is_stored_once_and_pushed_again() {
        for after in [Some(0), Some(1), None] {
            let chat = three_subscribers();
            let first = chat.frame("ada-1", send("m-1", "Hello", Some(0)));
            let _ = chat.pushed_to();
            let second = chat.frame("ada-2", send("m-1", "Hello", after));
            assert_eq!(
                (&second["seq"], &second["duplicate"]),
                (&first["seq"], &json!(true))
            );
            assert_eq!(second["sentAt"], first["sentAt"]);
            assert_eq!(chat.pushed_to(), ["ada-1", "grace-1"], "after {after:?}");
            assert_eq!(
                code(&chat.frame("ada-1", send("m-1", "Other", after))),
                "id_reused"
            );
            let other = chat.frame("grace-1", send("m-1", "Hello", after));
            assert_eq!(other["seq"], 2, "each sender has their own ids");
        }
    }

    #[test]
    fn a_reply_names_a_position_that_a_repetition_must_name_again() {
        for after in [Some(1), None] {
            let chat = three_subscribers();
            chat.frame("ada-1", send("m-1", "Shall we?", Some(0)));
            let _ = chat.pushed();
            let mut reply = send("m-1", "Yes", after);
            reply["replyTo"] = json!(1);
            let sent = chat.frame("grace-1", reply.clone());
            assert_eq!(sent["seq"], 2);
            let pushed = chat.pushed();
            assert_eq!(pushed.len(), 2);
            assert_eq!(pushed[0].1["replyTo"], 1);
            let again = chat.frame("grace-1", reply.clone());
            assert_eq!(
                (&again["seq"], &again["duplicate"]),
                (&json!(2), &json!(true))
            );
            for other in [json!(2), Value::Null] {
                let mut frame = reply.clone();
                frame["replyTo"] = other;
                assert_eq!(code(&chat.frame("grace-1", frame)), "id_reused");
            }
        }
    }

    #[test]
    fn a_reply_to_a_position_beyond_the_head_is_refused() {
        let chat = three_subscribers();
        for (number, after) in (1..).zip([Some(0), None]) {
            let mut frame = send(&format!("m-{number}"), "Hello", after);
            frame["replyTo"] = json!(1);
            let reply = chat.frame("ada-1", frame);
            assert_eq!(
                (code(&reply), &reply["field"], &reply["retry"]),
                ("unknown_message", &json!("replyTo"), &json!("never"))
            );
        }
        assert_eq!(chat.log(&ConversationId::new("c").unwrap()), []);
    }

    #[test]
    fn a_non_participant_cannot_see_whether_a_conversation_exists() {
        let chat = three_subscribers();
        let known = chat.frame("mallory-1", send("m-1", "Hello", Some(0)));
        assert_eq!(code(&known), "not_found");
        for (conversation, after) in [
            ("c", Some(7)),
            ("c", None),
            ("nothing", Some(7)),
            ("nothing", None),
        ] {
            let mut frame = send("m-1", "Hello", after);
            frame["conversation"] = json!(conversation);
            assert_eq!(
                chat.frame("mallory-1", frame),
                known,
                "{conversation} {after:?}"
            );
        }
        assert_eq!(chat.pushed_to(), [""; 0]);
    }

    #[test]
    fn after_must_be_a_position_of_the_log_and_near_its_end() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        chat.history(&c, "grace", 1_001);
        let code_after = |id: &str, after: Value| {
            let mut frame = send(id, "Hello", None);
            frame["after"] = after;
            code(&chat.frame("ada-1", frame)).to_owned()
        };
        assert_eq!(code_after("a", json!(0)), "resync_required");
        assert_eq!(code_after("b", json!(1)), "resync_required");
        assert_eq!(code_after("c", json!(1_002)), "unknown_position");
        assert_eq!(code_after("d", json!(-1)), "unknown_position");
        assert_eq!(code_after("e", json!(1.5)), "unknown_position");
        assert_eq!(code_after("f", json!("1")), "invalid");
        assert_eq!(code_after("g", json!(2)), "none");
        assert_eq!(code_after("h", Value::Null), "none");
    }

    #[test]
    fn an_invalid_field_is_named_and_nothing_is_stored() {
        let chat = three_subscribers();
        let long = "x".repeat(16_385);
        for (field, value, expected) in [
            ("conversation", json!(""), "invalid"),
            ("conversation", json!(5), "invalid"),
            ("conversation", Value::Null, "invalid"),
            ("id", json!("a b"), "invalid"),
            ("id", json!("x".repeat(65)), "invalid"),
            ("id", Value::Null, "invalid"),
            ("body", json!(""), "invalid"),
            ("body", json!("\u{0}"), "invalid"),
            ("body", json!({"html": "x"}), "invalid"),
            ("body", json!(long), "too_large"),
            ("body", Value::Null, "invalid"),
            ("replyTo", json!(0), "invalid"),
            ("replyTo", json!(1.5), "invalid"),
            ("replyTo", json!("1"), "invalid"),
        ] {
            let mut frame = send("m-1", "Hello", None);
            frame[field] = value;
            let reply = chat.frame("ada-1", frame);
            assert_eq!(
                (code(&reply), &reply["field"]),
                (expected, &json!(field)),
                "{reply}"
            );
        }
        assert_eq!(chat.log(&ConversationId::new("c").unwrap()), []);
        assert_eq!(chat.frame("ada-1", send("m-1", "Hello", None))["seq"], 1);
    }

    #[test]
    fn a_token_may_expire_during_a_connection() {
        let chat = three_subscribers();
        let mut request = Request {
            identity: chat.identity("ada"),
            connection: None,
            fields: Fields::default(),
            deadline: chat.now(),
        };
        assert!(request.caller(chat.now()).is_ok());
        request.identity.expires = chat.now();
        assert_eq!(request.caller(chat.now()), Err(Rejection::Unauthenticated));
    }

    #[test]
    fn a_sender_who_reads_their_own_removal_stores_nothing() {
        for after in [Some(0), Some(2), None] {
            let chat = FakeChat::new();
            let c = chat.conversation("c", &["ada", "grace"]);
            chat.history(&c, "ada", 1);
            let participant = chat.run(chat.participant(&c, &chat.identity("grace").user));
            chat.remove(&c, "grace");
            // The row is still found, as by a request that reads it just before the removal.
            chat.restore_row(&c, participant.unwrap().unwrap());
            let reply = chat.frame("grace-1", send("m-1", "Hello", after));
            assert_eq!(code(&reply), "not_found", "after {after:?}");
            assert_eq!(chat.log(&c).len(), 2);
        }
    }

    #[test]
    fn concurrent_writers_get_one_order() {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "grace"]);
        let sends = (0..40).map(|n| {
            let frame = send(&format!("m-{}", n / 2), "Hello", Some(0)).to_string();
            let chat = &chat;
            async move { chat.text_later("ada-1", &frame).await }
        });
        let replies = chat.run(join_all(sends));
        let log = chat.log(&c);
        assert_eq!(log.len(), 20, "each id is sent twice and stored once");
        for (reply, n) in replies.iter().zip(0..) {
            let seq = reply["seq"].as_u64().unwrap();
            let stored = log.iter().find(|entry| entry.seq.number() == seq).unwrap();
            assert_eq!(stored.draft.id.as_str(), format!("m-{}", n / 2));
        }
        let seqs: Vec<u64> = log.iter().map(|entry| entry.seq.number()).collect();
        assert_eq!(seqs, (1..=20).collect::<Vec<u64>>());
    }
}

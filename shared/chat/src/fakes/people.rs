//! People who use a fake chat: short ways to say who does what, with frames in and frames out.

use std::{future::Future, time::Duration};

use serde_json::{Value, json};

use super::FakeChat;
use crate::{
    domain::{
        Connection, ConnectionId, Content, ConversationId, DisplayName, Draft, Identity, MessageId,
        Participant, Timestamp, UserId,
    },
    error::RequestError,
    fields::Fields,
    ports::{Clock, Log},
    request::{Request, Route},
    routes::{CreateConversation, Ping, SendMessage, Subscribe, Unsubscribe, connect},
    websocket::{Inbound, answer},
    wire::Problem,
};

/// How long a request may take in here.
const TIME: Duration = Duration::from_secs(9);

#[allow(clippy::expect_used, clippy::missing_panics_doc)]
impl FakeChat {
    /// Runs a future in this world.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.run(future)
    }

    /// A user whose token lasts for an hour. Her name is her id with a capital.
    #[must_use]
    pub fn identity(&self, user: &str) -> Identity {
        let (first, rest) = user.split_at(1);
        Identity {
            user: UserId::new(user).expect("a user id"),
            name: DisplayName::fitted(&(first.to_uppercase() + rest)),
            expires: self.now().plus(Duration::from_secs(3600)),
        }
    }

    /// A connection that is named after its user, such as `ada-1`, and is a minute old.
    #[must_use]
    pub fn connection(&self, name: &str) -> (Identity, Connection) {
        let user = name.split('-').next().unwrap_or(name);
        let id = ConnectionId::new(name).expect("a connection id");
        let connected_at = Timestamp::from_millis(self.now().millis() - 60_000);
        (self.identity(user), Connection { id, connected_at })
    }

    /// Opens a connection.
    pub fn connect(&self, name: &str) {
        let (identity, connection) = self.connection(name);
        self.run(connect::handle(self, &identity, &connection))
            .expect("a connection");
    }

    /// Starts a conversation: the first user owns it.
    pub fn conversation(&self, id: &str, users: &[&str]) -> ConversationId {
        let owner = users.first().expect("an owner");
        self.ask::<CreateConversation>(owner, json!({"id": id, "participants": users}))
            .expect("a conversation");
        let _ = self.take_pushed();
        ConversationId::new(id).expect("a conversation id")
    }

    /// Asks a route by HTTP.
    ///
    /// # Errors
    /// What the client is told instead.
    pub fn ask<R: Route<Self>>(&self, user: &str, fields: Value) -> Result<Value, Value> {
        self.run(self.ask_later::<R>(user, fields))
    }

    /// The same, to be run together with others.
    ///
    /// # Errors
    /// What the client is told instead.
    pub async fn ask_later<R: Route<Self>>(
        &self,
        user: &str,
        fields: Value,
    ) -> Result<Value, Value> {
        let request = Request {
            identity: self.identity(user),
            connection: None,
            fields: Fields::from_object(fields.as_object().cloned().unwrap_or_default()),
            deadline: self.now().plus(TIME),
        };
        let told = match R::handle(self, &request).await {
            Ok(reply) => return Ok(serde_json::to_value(reply).expect("JSON")),
            Err(RequestError::Rejected(rejection)) => Problem::rejected(&rejection),
            Err(RequestError::Internal(_)) => Problem::internal("request"),
        };
        Err(serde_json::to_value(told).expect("JSON"))
    }

    /// Sends a frame by a connection, such as `ada-1`; its reply.
    pub fn frame(&self, connection: &str, frame: Value) -> Value {
        self.text(connection, &frame.to_string())
    }

    /// Sends any text by a connection.
    pub fn text(&self, connection: &str, text: &str) -> Value {
        self.run(self.text_later(connection, text))
    }

    /// The same, to be run together with others.
    pub async fn text_later(&self, connection: &str, text: &str) -> Value {
        let (identity, connection) = self.connection(connection);
        let deadline = self.now().plus(TIME);
        let last_moment = self.sleep(2 * TIME);
        let inbound = Inbound {
            identity,
            connection,
            text,
            deadline,
            request_id: "request",
        };
        let action: Value = serde_json::from_str(text).unwrap_or_default();
        let answer = match action.get("action").and_then(Value::as_str) {
            Some("sendMessage") => answer::<(SendMessage,), _>(self, inbound, last_moment).await,
            Some("subscribe" | "unsubscribe" | "ping") => {
                answer::<(Subscribe, Unsubscribe, Ping), _>(self, inbound, last_moment).await
            }
            _ => answer::<(), _>(self, inbound, last_moment).await,
        };
        serde_json::from_str(&answer.frame).expect("JSON")
    }

    /// Stores messages `m-1`, `m-2` … of a user without anybody being told.
    pub fn history(&self, conversation: &ConversationId, user: &str, count: usize) {
        let first = self
            .log(conversation)
            .last()
            .map_or(0, |entry| entry.seq.number());
        for seq in (first + 1..).take(count) {
            let Identity { user, name, .. } = self.identity(user);
            let id = MessageId::new(format!("m-{seq}")).expect("a message id");
            let body = crate::domain::Body::new(format!("text {seq}")).expect("a body");
            let draft = Draft::new(user, id, self.now(), Content::Message { name, body });
            let seq = crate::domain::Seq::new(seq).expect("a position");
            self.run(self.put(conversation, seq, &draft))
                .expect("a put");
        }
    }

    /// Removes a participant, and leaves the subscriptions of his connections.
    pub fn remove(&self, conversation: &ConversationId, user: &str) {
        let Identity { user, name, .. } = self.identity(user);
        let next = self
            .log(conversation)
            .last()
            .map_or(1, |entry| entry.seq.number() + 1);
        let id = MessageId::new(format!("removal-{next}")).expect("a message id");
        let content = Content::ParticipantRemoved { user, name };
        let draft = Draft::new(self.identity("ada").user, id, self.now(), content);
        let seq = crate::domain::Seq::new(next).expect("a position");
        let put = self.run(self.put(conversation, seq, &draft));
        assert_eq!(put.expect("a put"), crate::ports::Put::Stored, "a removal");
    }

    /// Puts a participant's row back of which the log says that he was removed: what a request still finds that asked a
    /// moment before the removal.
    pub fn put_row_back(&self, conversation: &ConversationId, participant: Participant) {
        let key = (conversation.clone(), participant.user.clone());
        self.state().participants.insert(key, participant);
    }

    /// What was pushed since this was last asked, as `(connection, frame)`, in order.
    pub fn pushed(&self) -> Vec<(String, Value)> {
        let frames = self.take_pushed().into_iter();
        let parse = |frame: String| serde_json::from_str(&frame).expect("JSON");
        frames
            .map(|(connection, frame)| (connection.to_string(), parse(frame)))
            .collect()
    }

    /// To whom something was pushed since this was last asked.
    pub fn pushed_to(&self) -> Vec<String> {
        self.take_pushed()
            .into_iter()
            .map(|(connection, _)| connection.to_string())
            .collect()
    }
}

//! Users of a fake chat: requests as frames or over HTTP, and replies as JSON.

use std::{future::Future, time::Duration};

use serde_json::{Value, json};

use super::FakeChat;
use crate::{
    domain::{
        Connection, ConnectionId, Content, ConversationId, DisplayName, Draft, Identity, MessageId,
        Participant, Revision, Timestamp, UserId,
    },
    error::RequestError,
    fields::Fields,
    ports::{Clock, Log},
    request::{Request, Route},
    routes::{
        CatchUp, CreateConversation, DeleteMessage, EditMessage, Ping, React, Receipt, SendMessage,
        Subscribe, Typing, Unsubscribe, connect,
    },
    websocket::{Inbound, answer},
    wire::Problem,
};

/// The time limit of a request.
const TIME: Duration = Duration::from_secs(9);

#[allow(clippy::expect_used, clippy::missing_panics_doc)]
impl FakeChat {
    /// Runs a future on the runtime.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.run(future)
    }

    /// Returns a user whose token is valid for an hour. The name is the id with a capital letter.
    #[must_use]
    pub fn identity(&self, user: &str) -> Identity {
        let (first, rest) = user.split_at(1);
        Identity {
            user: UserId::new(user).expect("a user id"),
            name: DisplayName::fitted(&(first.to_uppercase() + rest)),
            expires: self.now().plus(Duration::from_secs(3600)),
        }
    }

    /// Returns a connection that is a minute old. Its name starts with its user, such as `ada-1`.
    #[must_use]
    pub fn connection(&self, name: &str) -> (Identity, Connection) {
        let user = name.split('-').next().unwrap_or(name);
        let id = ConnectionId::new(name).expect("a connection id");
        let connected_at = Timestamp::from_millis(self.now().millis() - 60_000);
        let identity = self.identity(user);
        let connection = Connection::new(id, connected_at, identity.expires);
        (identity, connection)
    }

    /// Opens a connection.
    pub fn connect(&self, name: &str) {
        let (identity, connection) = self.connection(name);
        self.run(connect::handle(self, &identity, &connection, usize::MAX))
            .expect("a connection");
    }

    /// Creates a conversation. The first user is the owner.
    pub fn conversation(&self, id: &str, users: &[&str]) -> ConversationId {
        let owner = users.first().expect("an owner");
        self.ask::<CreateConversation>(owner, json!({"id": id, "participants": users}))
            .expect("a conversation");
        let _ = self.take_pushed();
        ConversationId::new(id).expect("a conversation id")
    }

    /// Sends a request over HTTP.
    ///
    /// # Errors
    /// The problem that the client receives.
    pub fn ask<R: Route<Self>>(&self, user: &str, fields: Value) -> Result<Value, Value> {
        self.run(self.ask_later::<R>(user, fields))
    }

    /// Like [`FakeChat::ask`], as a future that can run concurrently with others.
    ///
    /// # Errors
    /// The problem that the client receives.
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
        let problem = match R::handle(self, &request).await {
            Ok(reply) => return Ok(serde_json::to_value(reply).expect("JSON")),
            Err(RequestError::Rejected(rejection)) => Problem::rejected(&rejection),
            Err(RequestError::Internal(_)) => Problem::internal("request"),
        };
        Err(serde_json::to_value(problem).expect("JSON"))
    }

    /// Sends a frame over a connection, such as `ada-1`, and returns the reply.
    pub fn frame(&self, connection: &str, frame: Value) -> Value {
        self.text(connection, &frame.to_string())
    }

    /// Sends any text over a connection, and returns the reply.
    pub fn text(&self, connection: &str, text: &str) -> Value {
        self.run(self.text_later(connection, text))
    }

    /// Like [`FakeChat::text`], as a future that can run concurrently with others.
    pub async fn text_later(&self, connection: &str, text: &str) -> Value {
        let (identity, connection) = self.connection(connection);
        let deadline = self.now().plus(TIME);
        let last_moment = self.sleep(2 * TIME);
        let inbound = Inbound {
            identity,
            connection,
            text,
            limits: &self.limits,
            received_at: self.now(),
            deadline,
            request_id: "request",
        };
        let action: Value = serde_json::from_str(text).unwrap_or_default();
        let answer = match action.get("action").and_then(Value::as_str) {
            Some("sendMessage") => answer::<(SendMessage,), _>(self, inbound, last_moment).await,
            Some("typing" | "receipt") => {
                answer::<(Typing, Receipt), _>(self, inbound, last_moment).await
            }
            Some("editMessage" | "deleteMessage" | "react") => {
                answer::<(EditMessage, DeleteMessage, React), _>(self, inbound, last_moment).await
            }
            Some("subscribe" | "unsubscribe" | "catchUp" | "ping") => {
                answer::<(Subscribe, Unsubscribe, CatchUp, Ping), _>(self, inbound, last_moment)
                    .await
            }
            _ => answer::<(), _>(self, inbound, last_moment).await,
        };
        serde_json::from_str(&answer.frame).expect("JSON")
    }

    /// Stores messages `m-1`, `m-2` … of a user without pushing them.
    pub fn history(&self, conversation: &ConversationId, user: &str, count: usize) {
        let first = self.head(conversation);
        for seq in (first + 1..).take(count) {
            let Identity { user, name, .. } = self.identity(user);
            let id = MessageId::new(format!("m-{seq}")).expect("a message id");
            let body = crate::domain::Body::new(format!("text {seq}")).expect("a body");
            let content = Content::Message {
                name,
                body,
                reply_to: None,
                revision: Revision::Original,
            };
            let draft = Draft::new(user, id, self.now(), content);
            let entry = self.next_entry(conversation, draft);
            self.run(self.put(conversation, &entry)).expect("a put");
        }
    }

    /// Removes a participant without deleting their subscriptions.
    pub fn remove(&self, conversation: &ConversationId, user: &str) {
        let Identity { user, name, .. } = self.identity(user);
        let next = self.head(conversation) + 1;
        let id = MessageId::new(format!("removal-{next}")).expect("a message id");
        let content = Content::ParticipantRemoved { user, name };
        let draft = Draft::new(self.identity("ada").user, id, self.now(), content);
        let entry = self.next_entry(conversation, draft);
        let put = self.run(self.put(conversation, &entry));
        assert_eq!(put.expect("a put"), crate::ports::Put::Stored, "a removal");
    }

    /// Makes a conversation look like one that was stored before requests had digests.
    pub fn forget_digest(&self, conversation: &ConversationId) {
        if let Some(row) = self.state().conversations.get_mut(conversation) {
            row.digest = None;
        }
    }

    /// Stores the row of a removed participant again. A request that reads the row just before the
    /// removal sees this state.
    pub fn restore_row(&self, conversation: &ConversationId, participant: Participant) {
        let key = (conversation.clone(), participant.user.clone());
        self.state().participants.insert(key, participant);
    }

    /// Removes and returns the pushed frames as `(connection, frame)`, in order.
    pub fn pushed(&self) -> Vec<(String, Value)> {
        let frames = self.take_pushed().into_iter();
        let parse = |frame: String| serde_json::from_str(&frame).expect("JSON");
        frames
            .map(|(connection, frame)| (connection.to_string(), parse(frame)))
            .collect()
    }

    /// Removes the pushed frames, and returns the connections that received them, in order.
    pub fn pushed_to(&self) -> Vec<String> {
        self.take_pushed()
            .into_iter()
            .map(|(connection, _)| connection.to_string())
            .collect()
    }
}

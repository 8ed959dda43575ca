//! What implementations of the storage ports must do. Each function is named after its sentence in `chat::ports`, and is
//! given stores in which nothing is yet.

pub mod connections;
pub mod log;
pub mod participants;
pub mod subscriptions;

use chat::domain::{
    Body, Connection, ConnectionId, Content, Conversation, ConversationId, DisplayName, Draft,
    MessageId, Participant, Role, Seq, Subscription, Timestamp, Title, UserId,
};

pub const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_123);

pub fn conversation_id(text: &str) -> ConversationId {
    ConversationId::new(text).unwrap()
}

pub fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

pub fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

pub fn message(sender: &str, id: &str, body: &str) -> Draft {
    let content = Content::Message {
        name: DisplayName::fitted(&sender.to_uppercase()),
        body: Body::new(body).unwrap(),
    };
    Draft::new(user(sender), MessageId::new(id).unwrap(), NOW, content)
}

pub fn conversation(id: &str, title: Option<&str>) -> Conversation {
    Conversation {
        id: conversation_id(id),
        title: title.map(|title| Title::new(title).unwrap()),
        created_at: NOW,
        created_by: user("ada"),
    }
}

pub fn participant(name: &str) -> Participant {
    Participant {
        user: user(name),
        name: DisplayName::fitted(&name.to_uppercase()),
        role: if name == "ada" {
            Role::Owner
        } else {
            Role::Member
        },
        joined_at: NOW,
    }
}

pub fn connection(id: &str) -> Connection {
    Connection {
        id: ConnectionId::new(id).unwrap(),
        connected_at: NOW,
    }
}

pub fn subscription(name: &str, connection_id: &str) -> Subscription {
    Subscription {
        user: user(name),
        connection: connection(connection_id),
    }
}

//! The wire protocols, each behind one trait. Scenarios know nothing about paths or frames.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    client::IntoClientRequest,
    handshake::client::Request,
    http::{HeaderName, HeaderValue, header},
};

pub enum Event {
    /// The subscription is live.
    Ready,
    /// A message reached this connection. An acknowledgement counts as the sender's own copy.
    Message {
        body: String,
    },
    Error(String),
    Other,
}

pub trait Adapter: Send + Sync + 'static {
    /// The upgrade request of a user who opens a conversation.
    fn connect(&self, base: &str, token: &str, conversation: &str) -> Result<Request, String>;

    /// A frame after the upgrade, if the protocol has one. The connection counts as open after
    /// [`Event::Ready`] then.
    fn hello(&self, conversation: &str, after: Option<u64>) -> Option<Message>;

    /// A frame that sends a message. `nonce` is unique in a run.
    fn send(&self, conversation: &str, body: &str, nonce: u64) -> Message;

    /// The events of a received frame.
    fn decode(&self, message: &Message) -> Vec<Event>;

    /// A whole HTTP/1.1 request that posts a message.
    fn post(&self, base: &str, token: &str, conversation: &str, body: &str, nonce: u64) -> Vec<u8>;

    /// A whole HTTP/1.1 request that reads the entries after a position.
    fn read(&self, base: &str, token: &str, conversation: &str, after: u64) -> Vec<u8>;
}

pub fn by_name(name: &str) -> Result<Arc<dyn Adapter>, String> {
    match name {
        "confab" => Ok(Arc::new(Confab::default())),
        "django" => Ok(Arc::new(Django)),
        other => Err(format!("no adapter is named {other}")),
    }
}

fn upgrade(url: String, headers: &[(HeaderName, String)]) -> Result<Request, String> {
    let mut request = url
        .into_client_request()
        .map_err(|error| error.to_string())?;
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

fn text(message: &Message) -> &str {
    match message {
        Message::Text(text) => text.as_str(),
        _ => "",
    }
}

/// A whole request with a JSON body, or without a body.
fn request(line: &str, base: &str, headers: &str, body: Option<Value>) -> Vec<u8> {
    let body = body.map_or_else(String::new, |body| body.to_string());
    format!(
        "{line} HTTP/1.1\r\nHost: {base}\r\n{headers}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Confab: the token as a subprotocol, a subscription after the upgrade, acknowledged sends with
/// the newest position that was seen.
#[derive(Default)]
struct Confab {
    positions: Mutex<HashMap<String, u64>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ConfabFrame<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    conversation: Cow<'a, str>,
    #[serde(borrow)]
    body: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    code: Cow<'a, str>,
    seq: u64,
    head: u64,
}

impl Confab {
    /// A message's id, which begins like its body, so that the acknowledgement identifies it.
    fn id(body: &str, nonce: u64) -> String {
        let prefix: Vec<_> = body.split(':').take(3).collect();
        format!("{}:{nonce:x}", prefix.join(":"))
    }

    fn saw(&self, conversation: &str, position: u64) {
        let mut positions = self
            .positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = positions.entry(conversation.to_owned()).or_default();
        *known = position.max(*known);
    }

    fn position(&self, conversation: &str) -> u64 {
        let positions = self
            .positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        positions.get(conversation).copied().unwrap_or(0)
    }
}

impl Adapter for Confab {
    fn connect(&self, base: &str, token: &str, _: &str) -> Result<Request, String> {
        let protocols = format!("confab.v1, bearer.{token}");
        upgrade(
            format!("ws://{base}/dev"),
            &[(header::SEC_WEBSOCKET_PROTOCOL, protocols)],
        )
    }

    fn hello(&self, conversation: &str, after: Option<u64>) -> Option<Message> {
        let mut frame =
            json!({ "action": "subscribe", "ref": "hello", "conversation": conversation });
        if let Some(after) = after {
            frame["after"] = after.into();
        }
        Some(Message::text(frame.to_string()))
    }

    fn send(&self, conversation: &str, body: &str, nonce: u64) -> Message {
        let frame = json!({
            "action": "sendMessage",
            "ref": "m",
            "conversation": conversation,
            "id": Self::id(body, nonce),
            "body": body,
            "after": self.position(conversation),
        });
        Message::text(frame.to_string())
    }

    fn decode(&self, message: &Message) -> Vec<Event> {
        let Ok(frame) = serde_json::from_str::<ConfabFrame>(text(message)) else {
            return vec![Event::Other];
        };
        match &*frame.event {
            "message" => {
                self.saw(&frame.conversation, frame.seq);
                let body = frame.body.into_owned();
                vec![Event::Message { body }]
            }
            "sent" => {
                self.saw(&frame.conversation, frame.seq);
                let body = frame.id.into_owned();
                vec![Event::Message { body }]
            }
            "subscribed" => {
                self.saw(&frame.conversation, frame.head);
                vec![Event::Ready]
            }
            "error" => vec![Event::Error(frame.code.into_owned())],
            _ => vec![Event::Other],
        }
    }

    fn post(&self, base: &str, token: &str, conversation: &str, body: &str, nonce: u64) -> Vec<u8> {
        let line = format!("POST /conversations/{conversation}/messages");
        let headers = format!("Authorization: Bearer {token}\r\n");
        let after = self.position(conversation);
        let message = json!({ "id": Self::id(body, nonce), "body": body, "after": after });
        request(&line, base, &headers, Some(message))
    }

    fn read(&self, base: &str, token: &str, conversation: &str, after: u64) -> Vec<u8> {
        let line = format!("GET /conversations/{conversation}/events?after={after}");
        let headers = format!("Authorization: Bearer {token}\r\n");
        request(&line, base, &headers, None)
    }
}

/// The Django Channels chat: a session cookie, frames `{"message": …}`, no acknowledgement.
struct Django;

#[derive(Default, Deserialize)]
#[serde(default)]
struct DjangoFrame<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    error: Cow<'a, str>,
}

impl Adapter for Django {
    fn connect(&self, base: &str, token: &str, conversation: &str) -> Result<Request, String> {
        upgrade(
            format!("ws://{base}/ws/chat/{conversation}/"),
            &[
                (header::COOKIE, format!("sessionid={token}")),
                (header::ORIGIN, format!("http://{base}")),
            ],
        )
    }

    fn hello(&self, _: &str, _: Option<u64>) -> Option<Message> {
        None
    }

    fn send(&self, _: &str, body: &str, _: u64) -> Message {
        Message::text(json!({ "message": body }).to_string())
    }

    fn decode(&self, message: &Message) -> Vec<Event> {
        match serde_json::from_str::<DjangoFrame>(text(message)) {
            Ok(frame) if frame.r#type == "message" => {
                let body = frame.message.into_owned();
                vec![Event::Message { body }]
            }
            Ok(frame) if frame.r#type == "error" => vec![Event::Error(frame.error.into_owned())],
            _ => vec![Event::Other],
        }
    }

    fn post(&self, base: &str, token: &str, conversation: &str, body: &str, _: u64) -> Vec<u8> {
        // The same token as cookie and header passes Django's check.
        let csrf = "abcdefghijklmnopqrstuvwxyz012345";
        let headers =
            format!("Cookie: sessionid={token}; csrftoken={csrf}\r\nX-CSRFToken: {csrf}\r\n");
        let line = format!("POST /chat/{conversation}/send/");
        request(&line, base, &headers, Some(json!({ "message": body })))
    }

    fn read(&self, base: &str, token: &str, conversation: &str, _: u64) -> Vec<u8> {
        let line = format!("GET /chat/{conversation}/messages/");
        request(&line, base, &format!("Cookie: sessionid={token}\r\n"), None)
    }
}

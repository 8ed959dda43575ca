//! A message: the headers that an application sends with it, and its content.

use axum::http::{HeaderMap, HeaderName, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{encryption::Keys, rejection::PushRejection, vapid::Sender};

/// The longest topic, in characters.
const LONGEST_TOPIC: usize = 32;
const URGENCIES: [&str; 4] = ["very-low", "low", "normal", "high"];
/// The only encoding that Apple's service accepts.
const ENCODING: &str = "aes128gcm";

/// About how much memory a message takes beside its content and its subject, in bytes.
const OVERHEAD: usize = 512;

/// An accepted message.
#[derive(Debug)]
pub(super) struct Message {
    pub id: String,
    /// For how many seconds the service keeps it.
    pub ttl: u32,
    pub topic: Option<String>,
    urgency: String,
    sender: Sender,
    received: OffsetDateTime,
    /// `None` without a body, `Err` if it cannot be decrypted, which a service does not notice.
    content: Option<Result<Vec<u8>, &'static str>>,
    /// The length of the encrypted body.
    length: usize,
}

impl Message {
    /// Reads a message.
    pub fn read(
        headers: &HeaderMap,
        body: &[u8],
        keys: &Keys,
        sender: Sender,
        now: OffsetDateTime,
    ) -> Result<Self, PushRejection> {
        let text = |name: &'static str| {
            let value = headers.get(HeaderName::from_static(name));
            value.map(|value| value.to_str().unwrap_or_default())
        };
        let ttl = text("ttl").ok_or(PushRejection::Header("the header TTL is missing"))?;
        let ttl = ttl
            .parse()
            .map_err(|_| PushRejection::Header("TTL is not a number of seconds"))?;
        let topic = text("topic").map(str::to_owned);
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if let Some(topic) = &topic
            && (topic.is_empty() || topic.len() > LONGEST_TOPIC || !topic.bytes().all(is_base64url))
        {
            return Err(PushRejection::Header(
                "Topic has at most 32 characters of base64url",
            ));
        }
        let urgency = text("urgency").unwrap_or("normal");
        if !URGENCIES.contains(&urgency) {
            return Err(PushRejection::Header(
                "Urgency is very-low, low, normal or high",
            ));
        }
        if !body.is_empty() && text(header::CONTENT_ENCODING.as_str()) != Some(ENCODING) {
            return Err(PushRejection::Header("Content-Encoding is not aes128gcm"));
        }
        Ok(Self {
            id: Uuid::new_v4().simple().to_string(),
            ttl,
            topic,
            urgency: urgency.to_owned(),
            sender,
            received: now,
            content: (!body.is_empty()).then(|| keys.decrypt(body)),
            length: body.len(),
        })
    }

    /// Returns about how much memory the message takes, in bytes.
    pub fn bytes(&self) -> usize {
        let content = self
            .content
            .as_ref()
            .and_then(|content| content.as_ref().ok());
        OVERHEAD + content.map_or(0, Vec::len) + self.sender.subject.len()
    }

    /// Returns the message as tests see it.
    pub fn shown(&self, now: OffsetDateTime) -> Value {
        let (mut text, mut json, mut base64, mut error) = (None, None, None, None);
        match &self.content {
            Some(Ok(content)) => match std::str::from_utf8(content) {
                Ok(content) => {
                    text = Some(content);
                    json = serde_json::from_str::<Value>(content).ok();
                }
                Err(_) => base64 = Some(BASE64_STANDARD.encode(content)),
            },
            Some(Err(reason)) => error = Some(*reason),
            None => {}
        }
        json!({
            "id": self.id,
            "ttl": self.ttl,
            "topic": self.topic,
            "urgency": self.urgency,
            "subject": self.sender.subject,
            "bytes": self.length,
            // A service delivers it to a browser that comes back before that.
            "expired": now > self.received + Duration::seconds(self.ttl.into()),
            "text": text,
            "json": json,
            "base64": base64,
            "error": error,
        })
    }
}

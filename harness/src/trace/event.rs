//! One event: what happened, where and when.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Attribute, SpanId, TraceId};
use crate::bill::Usage;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A handshake, a message or the end of a WebSocket connection.
    Socket,
    /// A request to an HTTP API.
    Http,
    /// A verdict of an authorizer.
    Authorizer,
    /// An invocation of a function.
    Invocation,
    /// A call of DynamoDB.
    Dynamodb,
    /// A call of the management API of a WebSocket API.
    Push,
    /// A message to the push service of browsers.
    WebPush,
    /// A call of SQS.
    Queue,
    /// A call of S3.
    Object,
    /// A batch of an event source mapping.
    Delivery,
    /// A fault that was injected.
    Fault,
    /// A call without permission or without a valid signature.
    Denied,
    /// A line that a function logged.
    Log,
    /// The start or the end of a function's process.
    Process,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// As intended.
    #[default]
    Ok,
    /// Something that code has to expect: a failed condition, a 410, a throttle.
    Warning,
    /// A failure.
    Error,
}

/// What happened.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The kind.
    pub kind: Kind,
    /// The route, the operation, the function, …
    pub name: Box<str>,
    /// How bad it is.
    pub level: Level,
    /// Details, with the names of OpenTelemetry's semantic conventions where these have one.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// What AWS bills for it.
    pub usage: Usage,
    /// The body of a message or a request, if bodies are recorded.
    pub body: Option<Box<str>>,
}

impl Fact {
    /// Creates a fact without details. A long name is shortened.
    #[must_use]
    pub fn new(kind: Kind, name: &str) -> Self {
        Self {
            kind,
            name: super::shortened(name),
            level: Level::Ok,
            attributes: Vec::with_capacity(8),
            usage: Usage::default(),
            body: None,
        }
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Attribute>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// Adds a detail, if there is one.
    #[must_use]
    pub fn maybe(self, name: &'static str, value: Option<impl Into<Attribute>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Sets how bad it is.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Sets what AWS bills for it.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: Option<String>) -> Self {
        self.body = body.map(Into::into);
        self
    }

    /// Returns the level for a status of HTTP. `expected` are the errors that code has to expect.
    #[must_use]
    pub fn level_of(status: u16, expected: &[u16]) -> Level {
        match status {
            ..400 => Level::Ok,
            status if expected.contains(&status) => Level::Warning,
            _ => Level::Error,
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place among all events since the start. The order is that of the ends of the spans.
    pub number: u64,
    /// The trace that it belongs to, if it is known.
    pub trace: Option<TraceId>,
    /// Its own id.
    pub span: SpanId,
    /// The span that it is in.
    pub parent: Option<SpanId>,
    /// Its start, in microseconds since 1970.
    pub start_us: u64,
    /// Its duration in microseconds.
    pub took_us: u64,
    /// What happened.
    pub fact: Fact,
}

impl Event {
    /// Returns about how much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let Fact {
            name,
            attributes,
            body,
            ..
        } = &self.fact;
        let texts = attributes.iter().map(|(_, value)| value.bytes());
        size_of::<Self>()
            + attributes.capacity() * size_of::<(&str, Attribute)>()
            + texts.sum::<usize>()
            + name.len()
            + body.as_ref().map_or(0, |body| body.len())
    }

    /// Returns the event as the object of one line of a recording.
    #[must_use]
    pub fn json(&self) -> Value {
        let Fact {
            kind,
            name,
            level,
            attributes,
            body,
            ..
        } = &self.fact;
        let attributes: Map<String, Value> = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.json()))
            .collect();
        let mut object = json!({
            "number": self.number,
            "kind": kind,
            "name": name,
            "level": level,
            "spanId": self.span.to_string(),
            "startTimeUnixMicro": self.start_us,
            "durationMicro": self.took_us,
            "attributes": attributes,
        });
        if let Value::Object(object) = &mut object {
            let trace = self.trace.map(|id| id.to_string());
            let parent = self.parent.map(|id| id.to_string());
            let body = body.as_deref().map(str::to_owned);
            for (key, value) in [("traceId", trace), ("parentSpanId", parent), ("body", body)] {
                object.extend(value.map(|value| (key.to_owned(), value.into())));
            }
        }
        object
    }
}

//! Sends events as spans to a collector, by OTLP/HTTP with JSON.
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

use std::{io, time::Duration};

use serde_json::{Value, json};

use super::Sink;
use crate::trace::{Attribute, Batch, Event, Kind, Level};

const TIMEOUT: Duration = Duration::from_secs(4);

/// A collector.
#[derive(Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    url: String,
}

impl Collector {
    /// Creates a client of the collector at `url` (`http://127.0.0.1:4318`).
    pub fn at(url: &str) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let url = format!("{}/v1/traces", url.trim_end_matches('/'));
        Ok(Self { client, url })
    }
}

impl Sink for Collector {
    async fn take(&mut self, batch: &Batch) -> io::Result<()> {
        let spans: Vec<Value> = batch
            .events
            .iter()
            .filter_map(|event| span(event))
            .collect();
        if spans.is_empty() {
            return Ok(());
        }
        let sent = self.client.post(&self.url).json(&request(spans)).send();
        let answered = sent.await.and_then(reqwest::Response::error_for_status);
        // The URL may contain a secret.
        answered
            .map(drop)
            .map_err(|error| io::Error::other(error.without_url()))
    }
}

fn request(spans: Vec<Value>) -> Value {
    let service = json!({ "key": "service.name", "value": { "stringValue": "harness" } });
    json!({ "resourceSpans": [{
        "resource": { "attributes": [service] },
        "scopeSpans": [{ "scope": { "name": "harness" }, "spans": spans }],
    }] })
}

/// Returns the span of an event. Events without a trace have none.
fn span(event: &Event) -> Option<Value> {
    let fact = &event.fact;
    let nanos = |micros: u64| (u128::from(micros) * 1000).to_string();
    let attributes = fact.attributes.iter().map(|(key, value)| {
        let value = match value {
            Attribute::Text(text) => json!({ "stringValue": &**text }),
            // 64-bit numbers are texts in this form of JSON.
            Attribute::Count(count) => json!({ "intValue": count.to_string() }),
            Attribute::Number(number) => json!({ "doubleValue": number }),
            Attribute::Flag(flag) => json!({ "boolValue": flag }),
        };
        json!({ "key": key, "value": value })
    });
    // The kinds of spans and their states are numbers: 1 internal, 2 server, 3 client; 1 ok, 2 error.
    let kind = match fact.kind {
        Kind::Socket | Kind::Http | Kind::Delivery => 2,
        Kind::Dynamodb | Kind::Push | Kind::WebPush | Kind::Queue | Kind::Object => 3,
        Kind::Authorizer
        | Kind::Invocation
        | Kind::Fault
        | Kind::Denied
        | Kind::Log
        | Kind::Process => 1,
    };
    let mut span = json!({
        "traceId": event.trace?.to_string(),
        "spanId": event.span.to_string(),
        "name": &*fact.name,
        "kind": kind,
        "startTimeUnixNano": nanos(event.start_us),
        "endTimeUnixNano": nanos(event.start_us.saturating_add(event.took_us)),
        "attributes": attributes.collect::<Vec<_>>(),
        "status": { "code": if fact.level == Level::Error { 2 } else { 1 } },
    });
    if let (Some(parent), Value::Object(span)) = (event.parent, &mut span) {
        span.insert("parentSpanId".to_owned(), parent.to_string().into());
    }
    Some(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Fact, Settings, Trace};

    #[test]
    fn an_event_of_a_trace_is_a_span() {
        let trace = Trace::new(Settings::default());
        let root = trace.root("send");
        let inner = trace.inside(root.context());
        let fact = Fact::new(Kind::Dynamodb, "PutItem")
            .with("aws.dynamodb.write_units", 1.5)
            .with("http.response.status_code", 400_u16)
            .level(Level::Error);
        trace.record_that_took(inner, Duration::from_micros(250), fact);
        trace.record(trace.inside(None), Fact::new(Kind::Log, "no trace"));
        let events = trace.read(0, 10).events;
        let shown = span(&events[0]).unwrap();
        assert_eq!(shown["traceId"].as_str().unwrap().len(), 32);
        assert_eq!(shown["spanId"].as_str().unwrap().len(), 16);
        let outer = root.context().unwrap().span.to_string();
        assert_eq!(shown["parentSpanId"], outer);
        assert_eq!(
            (&shown["kind"], &shown["status"]["code"]),
            (&json!(3), &json!(2))
        );
        let times = ["startTimeUnixNano", "endTimeUnixNano"]
            .map(|key| shown[key].as_str().unwrap().parse::<u128>().unwrap());
        assert_eq!(times[1] - times[0], 250_000);
        assert_eq!(
            shown["attributes"],
            json!([
                { "key": "aws.dynamodb.write_units", "value": { "doubleValue": 1.5 } },
                { "key": "http.response.status_code", "value": { "intValue": "400" } },
            ])
        );
        assert_eq!(span(&events[1]), None);
    }
}

//! Answers of the AWS JSON protocol.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{digest, error::SqsError, message::Received, request::Receive};
use crate::service::Reply;

const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// Returns a received message with the attributes that the caller wants.
pub(super) fn shown(message: Received, wanted: &Receive) -> Value {
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": digest::of_body(&message.body),
        "Body": message.body,
    });
    let names = [
        wanted.attribute_names.as_slice(),
        &wanted.message_system_attribute_names,
    ]
    .concat();
    let system: BTreeMap<_, _> = message
        .system
        .into_iter()
        .filter(|(name, _)| is_wanted(&names, name))
        .collect();
    if !system.is_empty() {
        insert(&mut shown, "Attributes", Some(json!(system)));
    }
    let attributes: BTreeMap<_, _> = message
        .attributes
        .into_iter()
        .filter(|(name, _)| is_wanted(&wanted.message_attribute_names, name))
        .collect();
    if let Some(digest) = digest::of_attributes(&attributes) {
        insert(&mut shown, "MD5OfMessageAttributes", Some(digest));
        insert(&mut shown, "MessageAttributes", Some(json!(attributes)));
    }
    shown
}

/// Whether a list of names has `name`: itself, `All`, `.*`, or a beginning such as `order.*`.
pub(super) fn is_wanted(names: &[String], name: &str) -> bool {
    names.iter().any(|wanted| match wanted.strip_suffix(".*") {
        Some(beginning) => name.starts_with(beginning),
        None => wanted == "All" || wanted == name,
    })
}

/// Adds a member to an object, if there is a value.
pub(super) fn insert(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Value::Object(object), Some(value)) = (object, value) {
        object.insert(name.to_owned(), value.into());
    }
}

/// Returns the result of a batch: the entries that succeeded, and those that failed.
pub(super) fn batch(results: impl Iterator<Item = (String, Result<Value, SqsError>)>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, result) in results {
        match result {
            Ok(mut value) => {
                insert(&mut value, "Id", Some(id));
                successful.push(value);
            }
            Err(error) => failed.push(json!({
                "Id": id, "Code": error.names().1, "Message": error.to_string(), "SenderFault": true,
            })),
        }
    }
    let mut answer = Map::new();
    answer.insert("Successful".to_owned(), successful.into());
    if !failed.is_empty() {
        answer.insert("Failed".to_owned(), failed.into());
    }
    answer.into()
}

/// Returns the answer to a refused call.
pub(super) fn refused(error: &SqsError) -> Reply {
    let (kind, code) = error.names();
    let status = match error {
        SqsError::Full => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut reply = reply(
        status,
        &json!({ "__type": kind, "message": error.to_string() }),
    );
    // Clients of the query protocol knew the error by this code.
    if let Ok(value) = HeaderValue::from_str(&format!("{code};Sender")) {
        reply.headers_mut().insert("x-amzn-query-error", value);
    }
    reply
}

/// Returns an answer with this body.
pub(super) fn reply(status: StatusCode, body: &Value) -> Reply {
    let mut reply = Reply::new(body.to_string().into());
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    reply
}

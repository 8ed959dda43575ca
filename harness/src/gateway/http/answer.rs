//! Turns a function's answer into the client's response.

use axum::{
    body::Bytes,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

/// Headers that the gateway sets itself. A function cannot.
const OWN: [HeaderName; 3] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

/// Returns the response for `answer`: an object with `statusCode`, or any other JSON as the body of
/// a 200. `None` if it is neither.
pub(super) fn response(answer: Bytes) -> Option<Response> {
    let parsed: Value = serde_json::from_slice(&answer).ok()?;
    match parsed {
        Value::Object(object) if object.contains_key("statusCode") => structured(&object),
        _ => Some(of_json(StatusCode::OK, answer)),
    }
}

/// Returns a response of the gateway itself.
pub(super) fn message(status: StatusCode, text: &str) -> Response {
    of_json(status, json!({ "message": text }).to_string().into())
}

fn of_json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

fn structured(object: &Map<String, Value>) -> Option<Response> {
    let status = object.get("statusCode")?;
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?)
        .ok()
        .filter(|status| !status.is_informational())?;
    let body = match object.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if object.get("isBase64Encoded") == Some(&Value::Bool(true)) => {
            BASE64_STANDARD.decode(text).ok()?.into()
        }
        Some(Value::String(text)) => text.clone().into(),
        Some(_) => return None,
    };
    let mut response = Response::new(body.clone().into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in object
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let name: HeaderName = name.parse().ok()?;
        if !OWN.contains(&name) {
            headers.append(name, header_value(value)?);
        }
    }
    for cookie in object
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        headers.append(header::SET_COOKIE, header_value(cookie)?);
    }
    if !body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain;charset=UTF-8"),
        );
    }
    Some(response)
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    match value {
        Value::String(text) => HeaderValue::from_str(text).ok(),
        Value::Number(_) | Value::Bool(_) => HeaderValue::from_str(&value.to_string()).ok(),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

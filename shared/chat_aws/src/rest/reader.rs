//! Converts a request of the gateway to a request of the core.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chat::{
    domain::{Identity, Timestamp},
    error::Rejection,
    fields::Fields,
    request, time_limit,
};
use lambda_http::{
    Request, RequestExt as _,
    aws_lambda_events::{apigw::ApiGatewayV2httpRequestContext, query_map::QueryMap},
    request::RequestContext,
};
use serde_json::{Map, Value};

use super::{
    router::{Parameter, Router, Unmatched},
    routes::{FieldSource, HttpRoute},
};
use crate::identity::{self, IdentityError};

/// The size limit of a body in bytes. Longer bodies are not parsed: a request costs few of its
/// user's tokens. The longest valid message and list of users fit, even if every character is
/// escaped.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// The prefix of an encoded user id or emoji in a path. HTTP APIs decode a path twice, end it at a
/// decoded `?` and refuse a single `%25`, so some ids arrive unchanged only if they are encoded.
const ENCODED: &str = "base64url.";
/// The header that may hold the `id` of a message.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Returns the gateway's id of the request.
pub fn request_id(request: &Request) -> &str {
    context(request)
        .and_then(|context| context.request_id.as_deref())
        .unwrap_or_default()
}

/// Returns the gateway's name of the route, for example `POST /conversations/{id}/messages`.
pub fn route_key(request: &Request) -> &str {
    context(request)
        .and_then(|context| context.route_key.as_deref())
        .unwrap_or_default()
}

/// Returns the route of a request and the parameters in its path.
///
/// # Errors
/// [`Unmatched`] if there is no such route.
pub fn route<'r, P>(
    router: &'r Router<P>,
    request: &Request,
) -> Result<(&'r HttpRoute<P>, Vec<Parameter>), Unmatched> {
    let Some(route) = router.by_key(route_key(request)) else {
        return router.by_path(request.method(), path(request));
    };
    let parameters = request.path_parameters_ref();
    let parameters = parameters.into_iter().flat_map(QueryMap::iter);
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok((route, parameters.collect()))
}

/// Returns the path without the stage, which is its first segment unless the stage is `$default`.
fn path(request: &Request) -> &str {
    let path = request.raw_http_path();
    let stage = context(request).and_then(|context| context.stage.as_deref());
    let behind = |stage| path.strip_prefix('/')?.strip_prefix(stage);
    stage
        .and_then(behind)
        .filter(|path| path.starts_with('/'))
        .unwrap_or(path)
}

/// Returns the caller.
///
/// # Errors
/// Fails if the identity is missing or invalid.
pub fn identity(request: &Request) -> Result<Identity, IdentityError> {
    let authorizer = context(request).and_then(|context| context.authorizer.as_ref());
    identity::of_context(&authorizer.ok_or(IdentityError)?.fields)
}

/// Reads the fields and the deadline. Path parameters replace values of the same name in the body
/// or the query.
///
/// # Errors
/// `malformed` or `too_large` for the body, `invalid` for two different ids or an encoded user id
/// or emoji that cannot be decoded.
pub fn read(
    request: &Request,
    identity: Identity,
    source: FieldSource,
    parameters: Vec<Parameter>,
    now: Timestamp,
) -> Result<request::Request, Rejection> {
    let mut fields = match source {
        FieldSource::Body => Fields::from_object(body(request)?),
        FieldSource::Message => Fields::from_object(with_id(body(request)?, request)?),
        FieldSource::MessageQuery => query_with_id(request)?,
        FieldSource::Path => Fields::default(),
        FieldSource::Query => query(request),
    };
    for (name, value) in parameters {
        match name.as_str() {
            // In a path, `id` is the conversation; in a body, it is the message.
            "id" => fields.set_text("conversation", value),
            "user" => fields.set_text("user", decoded("user", value)?),
            "emoji" => fields.set_text("emoji", decoded("emoji", value)?),
            "seq" => fields.set_text("target", value),
            name => fields.set_text(name, value),
        }
    }
    Ok(request::Request {
        identity,
        connection: None,
        fields,
        deadline: time_limit::deadline(deadline(request), now),
    })
}

/// Returns a value of a path, decoded if it is encoded.
fn decoded(field: &'static str, value: String) -> Result<String, Rejection> {
    let Some(encoded) = value.strip_prefix(ENCODED) else {
        return Ok(value);
    };
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(encoded.trim_end_matches('='))
        .ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(Rejection::Invalid {
            field,
            rule: "must be its UTF-8 in base64url after `base64url.`",
        })
}

/// Returns the time at which Lambda ends the function, in milliseconds; 0 if it is unknown.
pub fn deadline(request: &Request) -> u64 {
    request
        .lambda_context_ref()
        .map_or(0, |context| context.deadline)
}

fn context(request: &Request) -> Option<&ApiGatewayV2httpRequestContext> {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => Some(context),
        _ => None,
    }
}

fn query(request: &Request) -> Fields {
    let mut fields = Fields::default();
    let query = request.query_string_parameters_ref();
    for (name, value) in query.into_iter().flat_map(QueryMap::iter) {
        fields.set_text(name, value);
    }
    fields
}

/// Returns the query string with the `Idempotency-Key` as `id`.
///
/// # Errors
/// `invalid` if the query string has another `id`.
fn query_with_id(request: &Request) -> Result<Fields, Rejection> {
    let given = request.query_string_parameters_ref();
    let given = given.and_then(|query| query.first("id"));
    let mut object = Map::new();
    if let Some(id) = given {
        object.insert("id".to_owned(), Value::String(id.to_owned()));
    }
    let mut fields = query(request);
    if let Some(Value::String(id)) = with_id(object, request)?.remove("id") {
        fields.set_text("id", id);
    }
    Ok(fields)
}

fn body(request: &Request) -> Result<Map<String, Value>, Rejection> {
    let body = request.body().as_ref();
    if body.len() > MAX_BODY_BYTES {
        return Err(Rejection::TooLarge {
            field: "body",
            rule: "must be at most 256 KB, the whole body of the request",
        });
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Rejection::Malformed("the body must be a JSON object")),
        Err(_) => Err(Rejection::Malformed("the body must be JSON text")),
    }
}

/// Sets the message's `id` to the `Idempotency-Key`.
///
/// # Errors
/// `invalid` if the message has another `id`.
fn with_id(
    mut object: Map<String, Value>,
    request: &Request,
) -> Result<Map<String, Value>, Rejection> {
    let Some(key) = request.headers().get(IDEMPOTENCY_KEY) else {
        return Ok(object);
    };
    // A key that is not UTF-8 is rejected later, when the core reads the id.
    let key = Value::String(String::from_utf8_lossy(key.as_bytes()).into_owned());
    match object.get("id") {
        None | Some(Value::Null) => {
            object.insert("id".to_owned(), key);
        }
        Some(id) if *id == key => {}
        Some(_) => {
            let rule = "must be the same as the Idempotency-Key header, or be left out";
            return Err(Rejection::Invalid { field: "id", rule });
        }
    }
    Ok(object)
}

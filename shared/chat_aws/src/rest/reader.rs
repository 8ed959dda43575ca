//! What a request says, in the words of the core.

use chat::{
    domain::Timestamp,
    failure::Rejection,
    fields::Fields,
    request,
};
use lambda_http::{
    Request, RequestExt as _,
    aws_lambda_events::{apigw::ApiGatewayV2httpRequestContext, query_map::QueryMap},
    http::Method,
    request::RequestContext,
};
use serde_json::{Map, Value};

use super::{
    problem::Refusal,
    router::{Destination, Match},
};
use crate::{
    deadline,
    identity::{self, Unidentified},
};

/// Bytes in the largest body, which is also the gateway's limit.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// A header that may name a message instead of its `id`.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The gateway's name for the request.
pub fn request_id(request: &Request) -> String {
    context(request).and_then(|context| context.request_id.clone()).unwrap_or_default()
}

/// The path without the stage, which is part of it unless the stage is `$default`.
pub fn path(request: &Request) -> &str {
    let path = request.raw_http_path();
    let stage = context(request).and_then(|context| context.stage.as_deref()).unwrap_or_default();
    path.strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage))
        .filter(|path| !stage.is_empty() && path.starts_with('/'))
        .unwrap_or(path)
}

/// Who asks for what, and until when. Values of the path win over those of the body or the query.
///
/// # Errors
/// `malformed` or `too_large` for the body, `invalid` for an id that is given twice; [`Unidentified`].
pub fn read(request: &Request, found: &Match, now: Timestamp) -> Result<request::Request, Refusal> {
    let authorizer = context(request).and_then(|context| context.authorizer.as_ref());
    let identity = identity::of_context(&authorizer.ok_or(Unidentified)?.fields)?;
    let mut fields = if request.method() == Method::GET {
        query(request)
    } else {
        let mut object = body(request)?;
        if found.destination == Destination::SendMessage {
            name_by_header(&mut object, request)?;
        }
        Fields::from_object(object)
    };
    for (name, value) in &found.values {
        fields.set_text(name, value);
    }
    let deadline = request.lambda_context_ref().map_or(0, |context| context.deadline);
    let deadline = deadline::of_invocation(deadline, now);
    Ok(request::Request { identity, connection: None, fields, deadline })
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

fn body(request: &Request) -> Result<Map<String, Value>, Rejection> {
    let body = request.body().as_ref();
    if body.len() > MAX_BODY_BYTES {
        return Err(Rejection::TooLarge { field: "body", rule: "must be at most 10 MB" });
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Rejection::Malformed("the body must be a JSON object")),
        Err(_) => Err(Rejection::Malformed("the body must be JSON text")),
    }
}

/// The `Idempotency-Key` is the `id` of a message that has none; if it has, they are the same.
fn name_by_header(object: &mut Map<String, Value>, request: &Request) -> Result<(), Rejection> {
    let Some(key) = request.headers().get(IDEMPOTENCY_KEY) else {
        return Ok(());
    };
    // What is no text is no id either: the rule of ids says so.
    let key = Value::String(String::from_utf8_lossy(key.as_bytes()).into_owned());
    match object.get("id") {
        None | Some(Value::Null) => {
            object.insert("id".to_owned(), key);
            Ok(())
        }
        Some(id) if *id == key => Ok(()),
        Some(_) => {
            let rule = "must be the same as the Idempotency-Key header, or be left out";
            Err(Rejection::Invalid { field: "id", rule })
        }
    }
}

//! What a request says, in the words of the core.

use chat::{domain::Timestamp, error::Rejection, fields::Fields, request};
use lambda_http::{
    Request, RequestExt as _,
    aws_lambda_events::{apigw::ApiGatewayV2httpRequestContext, query_map::QueryMap},
    request::RequestContext,
};
use serde_json::{Map, Value};

use super::{
    problem::Refusal,
    router::{self, Destination, Parameter, Unmatched},
};
use crate::{
    duration,
    identity::{self, Unidentified},
};

/// Bytes in the largest body, which is also the gateway's limit.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// A header that may name a message instead of its `id`.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The gateway's name for the request.
pub fn request_id(request: &Request) -> &str {
    context(request)
        .and_then(|context| context.request_id.as_deref())
        .unwrap_or_default()
}

/// The gateway's name for the route: `POST /conversations/{id}/messages`.
pub fn route_key(request: &Request) -> &str {
    context(request)
        .and_then(|context| context.route_key.as_deref())
        .unwrap_or_default()
}

/// The route of a request, and the values in its path by their names there.
///
/// # Errors
/// [`Unmatched`].
pub fn route(request: &Request) -> Result<(Destination, Vec<Parameter>), Unmatched> {
    let Some(destination) = router::by_key(route_key(request)) else {
        return router::by_path(request.method(), path(request));
    };
    let given = request.path_parameters();
    let value = |name| Some((name, given.first(name)?.to_owned()));
    Ok((
        destination,
        ["id", "user"].into_iter().filter_map(value).collect(),
    ))
}

/// The path without the stage, which is part of it unless the stage is `$default`.
fn path(request: &Request) -> &str {
    let path = request.raw_http_path();
    let stage = context(request).and_then(|context| context.stage.as_deref());
    let behind = |stage| path.strip_prefix('/')?.strip_prefix(stage);
    stage
        .and_then(behind)
        .filter(|path| path.starts_with('/'))
        .unwrap_or(path)
}

/// Who asks for what, and until when. Values of the path win over those of the body or the query.
///
/// # Errors
/// `malformed` or `too_large` for the body, `invalid` for an id that is given twice; [`Unidentified`].
pub fn read(
    request: &Request,
    destination: Destination,
    parameters: Vec<Parameter>,
    now: Timestamp,
) -> Result<request::Request, Refusal> {
    let authorizer = context(request).and_then(|context| context.authorizer.as_ref());
    let identity = identity::of_context(&authorizer.ok_or(Unidentified)?.fields)?;
    let mut fields = match destination {
        Destination::CreateConversation => Fields::from_object(body(request)?),
        Destination::SendMessage => Fields::from_object(named_by_header(body(request)?, request)?),
        Destination::AddParticipant | Destination::RemoveParticipant => Fields::default(),
        Destination::ListConversations
        | Destination::GetConversation
        | Destination::ReadMessages
        | Destination::ReadEvents => query(request),
    };
    for (name, value) in parameters {
        // In a path `id` is the conversation's, in the body of a message its own.
        fields.set_text(if name == "id" { "conversation" } else { name }, value);
    }
    Ok(request::Request {
        identity,
        connection: None,
        fields,
        deadline: duration::deadline(deadline(request), now),
    })
}

/// When Lambda gives the function up; 0 if that is not known.
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

fn body(request: &Request) -> Result<Map<String, Value>, Rejection> {
    let body = request.body().as_ref();
    if body.len() > MAX_BODY_BYTES {
        return Err(Rejection::TooLarge {
            field: "body",
            rule: "must be at most 10 MB",
        });
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Rejection::Malformed("the body must be a JSON object")),
        Err(_) => Err(Rejection::Malformed("the body must be JSON text")),
    }
}

/// The `Idempotency-Key` is the `id` of a message that has none; if it has one, they are the same.
fn named_by_header(
    mut object: Map<String, Value>,
    request: &Request,
) -> Result<Map<String, Value>, Rejection> {
    let Some(key) = request.headers().get(IDEMPOTENCY_KEY) else {
        return Ok(object);
    };
    // What is no text is no id either: the rule of ids will say so.
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

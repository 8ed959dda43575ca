//! The HTTP API, payload format 2.0: a request is read, routed, granted or refused.

mod problem;
mod reader;
mod router;

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Subscriptions},
    request::Route as _,
    routes::{
        CreateConversation, GetConversation, ListConversations, ReadEvents, ReadMessages,
        SendMessage,
    },
    wire::encode,
};
use lambda_http::{
    Body, Error, Request, Response,
    http::{HeaderValue, StatusCode, header},
    lambda_runtime::tracing::init_default_subscriber,
    service_fn,
};
use serde::Serialize;

pub(crate) use self::problem::status_of;
use self::{
    problem::Refusal,
    router::{Destination, Match, resolve},
};

/// Serves all routes of the HTTP API by the ports that `open` opens, until the process is ended.
///
/// # Errors
/// Those of `open`, and of the Lambda runtime.
pub async fn run<P>(open: impl Future<Output = Result<P, Error>>) -> Result<(), Error>
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    init_default_subscriber();
    let ports = open.await?;
    lambda_http::run(service_fn(|request| handle(&ports, request))).await
}

async fn handle<P>(ports: &P, request: Request) -> Result<Response<Body>, Infallible>
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let began = Instant::now();
    let request_id = reader::request_id(&request);
    let found = resolve(request.method(), reader::path(&request));
    let result = match &found {
        Ok(found) => dispatch(ports, &request, found).await,
        Err(unmatched) => Err(unmatched.clone().into()),
    };
    let (response, outcome) = match result {
        Ok(response) => (response, "ok"),
        Err(refusal) => refusal.into_response(&request_id),
    };
    tracing::info!(
        route = found.map_or("", |found| found.pattern),
        method = %request.method(),
        outcome,
        request_id,
        duration_ms = began.elapsed().as_millis(),
        "request"
    );
    Ok(response)
}

/// What is said here of each route is when its reply stands for something new.
async fn dispatch<P>(ports: &P, request: &Request, found: &Match) -> Result<Response<Body>, Refusal>
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let request = reader::read(request, found, ports.now())?;
    match found.destination {
        Destination::CreateConversation => {
            let reply = CreateConversation::handle(ports, &request).await?;
            Ok(granted(reply.created, &reply))
        }
        Destination::SendMessage => {
            let reply = SendMessage::handle(ports, &request).await?;
            Ok(granted(!reply.duplicate, &reply))
        }
        Destination::ListConversations => {
            Ok(granted(false, &ListConversations::handle(ports, &request).await?))
        }
        Destination::GetConversation => {
            Ok(granted(false, &GetConversation::handle(ports, &request).await?))
        }
        Destination::ReadMessages => {
            Ok(granted(false, &ReadMessages::handle(ports, &request).await?))
        }
        Destination::ReadEvents => {
            Ok(granted(false, &ReadEvents::handle(ports, &request).await?))
        }
    }
}

fn granted(created: bool, reply: &impl Serialize) -> Response<Body> {
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    response(status, "application/json", encode(reply))
}

/// What others may see of a conversation changes at any time, so nothing may be kept.
fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

//! The HTTP API, payload format 2.0: a request is read, routed, granted or refused.

mod problem;
mod reader;
mod router;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{
    ports::{Clock, Connections, Log, Outbound, Participants, Random, Subscriptions},
    request::{Route as _, in_time},
    routes::{
        AddParticipant, CreateConversation, GetConversation, ListConversations, ReadEvents,
        ReadMessages, RemoveParticipant, SendMessage,
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
use self::{problem::Refusal, router::Destination};
use crate::duration::{self, milliseconds_since};

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
    let last_moment = duration::last_moment(reader::deadline(&request), ports.now());
    let answer = in_time(answer(ports, &request), ports.sleep(last_moment)).await;
    let (response, outcome) = match answer {
        Ok(response) => (response, "ok"),
        Err(refusal) => refusal.into_response(reader::request_id(&request)),
    };
    tracing::info!(
        route = reader::route_key(&request),
        outcome,
        request_id = reader::request_id(&request),
        duration_ms = milliseconds_since(began),
        "request"
    );
    Ok(response)
}

/// What is said here of each route is when its reply stands for something new.
async fn answer<P>(ports: &P, request: &Request) -> Result<Response<Body>, Refusal>
where
    P: Log + Participants + Subscriptions + Connections + Outbound + Clock + Random + Sync,
{
    let (destination, parameters) = reader::route(request)?;
    let request = &reader::read(request, destination, parameters, ports.now())?;
    Ok(match destination {
        Destination::CreateConversation => {
            let reply = CreateConversation::handle(ports, request).await?;
            granted(reply.created, &reply)
        }
        Destination::SendMessage => {
            let reply = SendMessage::handle(ports, request).await?;
            granted(!reply.duplicate, &reply)
        }
        Destination::ListConversations => {
            granted(false, &ListConversations::handle(ports, request).await?)
        }
        Destination::GetConversation => {
            granted(false, &GetConversation::handle(ports, request).await?)
        }
        Destination::AddParticipant => {
            granted(false, &AddParticipant::handle(ports, request).await?)
        }
        Destination::RemoveParticipant => {
            granted(false, &RemoveParticipant::handle(ports, request).await?)
        }
        Destination::ReadMessages => granted(false, &ReadMessages::handle(ports, request).await?),
        Destination::ReadEvents => granted(false, &ReadEvents::handle(ports, request).await?),
    })
}

fn granted(created: bool, reply: &impl Serialize) -> Response<Body> {
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
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

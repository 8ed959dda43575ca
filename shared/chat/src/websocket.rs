//! WebSocket frames: finds the route of a frame, and encodes its reply.

use std::{error::Error, future::Future};

use serde::Serialize;

use crate::{
    domain::{Connection, Identity, Timestamp},
    error::{Rejection, RequestError},
    frame::Frame,
    request::{Request, Route, in_time},
    wire::{Problem, encode},
};

/// A message from a connection.
#[derive(Clone, Debug)]
pub struct Inbound<'a> {
    /// The user of the connection.
    pub identity: Identity,
    /// The connection.
    pub connection: Connection,
    /// The text of the message.
    pub text: &'a str,
    /// When the client stops waiting for the reply.
    pub deadline: Timestamp,
    /// The request's id in the log of the function.
    pub request_id: &'a str,
}

/// The reply to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The reply or error frame.
    pub frame: String,
    /// `ok` or the error code, for the log of the function.
    pub outcome: &'static str,
}

/// The routes that one function serves: `()`, `(A,)` or `(A, B, C)`.
pub trait Routes<P> {
    /// Handles the request if one of the routes has its action, and returns the encoded reply.
    fn dispatch(
        ports: &P,
        frame: &Frame,
        request: &Request,
    ) -> impl Future<Output = Option<Result<String, RequestError>>> + Send;
}

/// Implements [`Routes`] for a tuple of routes.
macro_rules! impl_routes {
    ($($route:ident)*) => {
        impl<P: Sync, $($route: Route<P>),*> Routes<P> for ($($route,)*) {
            #[allow(unused_variables, reason = "the empty tuple calls no route")]
            async fn dispatch(
                ports: &P,
                frame: &Frame,
                request: &Request,
            ) -> Option<Result<String, RequestError>> {
                match frame.action.as_str() {
                    $(action if action == $route::NAME => {
                        Some(reply::<P, $route>(ports, frame, request).await)
                    })*
                    _ => None,
                }
            }
        }
    };
}

impl_routes!();
impl_routes!(A);
impl_routes!(A B);
impl_routes!(A B C);
impl_routes!(A B C D);
impl_routes!(A B C D E);
impl_routes!(A B C D E F);

async fn reply<P: Sync, A: Route<P>>(
    ports: &P,
    frame: &Frame,
    request: &Request,
) -> Result<String, RequestError> {
    let reply = A::handle(ports, request).await?;
    Ok(encode(&Reply {
        reference: frame.reference.as_deref(),
        reply: &reply,
    }))
}

/// Answers a message with one of the routes `R`. Gives up when `last_moment` ends.
pub async fn answer<R: Routes<P>, P: Sync>(
    ports: &P,
    inbound: Inbound<'_>,
    last_moment: impl Future<Output = ()> + Send,
) -> Answer {
    let request_id = inbound.request_id;
    let (frame, fields) = match Frame::parse(inbound.text) {
        Ok(parsed) => parsed,
        Err((reference, rejection)) => return rejected(reference.as_deref(), &rejection),
    };
    let request = Request {
        identity: inbound.identity,
        connection: Some(inbound.connection),
        fields,
        deadline: inbound.deadline,
    };
    let work = async {
        match R::dispatch(ports, &frame, &request).await {
            Some(result) => result,
            None => Err(crate::routes::default::handle().into()),
        }
    };
    let result = in_time(work, last_moment).await;
    let reference = frame.reference.as_deref();
    match result {
        Ok(frame) => Answer {
            frame,
            outcome: "ok",
        },
        Err(RequestError::Rejected(rejection)) => rejected(reference, &rejection),
        Err(RequestError::Internal(error)) => {
            tracing::error!(
                request_id,
                error = &error as &(dyn Error + 'static),
                "request failed"
            );
            problem(reference, Problem::internal(request_id))
        }
    }
}

fn rejected(reference: Option<&str>, rejection: &Rejection) -> Answer {
    problem(reference, Problem::rejected(rejection))
}

fn problem(reference: Option<&str>, problem: Problem) -> Answer {
    let outcome = problem.code;
    Answer {
        frame: encode(&Reply {
            reference,
            reply: &ErrorFrame { problem },
        }),
        outcome,
    }
}

#[derive(Serialize)]
struct Reply<'a, R> {
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(flatten)]
    reply: &'a R,
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "error")]
struct ErrorFrame {
    #[serde(flatten)]
    problem: Problem,
}

//! WebSocket frames: finds the route of a frame, and encodes its reply.

use std::{error::Error, future::Future};

use serde::Serialize;

use crate::{
    domain::{Connection, Identity, Timestamp},
    error::{Rejection, RequestError},
    fields::Fields,
    frame::Frame,
    rate_limit::{ORDINARY_COST, RateLimits},
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
    /// How many requests each user may make.
    pub limits: &'a RateLimits,
    /// When the message arrived.
    pub received_at: Timestamp,
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
    /// Returns what a request for `action` with these fields costs, in tokens.
    fn cost(action: &str, fields: &Fields) -> u32;

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
            #[allow(unused_variables, reason = "the empty tuple has no route")]
            fn cost(action: &str, fields: &Fields) -> u32 {
                match action {
                    $(action if action == $route::NAME => $route::cost(fields),)*
                    _ => ORDINARY_COST,
                }
            }

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
///
/// Every message spends from its user's allowance, even if it cannot be read. A message beyond the
/// allowance costs no call.
pub async fn answer<R: Routes<P>, P: Sync>(
    ports: &P,
    inbound: Inbound<'_>,
    last_moment: impl Future<Output = ()> + Send,
) -> Answer {
    let request_id = inbound.request_id;
    let parsed = Frame::parse(inbound.text);
    let (reference, cost) = match &parsed {
        Ok((frame, fields)) => (&frame.reference, R::cost(&frame.action, fields)),
        Err((reference, _)) => (reference, ORDINARY_COST),
    };
    let user = &inbound.identity.user;
    if let Err(rejection) = inbound.limits.spend(user, cost, inbound.received_at) {
        return rejected(reference.as_deref(), &rejection);
    }
    let (frame, fields) = match parsed {
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

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use serde_json::{Value, json};

    use super::*;
    use crate::fakes::FakeChat;

    /// Returns a chat in which a user has a burst of two messages, and then one a second.
    fn limited() -> FakeChat {
        let number = |number| NonZeroU32::new(number).unwrap();
        let mut chat = FakeChat::new();
        chat.limits = RateLimits::new(number(1), number(2));
        chat
    }

    #[test]
    fn frames_beyond_the_allowance_are_rejected_with_the_time_to_wait() {
        for frame in [
            json!({"action": "ping", "ref": "r"}),
            json!({"action": "subscribe", "ref": "r", "conversation": "c"}),
            json!({"action": "unsubscribe", "ref": "r", "conversation": "c"}),
            json!({"action": "sendMessage", "ref": "r", "conversation": "c", "id": "m", "body": "Hi"}),
            json!({"action": "sendMessage", "ref": "r"}),
            json!({"action": "dance", "ref": "r"}),
            json!({"ref": "r"}),
        ] {
            let chat = limited();
            chat.conversation("c", &["ada"]);
            for _ in 0..2 {
                assert_ne!(chat.frame("ada-1", frame.clone())["code"], "rate_limited");
            }
            let reply = chat.frame("ada-1", frame.clone());
            let expected = json!({
                "event": "error",
                "ref": "r",
                "code": "rate_limited",
                "message": "you send requests faster than this service allows; wait, then send again",
                "retry": "later",
                "retryAfterMs": 1_000,
            });
            assert_eq!(reply, expected, "{frame}");
            let other = chat.frame("grace-1", frame.clone());
            assert_ne!(other["code"], "rate_limited", "{frame}");
            chat.runtime.advance(Duration::from_secs(1));
            assert_ne!(chat.frame("ada-1", frame)["code"], "rate_limited");
        }
    }

    #[test]
    fn a_rejected_message_is_not_stored_and_can_be_sent_again() {
        let chat = limited();
        let conversation = chat.conversation("c", &["ada"]);
        let send = |id: &str| {
            let frame = json!({"action": "sendMessage", "conversation": "c", "id": id, "body": id});
            chat.frame("ada-1", frame)
        };
        for id in ["m-1", "m-2"] {
            assert_eq!(send(id)["event"], "sent");
        }
        for _ in 0..100 {
            assert_eq!(send("m-3")["code"], "rate_limited");
        }
        assert_eq!((chat.puts(), chat.head(&conversation)), (2, 2));
        chat.runtime.advance(Duration::from_secs(1));
        let sent = send("m-3");
        assert_eq!(
            (&sent["seq"], &sent["duplicate"]),
            (&json!(3), &Value::Bool(false))
        );
    }
}

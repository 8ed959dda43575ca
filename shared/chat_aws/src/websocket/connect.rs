//! `$connect`: the handshake goes on if the status is 200, and ends with any other.

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{
    failure::{Failure, Rejection},
    ports::{Clock, Connections},
    routes::connect,
};
use lambda_http::{
    Error,
    http::header::SEC_WEBSOCKET_PROTOCOL,
    lambda_runtime::{self, LambdaEvent, service_fn, tracing::init_default_subscriber},
};

use super::{Answer, Event, log, request_id, sender};
use crate::rest;

/// The protocol that is spoken on every connection.
const PROTOCOL: &str = "confab.v1";

/// Serves `$connect` by the ports that `open` opens, until the process is ended.
///
/// # Errors
/// Those of `open`, and of the Lambda runtime.
pub async fn run<P>(open: impl Future<Output = Result<P, Error>>) -> Result<(), Error>
where
    P: Connections + Clock,
{
    init_default_subscriber();
    let ports = open.await?;
    lambda_runtime::run(service_fn(|event| handle(&ports, event))).await
}

async fn handle<P: Connections + Clock>(
    ports: &P,
    event: LambdaEvent<Event>,
) -> Result<Answer, Infallible> {
    let began = Instant::now();
    let event = &event.payload;
    let (answer, outcome) = match admit(ports, event).await {
        Ok(()) => (accepted(event), "ok"),
        Err(Failure::Rejected(rejection)) => (
            Answer::status(rest::status_of(&rejection).as_u16()),
            rejection.code(),
        ),
        Err(Failure::Fault(fault)) => {
            tracing::error!(request_id = request_id(event), %fault, "a request failed");
            (Answer::status(500), "internal")
        }
    };
    log(event, outcome, began);
    Ok(answer)
}

async fn admit<P: Connections + Clock>(ports: &P, event: &Event) -> Result<(), Failure> {
    let (identity, connection) = sender(event).map_err(|unidentified| {
        tracing::error!(request_id = request_id(event), %unidentified, "a request was refused");
        Rejection::Unauthenticated
    })?;
    connect::handle(ports, &identity, &connection).await
}

/// A browser that offers protocols closes the connection unless one of them is chosen; the gateway chooses none.
fn accepted(event: &Event) -> Answer {
    let mut answer = Answer::status(200);
    if offers(event, PROTOCOL) {
        answer.headers.insert("Sec-WebSocket-Protocol", PROTOCOL);
    }
    answer
}

/// Both maps of headers are searched: which of them a gateway fills differs.
fn offers(event: &Event, protocol: &str) -> bool {
    [&event.headers, &event.multi_value_headers]
        .into_iter()
        .flat_map(|headers| headers.get_all(SEC_WEBSOCKET_PROTOCOL))
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offered| offered.trim() == protocol)
}

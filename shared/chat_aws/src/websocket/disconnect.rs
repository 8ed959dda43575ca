//! `$disconnect`: the connection is gone whatever is answered, and what is left of it expires; so every answer is 200.

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{
    ports::{Connections, Subscriptions},
    routes::disconnect,
};
use lambda_http::{
    Error,
    lambda_runtime::{self, LambdaEvent, service_fn, tracing::init_default_subscriber},
};

use super::{Answer, Event, log, request_id, sender};

/// Serves `$disconnect` by the ports that `open` opens, until the process is ended.
///
/// # Errors
/// Those of `open`, and of the Lambda runtime.
pub async fn run<P>(open: impl Future<Output = Result<P, Error>>) -> Result<(), Error>
where
    P: Subscriptions + Connections + Sync,
{
    init_default_subscriber();
    let ports = open.await?;
    lambda_runtime::run(service_fn(|event| handle(&ports, event))).await
}

async fn handle<P: Subscriptions + Connections + Sync>(
    ports: &P,
    event: LambdaEvent<Event>,
) -> Result<Answer, Infallible> {
    let began = Instant::now();
    let event = &event.payload;
    let outcome = match sender(event) {
        Ok((identity, connection)) => {
            match disconnect::handle(ports, &identity.user, &connection.id).await {
                Ok(()) => "ok",
                Err(fault) => {
                    tracing::warn!(request_id = request_id(event), %fault, "rows of a connection are left");
                    "internal"
                }
            }
        }
        Err(unidentified) => {
            tracing::error!(request_id = request_id(event), %unidentified, "a request was refused");
            "unauthenticated"
        }
    };
    log(event, outcome, began);
    Ok(Answer::status(200))
}

//! `$disconnect`: the connection is closed whatever the response is, and remaining rows expire. The
//! response therefore always has status 200.

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{
    ports::{Clock, Connections, Subscriptions},
    request::in_time,
    routes::disconnect,
    time_limit,
};
use lambda_http::{
    Error,
    lambda_runtime::{self, LambdaEvent, service_fn},
};

use super::{Event, GatewayResponse, log, request_id, sender};
use crate::{Counted, metrics::Metrics};

/// Serves `$disconnect` until the process ends.
///
/// # Errors
/// Fails if the ports cannot be opened or the Lambda runtime fails.
pub async fn run<P>(open_ports: impl Future<Output = Result<P, Error>>) -> Result<(), Error>
where
    P: Subscriptions + Connections + Clock + Counted + Sync,
{
    function_log::start();
    let ports = open_ports.await?;
    let metrics = Metrics::of(&ports);
    lambda_runtime::run(service_fn(|event| handle(&ports, &metrics, event))).await
}

async fn handle<P: Subscriptions + Connections + Clock + Sync>(
    ports: &P,
    metrics: &Metrics,
    event: LambdaEvent<Event>,
) -> Result<GatewayResponse, Infallible> {
    let began = Instant::now();
    let last_moment = ports.sleep(time_limit::last_moment(event.context.deadline, ports.now()));
    let event = &event.payload;
    let outcome = match sender(event) {
        Ok((identity, connection)) => {
            let deletion = disconnect::handle(ports, &identity.user, &connection.id);
            match in_time(deletion, last_moment).await {
                Ok(()) => "ok",
                Err(error) => {
                    tracing::warn!(request_id = request_id(event), %error, "deleting the rows of a connection failed");
                    "internal"
                }
            }
        }
        Err(error) => {
            tracing::error!(request_id = request_id(event), %error, "request refused");
            "unauthenticated"
        }
    };
    log(event, outcome, began);
    metrics.print(outcome);
    Ok(GatewayResponse::status(200))
}

#[cfg(test)]
mod tests {
    use chat::fakes::FakeChat;
    use lambda_http::lambda_runtime::Context;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_rows_of_the_connection_are_deleted_and_the_status_is_always_200() {
        let sample = include_str!("../../../../events/disconnect.json");
        let mut unknown: Value = serde_json::from_str(sample).unwrap();
        unknown["requestContext"]
            .as_object_mut()
            .unwrap()
            .remove("authorizer")
            .unwrap();
        let known: Event = serde_json::from_str(sample).unwrap();

        let chat = FakeChat::new();
        let (identity, connection) = sender(&known).unwrap();
        chat.run(chat.add_connection(&identity.user, &connection))
            .unwrap();
        let unknown: Event = serde_json::from_value(unknown).unwrap();
        for (event, left) in [(unknown, 1), (known.clone(), 0), (known, 0)] {
            let event = LambdaEvent::new(event, Context::default());
            let Ok(response) = chat.run(handle(&chat, &Metrics::disabled(), event));
            assert_eq!(response, GatewayResponse::status(200));
            assert_eq!(chat.connection_rows(), left);
        }
    }
}

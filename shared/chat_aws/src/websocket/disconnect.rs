//! `$disconnect`: the connection is gone whatever is answered, and what is left of it expires; so every answer is 200.

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{
    ports::{Clock, Connections, Subscriptions},
    request::in_time,
    routes::disconnect,
};
use lambda_http::{
    Error,
    lambda_runtime::{self, LambdaEvent, service_fn, tracing::init_default_subscriber},
};

use super::{Answer, Event, log, request_id, sender};
use crate::duration;

/// Serves `$disconnect` by the ports that `open` opens, until the process is ended.
///
/// # Errors
/// Those of `open`, and of the Lambda runtime.
pub async fn run<P>(open: impl Future<Output = Result<P, Error>>) -> Result<(), Error>
where
    P: Subscriptions + Connections + Clock + Sync,
{
    init_default_subscriber();
    let ports = open.await?;
    lambda_runtime::run(service_fn(|event| handle(&ports, event))).await
}

async fn handle<P: Subscriptions + Connections + Clock + Sync>(
    ports: &P,
    event: LambdaEvent<Event>,
) -> Result<Answer, Infallible> {
    let began = Instant::now();
    let last_moment = ports.sleep(duration::last_moment(event.context.deadline, ports.now()));
    let event = &event.payload;
    let outcome = match sender(event) {
        Ok((identity, connection)) => {
            let deletion = disconnect::handle(ports, &identity.user, &connection.id);
            match in_time(deletion, last_moment).await {
                Ok(()) => "ok",
                Err(error) => {
                    tracing::warn!(request_id = request_id(event), %error, "rows of a connection are left");
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

#[cfg(test)]
mod tests {
    use chat::fakes::FakeChat;
    use lambda_http::lambda_runtime::Context;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_rows_of_the_connection_go_and_the_answer_is_200_whatever_came() {
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
            let Ok(answer) = chat.run(handle(&chat, event));
            assert_eq!(answer, Answer::status(200));
            assert_eq!(chat.connection_rows(), left);
        }
    }
}

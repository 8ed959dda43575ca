//! `$connect`: the handshake goes on if the status is 200, and ends with any other.

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{
    error::{Rejection, RequestError},
    ports::{Clock, Connections},
    request::in_time,
    routes::connect,
};
use lambda_http::{
    Error,
    http::header::SEC_WEBSOCKET_PROTOCOL,
    lambda_runtime::{self, LambdaEvent, service_fn, tracing::init_default_subscriber},
};

use super::{Answer, Event, log, request_id, sender};
use crate::{duration, rest};

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
    let last_moment = duration::last_moment(event.context.deadline, ports.now());
    let event = &event.payload;
    let admitted = in_time(admit(ports, event), ports.sleep(last_moment)).await;
    let (answer, outcome) = match admitted {
        Ok(()) => (accepted(event), "ok"),
        Err(RequestError::Rejected(rejection)) => (
            Answer::status(rest::status_of(&rejection).as_u16()),
            rejection.code(),
        ),
        Err(RequestError::Internal(error)) => {
            tracing::error!(request_id = request_id(event), %error, "a request failed");
            (Answer::status(500), "internal")
        }
    };
    log(event, outcome, began);
    Ok(answer)
}

async fn admit<P: Connections + Clock>(ports: &P, event: &Event) -> Result<(), RequestError> {
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

#[cfg(test)]
mod tests {
    use chat::{
        domain::{Timestamp, UserId},
        fakes::FakeChat,
    };
    use lambda_http::lambda_runtime::Context;
    use serde_json::{Value, json};

    use super::*;

    fn sample() -> Value {
        serde_json::from_str(include_str!("../../../../events/connect.json")).unwrap()
    }

    fn ask(chat: &FakeChat, event: Value) -> Value {
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
        let Ok(answer) = chat.run(handle(chat, event));
        serde_json::to_value(answer).unwrap()
    }

    #[test]
    fn a_connection_is_stored_and_its_protocol_chosen() {
        let chat = FakeChat::new();
        let expected =
            json!({"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "confab.v1"}});
        assert_eq!(ask(&chat, sample()), expected);
        let ada = UserId::new("ada").unwrap();
        let [connection] = &chat.run(chat.connections_of(&ada)).unwrap()[..] else {
            panic!("one connection")
        };
        assert_eq!(connection.id.as_str(), "BFHPhfCWIAMCKlQ=");
        assert_eq!(
            connection.connected_at,
            Timestamp::from_millis(1_767_225_600_553)
        );
    }

    #[test]
    fn only_a_protocol_that_was_offered_is_chosen() {
        for (headers, chosen) in [
            (
                json!({"headers": {"sec-websocket-protocol": "a,confab.v1 ,b"}}),
                true,
            ),
            (
                json!({"multiValueHeaders": {"SEC-WEBSOCKET-PROTOCOL": ["a", "confab.v1"]}}),
                true,
            ),
            (
                json!({"headers": {"Sec-WebSocket-Protocol": "confab.v10, bearer.confab.v1"}}),
                false,
            ),
            (json!({"headers": null}), false),
            (json!({}), false),
        ] {
            let mut event = json!({"requestContext": sample()["requestContext"]});
            event
                .as_object_mut()
                .unwrap()
                .extend(headers.as_object().unwrap().clone());
            let answer = ask(&FakeChat::new(), event);
            assert_eq!(answer["statusCode"], json!(200), "{headers}");
            assert_eq!(answer["headers"] != json!({}), chosen, "{headers}");
        }
    }

    #[test]
    fn who_is_unknown_or_too_late_does_not_get_in() {
        let mut unknown = sample();
        unknown["requestContext"]
            .as_object_mut()
            .unwrap()
            .remove("authorizer")
            .unwrap();
        let mut late = sample();
        late["requestContext"]["authorizer"]["expires"] = json!("1767225600");
        for event in [unknown, late] {
            let chat = FakeChat::new();
            assert_eq!(ask(&chat, event)["statusCode"], json!(401));
            assert_eq!(chat.connection_rows(), 0);
        }
    }
}

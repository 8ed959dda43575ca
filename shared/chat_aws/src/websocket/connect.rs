//! `$connect`: the handshake succeeds if the response has status 200, and fails otherwise.

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{
    error::{Rejection, RequestError},
    ports::{Clock, Connections},
    rate_limit::{ORDINARY_COST, RateLimits},
    request::in_time,
    routes::connect,
    time_limit,
};
use lambda_http::{
    Error,
    http::header::SEC_WEBSOCKET_PROTOCOL,
    lambda_runtime::{self, LambdaEvent, service_fn},
};

use super::{Event, GatewayResponse, log, request_id, sender};
use crate::{Counted, configuration, metrics::Metrics, rest};

/// The subprotocol of all connections.
const PROTOCOL: &str = "confab.v1";

/// The limits of one user.
#[derive(Debug)]
struct Limits {
    /// How many handshakes they may make.
    handshakes: RateLimits,
    /// How many open connections they may have.
    connections: usize,
}

/// Serves `$connect` until the process ends.
///
/// # Errors
/// Fails if the environment lacks a limit, the ports cannot be opened or the Lambda runtime fails.
pub async fn run<P>(open_ports: impl Future<Output = Result<P, Error>>) -> Result<(), Error>
where
    P: Connections + Clock + Counted,
{
    function_log::start();
    let limits = Limits {
        handshakes: configuration::request_limits()?,
        connections: configuration::connection_limit()?,
    };
    let ports = open_ports.await?;
    let metrics = Metrics::of(&ports);
    lambda_runtime::run(service_fn(|event| handle(&ports, &limits, &metrics, event))).await
}

async fn handle<P: Connections + Clock>(
    ports: &P,
    limits: &Limits,
    metrics: &Metrics,
    event: LambdaEvent<Event>,
) -> Result<GatewayResponse, Infallible> {
    let began = Instant::now();
    let last_moment = time_limit::last_moment(event.context.deadline, ports.now());
    let event = &event.payload;
    let admitted = in_time(admit(ports, limits, event), ports.sleep(last_moment)).await;
    let (response, outcome) = match admitted {
        Ok(()) => (accepted(event), "ok"),
        Err(RequestError::Rejected(rejection)) => (
            GatewayResponse::status(rest::status_of(&rejection).as_u16()),
            rejection.code(),
        ),
        Err(RequestError::Internal(error)) => {
            tracing::error!(request_id = request_id(event), %error, "request failed");
            (GatewayResponse::status(500), "internal")
        }
    };
    log(event, outcome, began);
    metrics.print(outcome);
    Ok(response)
}

async fn admit<P: Connections + Clock>(
    ports: &P,
    limits: &Limits,
    event: &Event,
) -> Result<(), RequestError> {
    let (identity, connection) = sender(event).map_err(|error| {
        tracing::error!(request_id = request_id(event), %error, "request refused");
        Rejection::Unauthenticated
    })?;
    limits
        .handshakes
        .spend(&identity.user, ORDINARY_COST, ports.now())?;
    connect::handle(ports, &identity, &connection, limits.connections).await
}

/// Accepts the connection and selects the subprotocol. A browser that offers subprotocols closes
/// the connection unless the server selects one; the gateway does not select one itself.
fn accepted(event: &Event) -> GatewayResponse {
    let mut response = GatewayResponse::status(200);
    if offers(event, PROTOCOL) {
        response.headers.insert("Sec-WebSocket-Protocol", PROTOCOL);
    }
    response
}

/// Returns whether the client offers a subprotocol. Gateways differ in which header map they fill.
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
    use std::num::NonZeroU32;

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

    fn unlimited() -> Limits {
        Limits {
            handshakes: RateLimits::unlimited(),
            connections: usize::MAX,
        }
    }

    fn ask(chat: &FakeChat, event: Value) -> Value {
        ask_within(&unlimited(), chat, event)
    }

    fn ask_within(limits: &Limits, chat: &FakeChat, event: Value) -> Value {
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
        let Ok(response) = chat.run(handle(chat, limits, &Metrics::disabled(), event));
        serde_json::to_value(response).unwrap()
    }

    #[test]
    fn a_connection_is_stored_and_its_subprotocol_selected() {
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
    fn the_subprotocol_is_selected_only_if_the_client_offers_it() {
        for (headers, selected) in [
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
            let response = ask(&FakeChat::new(), event);
            assert_eq!(response["statusCode"], json!(200), "{headers}");
            assert_eq!(response["headers"] != json!({}), selected, "{headers}");
        }
    }

    #[test]
    fn a_connection_without_an_identity_or_with_an_expired_token_is_refused() {
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

    /// Returns the sample with another connection, which opens now.
    fn another(chat: &FakeChat, number: usize) -> Value {
        let mut event = sample();
        event["requestContext"]["connectedAt"] = json!(chat.now().millis());
        event["requestContext"]["connectionId"] = json!(format!("another-{number}"));
        event
    }

    #[test]
    fn handshakes_beyond_a_users_rate_are_refused_without_a_call() {
        let one = NonZeroU32::MIN;
        let limits = Limits {
            handshakes: RateLimits::new(one, one),
            ..unlimited()
        };
        let chat = FakeChat::new();
        for (number, status) in [200, 429, 429].into_iter().enumerate() {
            let response = ask_within(&limits, &chat, another(&chat, number));
            assert_eq!(response["statusCode"], json!(status), "{number}");
        }
        assert_eq!(chat.connection_rows(), 1);
    }

    #[test]
    fn a_connection_beyond_the_limit_of_its_user_is_refused() {
        let limits = Limits {
            connections: 2,
            ..unlimited()
        };
        let chat = FakeChat::new();
        for (number, status) in [200, 200, 429].into_iter().enumerate() {
            let response = ask_within(&limits, &chat, another(&chat, number));
            assert_eq!(response["statusCode"], json!(status), "{number}");
        }
        assert_eq!(chat.connection_rows(), 2);
    }
}

//! Messages: reads a frame and responds with a frame.

use std::{future::Future, time::Instant};

use chat::{
    ports::Clock as _,
    rate_limit::RateLimits,
    time_limit,
    websocket::{Inbound, Routes, answer},
};
use lambda_http::{
    Error,
    lambda_runtime::{self, LambdaEvent, service_fn},
};

use super::{Event, GatewayResponse, log, request_id, sender};
use crate::{Counted, SystemClock, configuration, metrics::Metrics};

/// Serves the routes `R` until the process ends.
///
/// # Errors
/// Fails if the environment lacks a limit, the ports cannot be opened or the Lambda runtime fails.
pub async fn run<R, P>(open_ports: impl Future<Output = Result<P, Error>>) -> Result<(), Error>
where
    R: Routes<P>,
    P: Counted + Sync,
{
    function_log::start();
    let limits = configuration::request_limits()?;
    let ports = open_ports.await?;
    let metrics = Metrics::of(&ports);
    // Boxed, because the nested futures of three routes exceed the compiler's recursion limit.
    lambda_runtime::run(service_fn(|event| {
        Box::pin(handle::<R, P>(&ports, &limits, &metrics, event))
    }))
    .await
}

/// Handles one message. An event without an identity fails the invocation, so the client gets the
/// gateway's error without details.
async fn handle<R, P>(
    ports: &P,
    limits: &RateLimits,
    metrics: &Metrics,
    event: LambdaEvent<Event>,
) -> Result<GatewayResponse, Error>
where
    R: Routes<P>,
    P: Sync,
{
    let began = Instant::now();
    let LambdaEvent {
        payload: event,
        context,
    } = event;
    let (identity, connection) = sender(&event)?;
    let user = identity.user.clone();
    let now = SystemClock.now();
    let inbound = Inbound {
        identity,
        connection,
        text: event.body.as_deref().unwrap_or_default(),
        limits,
        received_at: now,
        deadline: time_limit::deadline(context.deadline, now),
        request_id: request_id(&event),
    };
    let last_moment = tokio::time::sleep(time_limit::last_moment(context.deadline, now));
    // Boxed for the same reason as in `run`.
    let answer = Box::pin(answer::<R, P>(ports, inbound, last_moment)).await;
    limits.charge(&user, metrics.further_cost(), now);
    log(&event, answer.outcome, began);
    metrics.print(answer.outcome);
    Ok(GatewayResponse::frame(answer.frame))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chat::{
        error::RequestError,
        request::{Request, Route},
    };
    use lambda_http::lambda_runtime::Context;
    use serde_json::{Value, json};

    use super::*;
    use crate::Counters;

    async fn response_to(sample: &str) -> Result<Value, Error> {
        let event = LambdaEvent::new(serde_json::from_str(sample).unwrap(), Context::default());
        let limits = RateLimits::unlimited();
        let answer = handle::<(), ()>(&(), &limits, &Metrics::disabled(), event).await?;
        Ok(serde_json::to_value(answer).unwrap())
    }

    #[tokio::test]
    async fn an_error_frame_has_status_200() {
        let answer = response_to(include_str!("../../../../events/default.json"))
            .await
            .unwrap();
        assert_eq!(answer["statusCode"], json!(200));
        assert!(answer["headers"].is_object());
        let frame: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(frame["event"], json!("error"));
        assert_eq!(frame["code"], json!("unknown_action"));
    }

    /// A route that never replies.
    struct Hangs;

    impl Route<()> for Hangs {
        const NAME: &'static str = "hang";
        type Reply = ();

        async fn handle((): &(), _: &Request) -> Result<(), RequestError> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_route_is_cancelled_and_reported_before_the_time_limit() {
        let sample = include_str!("../../../../events/default.json");
        let mut event: Value = serde_json::from_str(sample).unwrap();
        event["body"] = json!(r#"{"action": "hang", "ref": "1"}"#);
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
        let limits = RateLimits::unlimited();
        let answer = handle::<(Hangs,), ()>(&(), &limits, &Metrics::disabled(), event)
            .await
            .unwrap();
        let frame: Value = serde_json::from_str(answer.body.as_deref().unwrap()).unwrap();
        assert_eq!(
            (&frame["code"], &frame["ref"]),
            (&json!("internal"), &json!("1"))
        );
        assert_eq!(frame["retry"], json!("later"));
    }

    /// A route that reads a megabyte of entries.
    struct Reads;

    impl Route<Counters> for Reads {
        const NAME: &'static str = "read";
        type Reply = ();

        async fn handle(counters: &Counters, _: &Request) -> Result<(), RequestError> {
            counters.read(1024 * 1024);
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_a_request_reads_is_charged_to_its_user() {
        let sample = include_str!("../../../../events/default.json");
        let number = |number| NonZeroU32::new(number).unwrap();
        let limits = RateLimits::new(number(1), number(10));
        let counters = Counters::default();
        let metrics = Metrics::unprinted(counters.clone());
        let code = async |text: &str| {
            let mut event: Value = serde_json::from_str(sample).unwrap();
            event["body"] = json!(text);
            let event = serde_json::from_value(event).unwrap();
            let event = LambdaEvent::new(event, Context::default());
            let answer = handle::<(Reads,), Counters>(&counters, &limits, &metrics, event).await;
            let frame: Value = serde_json::from_str(&answer.unwrap().body.unwrap()).unwrap();
            frame["code"].clone()
        };
        assert_eq!(code(r#"{"action": "dance"}"#).await, "unknown_action");
        assert_eq!(code(r#"{"action": "read"}"#).await, Value::Null);
        // The request had a token, but not the 16 that it costs.
        assert_eq!(code(r#"{"action": "dance"}"#).await, "rate_limited");
    }

    #[tokio::test]
    async fn a_message_without_an_identity_gets_no_reply() {
        let mut event: Value =
            serde_json::from_str(include_str!("../../../../events/default.json")).unwrap();
        event["requestContext"]
            .as_object_mut()
            .unwrap()
            .remove("authorizer")
            .unwrap();
        assert!(response_to(&event.to_string()).await.is_err());
    }
}

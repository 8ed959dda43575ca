//! Export and erasure of a user: events of operators, who invoke the function by its name. No API
//! has a route to it.
//!
//! ```json
//! {"action": "erase", "user": "ada", "next": null}
//! {"done": false, "next": "Y29udmVyc2F0…", "erased": {"conversations": 2, "messages": 140,
//!  "names": 142, "rows": 3}}
//! ```

use std::{
    future::Future,
    time::{Duration, Instant},
};

use chat::{
    domain::{Timestamp, UserId},
    ports::{Clock, Connections, Log, Participants, Place, Random, Subscriptions, Traces},
    time_limit,
    user_data::{ERASER, Erased, erase, export},
};
use lambda_http::{
    Error,
    lambda_runtime::{self, LambdaEvent, service_fn},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Counted, elapsed::milliseconds_since, metrics::Metrics};

/// The time that is left for what has begun when a step should end: a page of the table, and a
/// transaction with its attempts.
const MARGIN: Duration = Duration::from_secs(10);

/// What the operator wants.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    action: Action,
    user: String,
    /// The `next` of the step before; missing in the first one.
    #[serde(default)]
    next: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Export,
    Erase,
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Erase => "erase",
        }
    }
}

/// The result of a step.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Step {
    /// Whether the whole table was read.
    done: bool,
    /// The place from which the next step goes on.
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<Erased>,
}

/// Serves exports and erasures until the process ends.
///
/// # Errors
/// Fails if the ports cannot be opened or the Lambda runtime fails.
pub async fn run<P>(open_ports: impl Future<Output = Result<P, Error>>) -> Result<(), Error>
where
    P: Traces + Log + Participants + Subscriptions + Connections + Clock + Random + Counted + Sync,
{
    function_log::start();
    let ports = open_ports.await?;
    let metrics = Metrics::of(&ports);
    lambda_runtime::run(service_fn(|event| handle(&ports, &metrics, event))).await
}

async fn handle<P>(ports: &P, metrics: &Metrics, event: LambdaEvent<Order>) -> Result<Step, Error>
where
    P: Traces + Log + Participants + Subscriptions + Connections + Clock + Random + Sync,
{
    let began = Instant::now();
    let action = event.payload.action;
    let step = step(ports, event.payload, event.context.deadline).await;
    let outcome = if step.is_ok() { "ok" } else { "internal" };
    // Without the user, whom the log must not keep.
    tracing::info!(
        action = action.word(),
        outcome,
        request_id = event.context.request_id.as_str(),
        duration_ms = milliseconds_since(began),
        "user data"
    );
    metrics.print(outcome);
    step
}

async fn step<P>(ports: &P, order: Order, end: u64) -> Result<Step, Error>
where
    P: Traces + Log + Participants + Subscriptions + Connections + Clock + Random + Sync,
{
    let user = UserId::from_stored(&order.user)
        .map_err(|error| format!("the member `user` of the event {error}"))?;
    let place = order.next.map(Place::new);
    let until = until(end, ports.now());
    match order.action {
        Action::Export => {
            let export = export(ports, &user, place, until).await?;
            Ok(Step {
                done: export.done,
                next: name(export.next),
                records: Some(export.records),
                erased: None,
            })
        }
        Action::Erase if user.as_str() == ERASER => {
            Err(format!("{ERASER} is the id with which erasures delete messages").into())
        }
        Action::Erase => {
            let erased = erase(ports, &user, place, until).await?;
            Ok(Step {
                done: erased.done,
                next: name(erased.next.clone()),
                records: None,
                erased: Some(erased),
            })
        }
    }
}

fn name(place: Option<Place>) -> Option<String> {
    place.map(|place| place.as_str().to_owned())
}

/// Returns when a step should end. `end` is when Lambda ends the function.
fn until(end: u64, now: Timestamp) -> Timestamp {
    let left = time_limit::deadline(end, now).since(now);
    now.plus(left.saturating_sub(MARGIN).max(left / 2))
}

#[cfg(test)]
mod tests {
    use chat::{fakes::FakeChat, routes::SendMessage};
    use lambda_http::lambda_runtime::Context;
    use serde_json::json;

    use super::*;

    fn order(value: Value) -> LambdaEvent<Order> {
        let order = serde_json::from_value(value).unwrap();
        LambdaEvent::new(order, Context::default())
    }

    #[test]
    fn the_sample_events_export_and_erase_a_user() {
        let chat = FakeChat::new();
        chat.conversation("welcome", &["ada", "alan"]);
        let hello = json!({"conversation": "welcome", "id": "m-1", "body": "hello"});
        chat.ask::<SendMessage>("alan", hello).unwrap();
        let send = |sample: &str| {
            let event = order(serde_json::from_str(sample).unwrap());
            let step = chat.run(handle(&chat, &Metrics::disabled(), event));
            serde_json::to_value(step.unwrap()).unwrap()
        };
        let export = send(include_str!("../../../events/user_data_export.json"));
        let kinds: Vec<&str> = export["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["record"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["entry", "participation"]);
        assert_eq!(export["records"][0]["entry"]["body"], "hello");
        assert_eq!(
            (&export["done"], &export["next"]),
            (&json!(true), &Value::Null)
        );

        let sample = include_str!("../../../events/user_data_erase.json");
        let erased = json!({"conversations": 1, "messages": 1, "names": 1, "rows": 0});
        assert_eq!(
            send(sample),
            json!({"done": true, "next": null, "erased": erased})
        );
        let nothing = json!({"conversations": 0, "messages": 0, "names": 0, "rows": 0});
        assert_eq!(send(sample)["erased"], nothing);
    }

    #[test]
    fn an_event_that_cannot_be_served_is_refused_without_its_values() {
        let chat = FakeChat::new();
        for (event, reason) in [
            (json!({"action": "erase", "user": ""}), "`user`"),
            (json!({"action": "export", "user": "a\nb"}), "`user`"),
            (json!({"action": "erase", "user": ERASER}), ERASER),
        ] {
            let refused = chat.run(handle(&chat, &Metrics::disabled(), order(event)));
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains(reason), "{refused}");
        }
        for malformed in [
            json!({"action": "erase"}),
            json!({"action": "forget", "user": "ada"}),
            json!({"action": "erase", "user": "ada", "everything": true}),
        ] {
            assert!(serde_json::from_value::<Order>(malformed).is_err());
        }
    }

    #[test]
    fn a_step_ends_ten_seconds_before_its_function_or_after_half_the_time() {
        let now = Timestamp::from_millis(1_780_000_000_000);
        for (left, expected) in [(60_000, 49_700), (10_300, 5_000), (0, 5_000)] {
            let until = until(now.millis() + left, now);
            assert_eq!(until.since(now).as_millis(), expected, "{left}");
        }
    }
}

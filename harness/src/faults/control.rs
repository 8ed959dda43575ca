//! `/.local/faults` controls fault injection while the harness runs, and `/.local/clock` ages
//! connections and fills the buckets of throttles.
//!
//! Every change is a PUT or a DELETE. Pages of other origins cannot send those without a preflight,
//! and the preflight is not granted.

use std::time::Duration;

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Faults, Plan, Progress, Schedule};
use crate::gateway::clock::Clock;

#[derive(Clone)]
struct Controls {
    faults: Faults,
    clock: Clock,
}

/// A plan and its counts.
#[derive(Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    faults: Vec<Progress>,
}

impl Report {
    fn of(schedule: Option<&Schedule>) -> Json<Self> {
        Json(Self {
            seed: schedule.map(Schedule::seed),
            faults: schedule.map_or_else(Vec::new, |schedule| schedule.progress().to_vec()),
        })
    }
}

/// How far the gateway's clock is ahead of the system clock.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ahead {
    ahead_ms: u64,
}

/// Serves the controls, under this machine's own names only:
///
/// - `GET`, `PUT` and `DELETE /.local/faults` return the plan and, for each rule, how many calls it
///   considered and how many faults it injected. PUT starts another plan, DELETE ends it.
/// - `GET` and `PUT /.local/clock` `{"aheadMs"}` read and set the clock by which connections age.
///   It only goes forward.
pub fn router(faults: Faults, clock: Clock) -> Router {
    Router::new()
        .route("/.local/faults", get(report).put(begin).delete(end))
        .route("/.local/clock", get(time).put(forward))
        .with_state(Controls { faults, clock })
}

async fn report(State(Controls { faults, .. }): State<Controls>) -> Json<Report> {
    Report::of(faults.current().as_ref())
}

async fn begin(State(Controls { faults, .. }): State<Controls>, body: Bytes) -> Response {
    match Plan::read(&String::from_utf8_lossy(&body)) {
        Ok(plan) => {
            faults.begin(plan);
            Report::of(faults.current().as_ref()).into_response()
        }
        Err(error) => bad_request(&error.to_string()),
    }
}

async fn end(State(Controls { faults, .. }): State<Controls>) -> Json<Report> {
    Report::of(faults.end().as_ref())
}

async fn time(State(Controls { clock, .. }): State<Controls>) -> Json<Ahead> {
    now(&clock)
}

async fn forward(State(Controls { clock, .. }): State<Controls>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(Ahead { ahead_ms }) => match clock.set_ahead(Duration::from_millis(ahead_ms)) {
            Ok(()) => now(&clock).into_response(),
            Err(error) => bad_request(&error.to_string()),
        },
        Err(error) => bad_request(&format!(r#"expected {{"aheadMs"}}: {error}"#)),
    }
}

fn now(clock: &Clock) -> Json<Ahead> {
    Json(Ahead {
        ahead_ms: u64::try_from(clock.ahead().as_millis()).unwrap_or(u64::MAX),
    })
}

fn bad_request(detail: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "message": detail }))).into_response()
}

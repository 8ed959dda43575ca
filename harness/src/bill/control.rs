//! Makes the bill of a running stack, and serves it at `/.local/bill`.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{Bill, PriceList, Usage};
use crate::{gateway::clock::Clock, trace::Trace};

/// Returns the bytes and the number of the items of all tables.
pub type Stored = Arc<dyn Fn() -> BoxFuture<'static, (u64, u64)> + Send + Sync>;
/// Returns how long all open connections have been open.
pub type Connected = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The requests to SQS of one idle mapping: five pollers, each with waits of 20 seconds.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const POLLS_A_MINUTE: f64 = 15.0;

/// What a bill reads when it is made.
#[derive(Clone)]
pub struct Gauges {
    /// Reads the size of the tables.
    pub stored: Stored,
    /// Reads the time of the open connections.
    pub connected: Connected,
    /// The number of event source mappings of queues, which Lambda polls all the time.
    pub polled_queues: usize,
}

/// What a bill needs. Clones share it.
#[derive(Clone)]
pub struct Billing {
    trace: Trace,
    clock: Clock,
    prices: PriceList,
    began: Instant,
    gauges: Gauges,
}

impl fmt::Debug for Billing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Billing").finish_non_exhaustive()
    }
}

/// The query of a bill.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    region: Option<String>,
}

impl Billing {
    /// Begins to bill what `trace` meters, at `prices`. Storage and connections are billed by
    /// `clock`.
    #[must_use]
    pub fn new(trace: Trace, clock: Clock, prices: PriceList, gauges: Gauges) -> Self {
        Self {
            began: clock.now(),
            trace,
            clock,
            prices,
            gauges,
        }
    }

    /// Returns how often Lambda polls the queues of mappings in a time.
    fn polls(&self, time: Duration) -> u64 {
        let queues = u32::try_from(self.gauges.polled_queues).unwrap_or(u32::MAX);
        whole(f64::from(queues) * POLLS_A_MINUTE * time.as_secs_f64() / 60.0)
    }

    /// Returns the prices.
    #[must_use]
    pub fn prices(&self) -> &PriceList {
        &self.prices
    }

    /// Returns the bill so far. `None` if nothing is metered.
    pub async fn bill(&self, prices: &PriceList) -> Option<Bill> {
        let meter = self.trace.meter()?;
        let (table_bytes, items) = (self.gauges.stored)().await;
        let stored = super::Stored {
            table_bytes,
            items,
            time: self.clock.now().saturating_duration_since(self.began),
        };
        let mut usage = meter.total();
        usage += Usage {
            connection_ms: whole((self.gauges.connected)().as_secs_f64() * 1e3),
            queue_requests: self.polls(stored.time),
            ..Usage::default()
        };
        Some(Bill::new(prices, usage, stored, meter.actions()))
    }
}

/// Rounds down a number that is not negative.
fn whole(number: f64) -> u64 {
    number as u64
}

/// Serves `GET /.local/bill`, with `?region=eu-central-1` for the prices of another region.
pub fn router(billing: Billing) -> Router {
    Router::new()
        .route("/.local/bill", get(show))
        .with_state(billing)
}

async fn show(State(billing): State<Billing>, Query(asked): Query<Asked>) -> Response {
    let prices = match asked.region {
        None => Ok(billing.prices.clone()),
        Some(region) => region.parse::<PriceList>(),
    };
    let prices = match prices {
        Ok(prices) => prices,
        Err(unknown) => {
            let body = json!({ "message": unknown.to_string() });
            return (StatusCode::BAD_REQUEST, Json(body)).into_response();
        }
    };
    match billing.bill(&prices).await {
        Some(bill) => Json(bill).into_response(),
        None => {
            let body =
                json!({ "message": "Nothing is metered: the harness runs with --no-trace." });
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
    }
}

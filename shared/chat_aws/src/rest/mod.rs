//! The HTTP API, payload format 2.0: reads requests, finds their routes, and writes responses.

mod error;
mod event;
mod reader;
mod router;
mod routes;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{
    rate_limit::{ORDINARY_COST, RateLimits},
    request::in_time,
    time_limit,
};
use lambda_http::{
    Adapter, Body, Error, Request, Response,
    http::{HeaderValue, StatusCode, header},
    lambda_runtime, service_fn,
    tower::ServiceExt as _,
};

pub(crate) use self::error::status_of;
pub use self::routes::AllPorts;
use self::{error::HttpError, event::with_valid_url, router::Router};
use crate::{Counted, configuration, elapsed::milliseconds_since, metrics::Metrics};

/// Serves all routes of the HTTP API until the process ends.
///
/// # Errors
/// Fails if the environment lacks a limit, the ports cannot be opened or the Lambda runtime fails.
pub async fn run<P: AllPorts + Counted>(
    open_ports: impl Future<Output = Result<P, Error>>,
) -> Result<(), Error> {
    function_log::start();
    let router = Router::new(routes::routes())?;
    let limits = configuration::request_limits()?;
    let ports = open_ports.await?;
    let metrics = Metrics::of(&ports);
    let service = Adapter::from(service_fn(|request| {
        handle(&router, &limits, &metrics, &ports, request)
    }));
    lambda_runtime::run(service.map_request(with_valid_url)).await
}

async fn handle<P: AllPorts>(
    router: &Router<P>,
    limits: &RateLimits,
    metrics: &Metrics,
    ports: &P,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let began = Instant::now();
    let last_moment = time_limit::last_moment(reader::deadline(&request), ports.now());
    let result = in_time(
        respond(router, (limits, metrics), ports, &request),
        ports.sleep(last_moment),
    )
    .await;
    let (response, outcome) = match result {
        Ok(response) => (response, "ok"),
        Err(error) => error.into_response(reader::request_id(&request)),
    };
    tracing::info!(
        route = reader::route_key(&request),
        outcome,
        request_id = reader::request_id(&request),
        duration_ms = milliseconds_since(began),
        "request"
    );
    metrics.print(outcome);
    Ok(response)
}

/// Answers an event of the gateway, as JSON, on the given ports.
///
/// # Errors
/// Fails if the event is none of an HTTP API.
#[cfg(any(test, feature = "fuzzing"))]
pub async fn answer<P: AllPorts>(
    limits: &RateLimits,
    ports: &P,
    event: &str,
) -> Result<Response<Body>, Error> {
    answer_counting(limits, &Metrics::disabled(), ports, event).await
}

/// Answers an event as [`answer`] does, with these metrics.
#[cfg(any(test, feature = "fuzzing"))]
async fn answer_counting<P: AllPorts>(
    limits: &RateLimits,
    metrics: &Metrics,
    ports: &P,
    event: &str,
) -> Result<Response<Body>, Error> {
    let router = Router::new(routes::routes())?;
    let event = lambda_http::LambdaEvent::new(serde_json::from_str(event)?, Default::default());
    let request = with_valid_url(event).payload.into();
    let Ok(response) = handle(&router, limits, metrics, ports, request).await;
    Ok(response)
}

/// Calls the route of a request. Every request first spends from its user's allowance, even if no
/// route accepts it or its body cannot be parsed.
async fn respond<P: AllPorts>(
    router: &Router<P>,
    (limits, metrics): (&RateLimits, &Metrics),
    ports: &P,
    request: &Request,
) -> Result<Response<Body>, HttpError> {
    let identity = reader::identity(request)?;
    let now = ports.now();
    let found = reader::route(router, request);
    let cost = found
        .as_ref()
        .map_or(ORDINARY_COST, |(route, _)| route.cost);
    limits.spend(&identity.user, cost, now)?;
    let (route, parameters) = found?;
    let request = reader::read(request, identity, route.fields, parameters, now)?;
    let further = (route.cost_of)(&request.fields).saturating_sub(cost);
    if further > 0 {
        limits.raise(&request.identity.user, (cost, further), now)?;
    }
    let answered = route.handle(ports, &request).await;
    limits.charge(&request.identity.user, metrics.further_cost(), now);
    Ok(answered?)
}

/// Builds a response that must not be cached: what a client may see of a conversation can change at
/// any time.
fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

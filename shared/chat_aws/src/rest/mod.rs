//! The HTTP API, payload format 2.0: reads requests, finds their routes, and writes responses.

mod error;
mod reader;
mod router;
mod routes;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, future::Future, time::Instant};

use chat::{request::in_time, time_limit};
use lambda_http::{
    Body, Error, Request, Response,
    http::{HeaderValue, StatusCode, header},
    lambda_runtime::tracing::init_default_subscriber,
    service_fn,
};

pub(crate) use self::error::status_of;
pub use self::routes::AllPorts;
use self::{error::HttpError, router::Router};
use crate::elapsed::milliseconds_since;

/// Serves all routes of the HTTP API until the process ends.
///
/// # Errors
/// Fails if the ports cannot be opened or the Lambda runtime fails.
pub async fn run<P: AllPorts>(
    open_ports: impl Future<Output = Result<P, Error>>,
) -> Result<(), Error> {
    init_default_subscriber();
    let router = Router::new(routes::routes())?;
    let ports = open_ports.await?;
    lambda_http::run(service_fn(|request| handle(&router, &ports, request))).await
}

async fn handle<P: AllPorts>(
    router: &Router<P>,
    ports: &P,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let began = Instant::now();
    let last_moment = time_limit::last_moment(reader::deadline(&request), ports.now());
    let result = in_time(respond(router, ports, &request), ports.sleep(last_moment)).await;
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
    Ok(response)
}

async fn respond<P: AllPorts>(
    router: &Router<P>,
    ports: &P,
    request: &Request,
) -> Result<Response<Body>, HttpError> {
    let (route, parameters) = reader::route(router, request)?;
    let request = reader::read(request, route.fields, parameters, ports.now())?;
    Ok(route.handle(ports, &request).await?)
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

//! An HTTP API with payload format 2.0, in front of the other services on its port.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::Response,
};
use futures_util::StreamExt;

pub use self::routes::RouteError;
use self::{
    authorizer::{AuthorizerError, Authorizers},
    endpoint::{Endpoints, Incoming},
    event::Received,
    jwt::TokenError,
    path::RequestPath,
    routes::{Routes, Selected},
};
use super::{
    clock::Clock,
    integration::{self, IntegrationError},
    throttle::Throttles,
};
use crate::{
    bill::Usage,
    invoke::{Invoke, InvokeError},
    server::Peer,
    stack::{HttpApi, HttpTarget},
    trace::{self, Fact, Kind, Level, Trace},
};

mod answer;
mod authorizer;
mod cors;
mod endpoint;
mod event;
mod jwt;
mod path;
mod routes;

/// The longest body, in bytes.
const LONGEST_BODY: usize = 10 * 1024 * 1024;
/// The longest request line and headers together, in bytes.
const LONGEST_HEAD: usize = 10_240;
const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");

struct Gateway<I> {
    api: Arc<HttpApi>,
    routes: Routes,
    authorizers: Authorizers,
    endpoints: Endpoints,
    throttles: Throttles,
    invoke: I,
}

/// Puts the API's routes before `fallback`, which gets every GET and HEAD that no route matches.
/// The API's throttles follow `clock`.
/// The router must be served by [`crate::server::serve`], which adds the peer.
///
/// # Errors
/// Fails if a route's path is not supported.
pub fn router<I: Invoke>(
    api: Arc<HttpApi>,
    invoke: I,
    clock: Clock,
    fallback: Router,
) -> Result<Router, RouteError> {
    let routes = Routes::new(&api.routes)?;
    let throttles = Throttles::new(api.throttling.clone(), clock);
    let gateway = Arc::new(Gateway {
        api,
        throttles,
        routes,
        authorizers: Authorizers::default(),
        endpoints: Endpoints::default(),
        invoke,
    });
    Ok(fallback.layer(middleware::from_fn_with_state(gateway, front::<I>)))
}

/// Answers a request that no route matches.
pub async fn not_found() -> Response {
    answer::message(StatusCode::NOT_FOUND, "Not Found")
}

async fn front<I: Invoke>(
    State(gateway): State<Arc<Gateway<I>>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(response) = gateway
        .api
        .cors
        .as_ref()
        .and_then(|cors| cors::preflight(cors, &parts))
    {
        return response;
    }
    let path = RequestPath::read(parts.uri.path());
    let selected = path.as_ref().and_then(|path| {
        let segments = path.in_stage(&gateway.api.stage)?;
        gateway.routes.select(parts.method.as_str(), segments)
    });
    let mut response = match (&path, selected) {
        (None, _) => answer::message(StatusCode::BAD_REQUEST, "Bad Request"),
        (Some(path), Some(selected)) => {
            gateway
                .integrate(&peer, &parts, path, body, &selected)
                .await
        }
        (Some(_), None) if matches!(parts.method, Method::GET | Method::HEAD) => {
            return next.run(Request::from_parts(parts, body)).await;
        }
        (Some(_), None) => answer::message(StatusCode::NOT_FOUND, "Not Found"),
    };
    if let Some(cors) = &gateway.api.cors {
        cors::apply(
            cors,
            parts.headers.get(header::ORIGIN),
            response.headers_mut(),
        );
    }
    response
}

impl<I: Invoke> Gateway<I> {
    /// Calls the route's authorizer and then its integration.
    async fn integrate(
        &self,
        peer: &Peer,
        request: &Parts,
        path: &RequestPath,
        body: Body,
        selected: &Selected<'_>,
    ) -> Response {
        if length_of_head(request) > LONGEST_HEAD {
            return answer::message(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Request Header Fields Too Large",
            );
        }
        let Some(body) = read(body).await else {
            return answer::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let received = Received::new(peer, request, path, &body);
        // A server that records nothing adds none.
        let trace = request.extensions.get::<Trace>();
        let trace = trace.cloned().unwrap_or_default();
        let span = trace.root(selected.key);
        let sent = (
            body.len(),
            std::str::from_utf8(&body)
                .ok()
                .and_then(|text| trace.body(text)),
        );
        let mut response = if self.throttles.admits(selected.key) {
            let responding = self.respond(request, &received, body, selected, &trace);
            trace::within(span.context().cloned(), responding).await
        } else {
            answer::message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")
        };
        if trace.is_on() {
            let fact = fact(&self.api, selected, &received, sent, &response);
            trace.record(span, fact);
        }
        if let Ok(id) = HeaderValue::from_str(&received.request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }

    /// Calls the route's authorizer, and records its verdict.
    async fn authorize(
        &self,
        name: &str,
        selected: &Selected<'_>,
        received: &Received,
        trace: &Trace,
    ) -> Result<serde_json::Value, AuthorizerError> {
        let span = trace.here();
        let authorizing =
            self.authorizers
                .authorize(&self.invoke, &self.api, name, selected, received);
        let authorized = trace::within(span.context().cloned(), authorizing).await;
        if trace.is_on() {
            let (outcome, level) = match &authorized {
                Ok(_) => ("allowed", Level::Ok),
                Err(AuthorizerError::Broken) => ("broken", Level::Error),
                Err(_) => ("refused", Level::Warning),
            };
            let fact = Fact::new(Kind::Authorizer, name)
                .with("aws.apigateway.authorizer", name)
                .with("outcome", outcome)
                .level(level);
            trace.record(span, fact);
        }
        authorized
    }

    async fn respond(
        &self,
        request: &Parts,
        received: &Received,
        body: Bytes,
        selected: &Selected<'_>,
        trace: &Trace,
    ) -> Response {
        let context = match &selected.route.authorizer {
            None => None,
            Some(name) => match self.authorize(name, selected, received, trace).await {
                Ok(context) => Some(context),
                Err(AuthorizerError::Unauthorized) => {
                    return answer::message(StatusCode::UNAUTHORIZED, "Unauthorized");
                }
                Err(AuthorizerError::Forbidden) => {
                    return answer::message(StatusCode::FORBIDDEN, "Forbidden");
                }
                Err(AuthorizerError::Broken) => return broken(),
                Err(AuthorizerError::NoToken) => return challenge(401, "Bearer"),
                Err(AuthorizerError::Token(error)) => {
                    let status = match error {
                        TokenError::Scope(_) => 403,
                        TokenError::Invalid(_) | TokenError::Issuer { .. } => 401,
                    };
                    return challenge(status, &error.challenge());
                }
            },
        };
        let timeout = selected.route.timeout;
        match &selected.route.target {
            HttpTarget::Function(function) => {
                let event = received.function_event(&self.api, selected, context, &body);
                drop(body);
                answer_of(integration::call(&self.invoke, function, event, timeout).await)
            }
            HttpTarget::Endpoint(endpoint) => {
                let incoming = Incoming {
                    api: &self.api,
                    selected,
                    received,
                    request,
                    authorizer: context.as_ref(),
                };
                let response = self.endpoints.call(endpoint, incoming, body, timeout);
                response.await.unwrap_or_else(|error| {
                    tracing::warn!(route = selected.key, "no response: {error}");
                    answer::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
                })
            }
            HttpTarget::Absent(reason) => answer::message(StatusCode::NOT_IMPLEMENTED, reason),
        }
    }
}

/// Returns what the trace shows of a request. AWS does not bill those that are not authorized or
/// throttled.
fn fact(
    api: &HttpApi,
    selected: &Selected<'_>,
    received: &Received,
    (bytes, body): (usize, Option<String>),
    response: &Response,
) -> Fact {
    let status = response.status().as_u16();
    // Every response here has its whole body.
    let size = response.body().size_hint().exact();
    let size = size.and_then(|size| usize::try_from(size).ok());
    let usage = match status {
        401 | 403 | 429 => Usage::default(),
        _ => Usage::http(bytes, size.unwrap_or_default()),
    };
    Fact::new(Kind::Http, selected.key)
        .with("http.route", selected.key)
        .with("aws.apigateway.api", api.logical_id.as_str())
        .with("aws.apigateway.request_id", received.request_id.as_str())
        .with("http.response.status_code", status)
        .with("http.request.body.size", bytes)
        .maybe("http.response.body.size", size)
        .level(Fact::level_of(status, &[400, 401, 403, 404, 409, 429]))
        .body(body)
        .usage(usage)
}

/// Returns the response to what a function returned.
fn answer_of(answer: Result<Bytes, IntegrationError>) -> Response {
    match answer {
        Ok(answer) => answer::response(answer).unwrap_or_else(broken),
        Err(IntegrationError::TimedOut) => {
            answer::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        Err(IntegrationError::Refused(InvokeError::TooLarge)) => {
            answer::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
        }
        Err(IntegrationError::Function(_) | IntegrationError::Refused(_)) => broken(),
    }
}

/// Returns the response to a request without a valid token.
fn challenge(status: u16, challenge: &str) -> Response {
    let mut response = match status {
        403 => answer::message(StatusCode::FORBIDDEN, "Forbidden"),
        _ => answer::message(StatusCode::UNAUTHORIZED, "Unauthorized"),
    };
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn broken() -> Response {
    answer::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

fn length_of_head(request: &Parts) -> usize {
    // "METHOD /path HTTP/1.1\r\n" and "name: value\r\n".
    let line = request.method.as_str().len()
        + request
            .uri
            .path_and_query()
            .map_or(0, |path| path.as_str().len())
        + 12;
    request
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum::<usize>()
        + line
}

/// Returns the whole body, or `None` if it is too long or incomplete.
///
/// A body that is too long is read to its end as well: a client that is still sending would miss
/// the answer.
async fn read(body: Body) -> Option<Bytes> {
    let mut stream = body.into_data_stream();
    let mut whole = Some(Vec::new());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.ok()?;
        whole = whole.filter(|whole| whole.len() + chunk.len() <= LONGEST_BODY);
        if let Some(whole) = &mut whole {
            whole.extend_from_slice(&chunk);
        }
    }
    whole.map(Bytes::from)
}

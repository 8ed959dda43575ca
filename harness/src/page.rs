//! The demo page: the files of a folder, and `/config.json`, which tells them where the APIs are.

use std::path::PathBuf;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tower_http::services::ServeDir;

use crate::gateway::loopback;

/// Where the APIs are, seen from this machine.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Of the HTTP API, the page and the login.
    pub http_port: u16,
    /// Of the WebSocket API.
    pub ws_port: u16,
    /// The WebSocket API's stage.
    pub stage: String,
}

/// Serves the folder `web` to this machine's own names, never from a cache. What is not there is answered as an HTTP
/// API does, because this router stands behind one.
pub fn router(web: PathBuf, endpoints: Endpoints) -> Router {
    Router::new()
        .route("/config.json", get(configuration))
        .fallback_service(ServeDir::new(web).fallback(get(not_found)))
        .layer(middleware::from_fn_with_state(endpoints.clone(), protect))
        .layer(middleware::from_fn(loopback::only_by_loopback_name))
        .with_state(endpoints)
}

async fn configuration(State(endpoints): State<Endpoints>, headers: HeaderMap) -> Json<Value> {
    let host = host(&headers);
    let Endpoints {
        http_port,
        ws_port,
        stage,
    } = endpoints;
    Json(json!({
        "http": format!("http://{host}:{http_port}"),
        "ws": format!("ws://{host}:{ws_port}/{stage}"),
        "login": format!("http://{host}:{http_port}/.local/login"),
    }))
}

/// The name that the page was asked by, so that everything the page asks for is of the same site.
fn host(headers: &HeaderMap) -> &'static str {
    loopback::asked_name(headers).unwrap_or("127.0.0.1")
}

async fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({ "message": "Not Found" })),
    )
        .into_response()
}

/// Middleware: nothing on the page runs or loads but its own files, and nothing is kept.
async fn protect(State(endpoints): State<Endpoints>, request: Request, next: Next) -> Response {
    let policy = content_security_policy(host(request.headers()), endpoints.ws_port);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

fn content_security_policy(host: &str, ws_port: u16) -> String {
    // The grammar of a policy's sources has no IPv6 addresses, so there the scheme has to do.
    let socket = if host.starts_with('[') {
        "ws:".to_owned()
    } else {
        format!("ws://{host}:{ws_port}")
    };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {socket}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

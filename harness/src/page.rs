//! The demo page: the files of a folder, and `/config.json` with the addresses of the APIs.

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

use crate::server;

/// The local ports of the APIs.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The port of the HTTP API, the page and the login.
    pub http_port: u16,
    /// The port of the WebSocket API.
    pub ws_port: u16,
    /// The WebSocket API's stage.
    pub stage: String,
}

/// The longest path in bytes, far below the limits of file systems.
const LONGEST_PATH: usize = 1024;
/// The longest file name of common file systems, in bytes.
const LONGEST_NAME: usize = 255;

/// Serves the folder `web` under this machine's own names, uncached. Missing files get the 404 of
/// an HTTP API, because this router is that API's fallback.
pub fn router(web: PathBuf, endpoints: Endpoints) -> Router {
    Router::new()
        .route("/config.json", get(configuration))
        .fallback_service(ServeDir::new(web).fallback(get(not_found)))
        .layer(middleware::from_fn(only_possible_paths))
        .layer(middleware::from_fn_with_state(endpoints.clone(), protect))
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

/// The name under which the page was requested, so that its requests are same-site.
fn host(headers: &HeaderMap) -> &'static str {
    server::asked_name(headers).unwrap_or("127.0.0.1")
}

/// Middleware: refuses paths that no file can have. The file system would fail on long ones, and a
/// redirect of `//name` to its folder would lead to a host of that name.
async fn only_possible_paths(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.len() > LONGEST_PATH || path.split('/').any(|name| name.len() > LONGEST_NAME) {
        StatusCode::URI_TOO_LONG.into_response()
    } else if path.starts_with("//") {
        not_found().await
    } else {
        next.run(request).await
    }
}

async fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({ "message": "Not Found" })),
    )
        .into_response()
}

/// Middleware: the page runs and loads only its own files, and nothing is cached.
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
    // Content security policies have no IPv6 addresses, so only the scheme is given.
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

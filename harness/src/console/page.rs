//! The files of the console's page, which are part of the program.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// Lists files of `harness/console`.
macro_rules! files {
    ($($kind:ident $name:literal,)*) => {
        const FILES: &[(&str, &str, &str)] = &[
            $(($name, $kind, include_str!(concat!("../../console/", $name))),)*
        ];
    };
}

files! {
    HTML "index.html",
    CSS "style.css",
    JS "app.js",
    JS "bill.js",
    JS "calls.js",
    JS "connections.js",
    JS "dom.js",
    JS "faults.js",
    JS "functions.js",
    JS "list.js",
    JS "plots.js",
    JS "queues.js",
    JS "send.js",
    JS "store.js",
    JS "tables.js",
    JS "timeline.js",
    JS "waterfall.js",
}

pub(super) async fn redirect() -> Redirect {
    Redirect::permanent("/.local/")
}

pub(super) async fn index(headers: HeaderMap) -> Response {
    found("index.html", &headers)
}

pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    found(&name, &headers)
}

/// Returns a file. It loads only files and data of its own origin, and is never cached.
fn found(name: &str, headers: &HeaderMap) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let host = headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    // Content security policies have no IPv6 addresses, so only the scheme is given.
    let socket = match host.starts_with('[') {
        true => "ws:".to_owned(),
        false => format!("ws://{host}"),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, *kind),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    (headers, *text).into_response()
}

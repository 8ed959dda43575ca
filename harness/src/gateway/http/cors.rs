//! `CorsConfiguration`: the gateway answers preflights and sets the headers. CORS headers of
//! functions are dropped.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};

use crate::stack::Cors;

const ALL: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// Returns the answer to a preflight, or `None` if the request is not one.
pub(super) fn preflight(cors: &Cors, request: &Parts) -> Option<Response> {
    let is_preflight = request.method == Method::OPTIONS
        && request
            .headers
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let origin = request
        .headers
        .get(header::ORIGIN)
        .filter(|_| is_preflight)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if allow(cors, origin, headers) {
        set_list(
            headers,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            &cors.allow_methods,
        );
        set_list(
            headers,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            &cors.allow_headers,
        );
        if let Some(max_age) = cors.max_age {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, max_age.as_secs().into());
        }
    }
    Some(response)
}

/// Replaces the function's headers by those of the configuration.
pub(super) fn apply(cors: &Cors, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    for name in ALL {
        headers.remove(name);
    }
    if let Some(origin) = origin
        && allow(cors, origin, headers)
    {
        set_list(
            headers,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            &cors.expose_headers,
        );
    }
}

/// Sets the headers for an allowed origin. Returns whether `origin` is allowed.
fn allow(cors: &Cors, origin: &HeaderValue, headers: &mut HeaderMap) -> bool {
    let any = cors.allow_origins.iter().any(|allowed| allowed == "*");
    if !any {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    let listed = || {
        origin.to_str().is_ok_and(|origin| {
            cors.allow_origins
                .iter()
                .any(|allowed| matches(allowed, origin))
        })
    };
    if !any && !listed() {
        return false;
    }
    let value = if any {
        HeaderValue::from_static("*")
    } else {
        origin.clone()
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    if cors.allow_credentials {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }
    true
}

/// Whether `allowed` is this origin, or `https://*` for every origin of this scheme.
fn matches(allowed: &str, origin: &str) -> bool {
    match allowed.strip_suffix("://*") {
        Some(scheme) => origin
            .split_once("://")
            .is_some_and(|(sent, _)| sent.eq_ignore_ascii_case(scheme)),
        None => allowed.eq_ignore_ascii_case(origin),
    }
}

fn set_list(headers: &mut HeaderMap, name: HeaderName, items: &[String]) {
    if !items.is_empty()
        && let Ok(value) = HeaderValue::from_str(&items.join(","))
    {
        headers.insert(name, value);
    }
}

//! Path patterns of HTTP APIs, and the paths that they are compared with.
//!
//! The first line is a method and a path; the others are route keys. Only the first routes are used,
//! because every request is compared with every route of its API.

use harness::stack::HttpRoute;

use super::http_api::{API, request, respond};
use crate::message::Message;

const MOST_ROUTES: usize = 8;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (line, keys) = text.split_once('\n').unwrap_or((text, ""));
    let Some(request) = Message::read(line.as_bytes()).and_then(request) else {
        return;
    };
    let mut api = API.with(Clone::clone);
    let sample = api.routes.remove(0);
    let keys = keys.lines().take(MOST_ROUTES);
    api.routes = keys.map(|key| route(key, &sample)).collect();
    respond(api, request);
}

/// Returns the route with this key; everything else is as in `sample`.
fn route(key: &str, sample: &HttpRoute) -> HttpRoute {
    let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
    HttpRoute {
        method: method.to_owned(),
        path: path.to_owned(),
        authorizer: None,
        ..sample.clone()
    }
}

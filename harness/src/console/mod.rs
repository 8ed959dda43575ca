//! The console of the local stack, at `/.local/`: what happens, live, and what a developer does to it.
//! Its page is in `harness/console`. It knows the template, not the application.
//!
//! | request | description |
//! | --- | --- |
//! | `GET /.local/` | The page. |
//! | `GET /.local/console/events` | A WebSocket with the events of the trace. |
//! | `GET /.local/console/overview` | Functions, connections, tables and queues. |
//! | `POST /.local/console/connections/ID/COMMAND` | Cuts a connection, and so on. |
//! | `POST /.local/console/tables/OPERATION` | Reads a table. |
//! | `GET /.local/console/samples` | The names of the sample events; with a name, one of them. |
//! | `POST /.local/console/invocations/FUNCTION` | Sends an event to a function. |
//!
//! The page itself is the only one that may call them: other pages of this machine may be anything that
//! a developer runs.

mod actions;
mod events;
mod page;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::{
    bill::Billing, dynamodb::Browser, gateway::websocket::Connections, lambda::Lambda, sqs::Queues,
    stack::Stack, trace::Trace,
};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the console shows and changes. Clones share it.
#[derive(Clone, Debug)]
pub struct Console(Arc<Parts>);

/// What a [`Console`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// The events.
    pub trace: Trace,
    /// The prices.
    pub billing: Billing,
    /// The template.
    pub stack: Stack,
    /// The functions.
    pub lambda: Lambda,
    /// The connections of the WebSocket API.
    pub connections: Connections,
    /// The tables, once DynamoDB has started.
    pub browser: Arc<OnceLock<Browser>>,
    /// The queues.
    pub queues: Queues,
    /// The folder of the sample events. It need not exist.
    pub samples: PathBuf,
}

impl Console {
    /// Creates a console.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Serves the page and what it calls.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/.local", get(page::redirect))
            .route("/.local/", get(page::index))
            .route("/.local/console/files/{name}", get(page::file))
            .route("/.local/console/events", get(events::open))
            .route("/.local/console/overview", get(actions::overview))
            .route(
                "/.local/console/connections/{id}/{command}",
                post(actions::command),
            )
            .route(
                "/.local/console/tables/{operation}",
                post(actions::read_table),
            )
            .route("/.local/console/samples", get(actions::samples))
            .route("/.local/console/samples/{name}", get(actions::sample))
            .route(
                "/.local/console/invocations/{function}",
                post(actions::invoke),
            )
            .layer(middleware::from_fn(only_its_own_page))
            .with_state(self.clone())
    }
}

/// Middleware: refuses requests of other pages, also of this machine.
async fn only_its_own_page(request: Request, next: Next) -> Response {
    if is_foreign(request.headers()) {
        return (
            StatusCode::FORBIDDEN,
            "Only the console itself may call this.\n",
        )
            .into_response();
    }
    next.run(request).await
}

/// Whether a page of another origin sent the request. Programs send neither header.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text(&header::ORIGIN), text(&header::HOST)) {
        (Some(origin), Some(host)) => origin.strip_prefix("http://") != Some(host),
        (Some(_), None) => true,
        (None, _) => {
            let site = text(&FETCH_SITE);
            site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_origin_is_accepted() {
        for (site, origin, foreign) in [
            (None, None, false),
            (Some("none"), None, false),
            (Some("same-origin"), None, false),
            (Some("same-site"), None, true),
            (Some("cross-site"), None, true),
            (None, Some("http://localhost:3000"), false),
            (None, Some("http://localhost:5173"), true),
            (None, Some("https://localhost:3000"), true),
            (None, Some("http://127.0.0.1:3000"), true),
            (None, Some("http://example.org"), true),
            (None, Some("null"), true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "localhost:3000".parse().unwrap());
            for (name, value) in [(FETCH_SITE, site), (header::ORIGIN, origin)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(is_foreign(&headers), foreign, "{site:?} {origin:?}");
        }
    }
}

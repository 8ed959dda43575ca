//! A push service on this machine (RFC 8030): makes subscriptions, checks what applications send as
//! the services of browsers do, and shows the decrypted messages.
//!
//! A browser keeps the private key of its subscription. Here the service stands for the browser, too,
//! so that tests see what the browser would show.

mod encryption;
mod message;
mod rejection;
mod subscriptions;
mod vapid;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use self::{
    encryption::Keys, message::Message, rejection::PushRejection, subscriptions::Subscriptions,
};
use crate::{
    faults::{self, Faults, Push},
    gateway::clock::Clock,
    trace::{Fact, Kind},
};

/// The path of the service.
pub const PATH: &str = "/.local/push";
/// The longest body of a message that Mozilla's and Apple's services accept, in bytes.
const LONGEST_BODY: usize = 4_096;

/// The push service. Clones share it.
#[derive(Clone, Debug)]
pub struct PushService(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The origin of the service, `http://127.0.0.1:PORT`.
    origin: String,
    clock: Clock,
    faults: Faults,
    subscriptions: Mutex<Subscriptions>,
    /// Changes with each message.
    changed: watch::Sender<()>,
}

/// The query of a look at the messages.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Look {
    /// The answer waits until so many messages were accepted.
    accepted: u64,
}

/// What a subscriber may say.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Subscribe {
    /// The public key of the application, in base64url.
    application_server_key: Option<String>,
}

impl PushService {
    /// Creates a service without subscriptions at `origin`, a URL without a slash at its end.
    pub fn new(origin: String, clock: Clock, faults: Faults) -> Self {
        Self(Arc::new(Shared {
            origin,
            clock,
            faults,
            subscriptions: Mutex::default(),
            changed: watch::Sender::new(()),
        }))
    }

    /// Serves:
    ///
    /// - `POST /.local/push/subscriptions` `{"applicationServerKey"?}`: a subscription as a browser
    ///   shows it, with its `id`.
    /// - `GET /.local/push/subscriptions/ID`: its messages; with `?accepted=N` once there were N.
    /// - `DELETE /.local/push/subscriptions/ID`: the end of it.
    /// - `POST /.local/push/messages/ID`: the endpoint.
    pub fn router(&self) -> Router {
        Router::new()
            .route(&format!("{PATH}/subscriptions"), post(subscribe))
            .route(
                &format!("{PATH}/subscriptions/{{id}}"),
                get(messages).delete(unsubscribe),
            )
            .route(&format!("{PATH}/messages/{{id}}"), post(push))
            // Longer bodies get the service's own answer.
            .layer(DefaultBodyLimit::max(1024 * 1024))
            .with_state(self.clone())
    }

    fn subscriptions(&self) -> MutexGuard<'_, Subscriptions> {
        let subscriptions = &self.0.subscriptions;
        subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time by the clock that can be set ahead.
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.0.clock.ahead()
    }
}

async fn subscribe(State(service): State<PushService>, body: Bytes) -> Response {
    let wanted = if body.is_empty() {
        Ok(Subscribe::default())
    } else {
        serde_json::from_slice(&body)
    };
    let Ok(Subscribe {
        application_server_key,
    }) = wanted
    else {
        return bad_request("expected {\"applicationServerKey\"?}");
    };
    let application = application_server_key.map(|key| BASE64_URL_SAFE_NO_PAD.decode(key));
    let Ok(application) = application.transpose() else {
        return bad_request("applicationServerKey is not base64url without padding");
    };
    if application
        .as_ref()
        .is_some_and(|key| !vapid::is_point(key))
    {
        return bad_request("applicationServerKey is no uncompressed point of P-256");
    }
    let Some(keys) = Keys::generate() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let id = Uuid::new_v4().simple().to_string();
    let shown = json!({
        "id": id,
        "endpoint": format!("{}{PATH}/messages/{id}", service.0.origin),
        "expirationTime": null,
        "keys": {
            "p256dh": BASE64_URL_SAFE_NO_PAD.encode(keys.public()),
            "auth": BASE64_URL_SAFE_NO_PAD.encode(keys.secret()),
        },
    });
    service.subscriptions().insert(id, keys, application);
    (StatusCode::CREATED, Json(shown)).into_response()
}

async fn messages(
    State(service): State<PushService>,
    Path(id): Path<String>,
    Query(look): Query<Look>,
) -> Response {
    let mut changes = service.0.changed.subscribe();
    loop {
        changes.mark_unchanged();
        match service.shown(&id) {
            None => return StatusCode::NOT_FOUND.into_response(),
            Some((accepted, messages)) if accepted >= look.accepted => {
                let shown = json!({ "accepted": accepted, "messages": messages });
                return Json(shown).into_response();
            }
            // The sender is in `service`, so there is no error.
            Some(_) => {
                let _ = changes.changed().await;
            }
        }
    }
}

async fn unsubscribe(State(service): State<PushService>, Path(id): Path<String>) -> StatusCode {
    if service.subscriptions().end(&id) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

async fn push(
    State(service): State<PushService>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = service.0.faults.trace();
    let span = trace.is_on().then(|| trace.here());
    let response = answer(&service, &id, &headers, &body).await;
    if let Some(span) = span {
        let status = response.status().as_u16();
        let fact = Fact::new(Kind::WebPush, "push")
            .with("webpush.subscription", id)
            .with("http.response.status_code", status)
            .with("http.request.body.size", body.len())
            .level(Fact::level_of(status, &[404, 410, 429]));
        trace.record(span, fact);
    }
    response
}

async fn answer(service: &PushService, id: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    let injected = service.0.faults.push(id);
    service.0.faults.delay(injected.latency).await;
    match injected.fault {
        Some(Push::Timeout) => match faults::no_answer().await {},
        Some(Push::LostAnswer) => {
            let _ = service.accept(id, headers, body);
            return faults::broken_answer();
        }
        Some(Push::Redirect) => {
            let location = [(header::LOCATION, "http://169.254.169.254/latest/meta-data/")];
            return (StatusCode::TEMPORARY_REDIRECT, location).into_response();
        }
        Some(fault) => return PushRejection::of_fault(fault).into_response(),
        None => {}
    }
    match service.accept(id, headers, body) {
        Ok(answer) => answer,
        Err(rejection) => rejection.into_response(),
    }
}

impl PushService {
    /// Returns how many messages a subscription has accepted, and those that it has.
    fn shown(&self, id: &str) -> Option<(u64, Vec<Value>)> {
        let now = self.now();
        let subscriptions = self.subscriptions();
        let subscription = subscriptions.get(id)?;
        let messages = subscription.messages().map(|message| message.shown(now));
        Some((subscription.accepted, messages.collect()))
    }

    /// Checks a message and keeps it.
    fn accept(
        &self,
        id: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Response, PushRejection> {
        let now = self.now();
        let mut subscriptions = self.subscriptions();
        let subscription = subscriptions.get(id).ok_or(PushRejection::Unknown)?;
        if subscription.is_gone {
            return Err(PushRejection::Gone);
        }
        if body.len() > LONGEST_BODY {
            return Err(PushRejection::TooLarge);
        }
        let sender = vapid::verify(headers, &self.0.origin, now)?;
        if let Some(application) = &subscription.application
            && *application != sender.key
        {
            return Err(PushRejection::OtherKey);
        }
        let message = Message::read(headers, body, &subscription.keys, sender, now)?;
        let location = format!("{}{PATH}/messages/{id}/{}", self.0.origin, message.id);
        let ttl = message.ttl.to_string();
        subscriptions.accept(id, message);
        drop(subscriptions);
        self.0.changed.send_replace(());
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::CREATED;
        for (name, value) in [(header::LOCATION.as_str(), location), ("ttl", ttl)] {
            if let (Ok(name), Ok(value)) = (
                header::HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_str(&value),
            ) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }
}

fn bad_request(detail: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "message": detail }))).into_response()
}

//! The Lambda authorizer of both APIs: it checks tokens and origins.
//!
//! The WebSocket API calls it once, at `$connect`; the HTTP API calls it for each request and
//! caches the response. No other code looks at tokens: the functions behind the authorizer read
//! `user`, `name` and `expires` from the context that it returns.
//!
//! | | WebSocket | HTTP, payload 2.0 |
//! | --- | --- | --- |
//! | token in | `Sec-WebSocket-Protocol: confab.v1, bearer.TOKEN` or `Authorization: Bearer TOKEN` | `Authorization: Bearer TOKEN` |
//! | valid token | policy that allows exactly the `methodArn`, with context | `isAuthorized: true`, with context |
//! | missing, invalid or expired token | the invocation fails with `Unauthorized`: the gateway responds 401 | the same |
//! | foreign `Origin` | policy that denies: 403 | ignored, CORS decides |
//! | keys cannot be fetched | the invocation fails with another message: 500 | the same |
//!
//! The authorizer never returns `isAuthorized: false`. The gateway responds 403 to that, but a
//! client with an expired token needs a 401 to know that it must get a new token. The gateway does
//! not cache failures, so each request with a bad token costs one invocation.

mod authorizer;
mod clock;
mod configuration;
mod error;
mod event;
mod key_cache;
mod key_set;
mod key_source;
mod metrics;
mod origin;
mod response;
mod verifier;

pub use crate::{
    authorizer::Authorizer,
    clock::SystemClock,
    configuration::{AudienceClaim, Configuration, ConfigurationError, Trust},
    error::{AuthorizerError, TokenError},
    event::{Event, Headers, HttpEvent, WebSocketEvent},
    key_source::{KeyLocation, KeyUrl},
    metrics::metrics,
    origin::{AllowedOrigins, Origin},
    response::{
        AuthorizerResponse, HttpResponse, Policy, PolicyDocument, ResponseContext, Statement,
    },
};

/// Returns the key for an id and an algorithm in a JSON Web Key Set.
#[cfg(feature = "fuzzing")]
pub fn key_in(
    document: &[u8],
    id: Option<&str>,
    algorithm: jsonwebtoken::Algorithm,
) -> Option<jsonwebtoken::DecodingKey> {
    let document = serde_json::from_slice(document).ok()?;
    let keys = key_set::KeySet::from_document(document);
    keys.find(id, algorithm).ok().cloned()
}

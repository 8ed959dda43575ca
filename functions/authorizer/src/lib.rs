//! Who may talk to Confab: one Lambda authorizer for the WebSocket API (asked once, at `$connect`) and for the HTTP API
//! (asked per request, cached by the gateway). No other code looks at a token; the functions behind it read `user`,
//! `name` and `expires` from the context that is given here.
//!
//! | | WebSocket | HTTP, payload 2.0 |
//! | --- | --- | --- |
//! | token in | `Sec-WebSocket-Protocol: confab.v1, bearer.TOKEN` or `Authorization: Bearer TOKEN` | `Authorization: Bearer TOKEN` |
//! | good | policy that allows exactly the `methodArn`, with context | `isAuthorized: true`, with context |
//! | no, bad, expired token | the invocation fails with `Unauthorized`: the gateway answers 401 | the same |
//! | foreign `Origin` | policy that denies: 403 | not looked at, CORS decides |
//! | keys cannot be fetched | the invocation fails with another message: 500 | the same |
//!
//! `isAuthorized: false` is never answered: the gateway makes 403 of it, and a client with an expired token has to see
//! 401 to know that it should log in again. Failures are not cached by the gateway either, so a refused token costs an
//! invocation each time.

mod answer;
mod authorizer;
mod clock;
mod configuration;
mod event;
mod identity;
mod key_cache;
mod key_set;
mod key_source;
mod origin;
mod refusal;
mod verifier;

pub use crate::{
    answer::{Answer, Context, Policy, PolicyDocument, Simple, Statement},
    authorizer::Authorizer,
    clock::{Clock, SystemClock},
    configuration::{Configuration, ConfigurationError, Trust},
    event::{Event, Headers, HttpEvent, WebSocketEvent},
    identity::{Identity, User},
    key_source::{KeyLocation, KeyUrl},
    origin::{AllowedOrigins, Origin},
    refusal::{Failure, Refusal},
};

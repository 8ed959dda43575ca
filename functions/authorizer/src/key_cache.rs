//! Caches the issuer's keys for the lifetime of the process.
//!
//! The cache fetches the keys again when a token names an unknown key (the issuer may have added
//! one) and after an hour (the issuer may have withdrawn one), both at most once a minute. Without
//! that limit, a client could make this function call the issuer at will by inventing key ids.
//! While the cache is empty, each request tries to fetch.

use std::time::Duration;

use chat::{domain::Timestamp, ports::Clock};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{Mutex, watch};

use crate::{
    error::{AuthorizerError, TokenError},
    key_set::KeySet,
    key_source::KeySource,
};

/// The shortest time between two fetches while the cache holds keys.
const FETCH_INTERVAL: Duration = Duration::from_secs(60);
/// The age at which keys are fetched again. Older keys stay in use while the issuer cannot be
/// reached: its outage must not become ours.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

pub(crate) struct KeyCache<C> {
    source: KeySource,
    clock: C,
    state: watch::Sender<State>,
    /// Held during a fetch, so that concurrent requests share one.
    fetching: Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: KeySet,
    /// When `keys` was fetched.
    fetched_at: Option<Timestamp>,
    /// When the last attempt started.
    attempted_at: Option<Timestamp>,
    /// The number of attempts so far. A request that waited for one does not start another.
    attempts: u64,
    last_failed: bool,
}

impl State {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.fetched_at.is_some_and(|at| now.since(at) < MAX_AGE)
    }

    fn may_fetch(&self, now: Timestamp) -> bool {
        self.fetched_at.is_none()
            || self
                .attempted_at
                .is_none_or(|at| now.since(at) >= FETCH_INTERVAL)
    }
}

impl<C: Clock> KeyCache<C> {
    pub(crate) fn new(source: KeySource, clock: C) -> Self {
        Self {
            source,
            clock,
            state: watch::Sender::default(),
            fetching: Mutex::default(),
        }
    }

    /// Fetches the keys before they are needed. If that fails, the first request tries again.
    pub(crate) async fn warm(&self) {
        let _turn = self.fetching.lock().await;
        self.fetch().await;
    }

    /// Returns the key that a token's header names.
    ///
    /// # Errors
    /// Fails if the issuer has no key for the id and algorithm, or if the keys cannot be fetched.
    pub(crate) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, AuthorizerError> {
        let attempts = {
            let state = self.state.borrow();
            if state.is_fresh(self.clock.now()) {
                match state.keys.find(id, algorithm) {
                    Err(TokenError::UnknownKey(_)) => {}
                    known => return Ok(known?.clone()),
                }
            }
            state.attempts
        };
        let _turn = self.fetching.lock().await;
        let is_due = {
            let state = self.state.borrow();
            state.attempts == attempts && state.may_fetch(self.clock.now())
        };
        if is_due {
            self.fetch().await;
        }
        let state = self.state.borrow();
        match state.keys.find(id, algorithm) {
            Err(TokenError::UnknownKey(_)) if state.last_failed => {
                Err(AuthorizerError::KeysUnavailable)
            }
            known => Ok(known?.clone()),
        }
    }

    /// Fetches the keys. The caller holds `fetching`.
    async fn fetch(&self) {
        let started = self.clock.now();
        let fetched = self.source.fetch().await;
        if let Err(error) = &fetched {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "fetching the issuer's keys failed"
            );
        }
        self.state.send_modify(|state| {
            state.attempts += 1;
            state.attempted_at = Some(started);
            state.last_failed = fetched.is_err();
            if let Ok(keys) = fetched {
                state.keys = keys;
                state.fetched_at = Some(started);
            }
        });
    }
}

//! The issuer's keys, kept for as long as the process lives.
//!
//! They are fetched again when a token names a key that is not among them (the issuer has a new one) and after an hour
//! (the issuer may have withdrawn one). Both at most once a minute, or anybody could make this function call the issuer
//! by inventing key ids. Without any keys every need tries again: there is nothing to answer from.

use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{Mutex, watch};

use crate::{
    clock::Clock,
    key_set::KeySet,
    key_source::KeySource,
    refusal::{Failure, Refusal},
};

/// The shortest time between two fetches while there are keys, in seconds.
const FETCH_INTERVAL: u64 = 60;
/// How long keys are used without asking for withdrawn ones, in seconds. Older ones serve on if the issuer cannot be
/// reached: its outage shall not become ours.
const MAX_AGE: u64 = 60 * 60;

pub(crate) struct KeyCache<C> {
    source: KeySource,
    clock: C,
    state: watch::Sender<State>,
    fetching: Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: KeySet,
    /// When `keys` came.
    fetched_at: Option<u64>,
    /// When the last attempt started.
    attempted_at: Option<u64>,
    /// Counts attempts, so that whoever waited for one does not start another.
    attempts: u64,
    last_failed: bool,
}

impl State {
    fn is_fresh(&self, now: u64) -> bool {
        self.fetched_at
            .is_some_and(|at| now.saturating_sub(at) < MAX_AGE)
    }

    fn may_fetch(&self, now: u64) -> bool {
        self.fetched_at.is_none()
            || self
                .attempted_at
                .is_none_or(|at| now.saturating_sub(at) >= FETCH_INTERVAL)
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

    /// Fetches the keys ahead of the first need. If that fails, the first need tries again.
    pub(crate) async fn warm(&self) {
        let _turn = self.fetching.lock().await;
        self.fetch().await;
    }

    /// The key that a token's header asks for.
    ///
    /// # Errors
    /// Refuses ids and algorithms that the issuer has no key for; fails if that cannot be known.
    pub(crate) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, Failure> {
        let attempts = {
            let state = self.state.borrow();
            if state.is_fresh(self.clock.now()) {
                match state.keys.find(id, algorithm) {
                    Err(Refusal::UnknownKey(_)) => {}
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
            Err(Refusal::UnknownKey(_)) if state.last_failed => Err(Failure::KeysUnavailable),
            known => Ok(known?.clone()),
        }
    }

    /// Called by whoever holds `fetching`.
    async fn fetch(&self) {
        let started = self.clock.now();
        let fetched = self.source.fetch().await;
        if let Err(error) = &fetched {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "the issuer's keys could not be fetched"
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

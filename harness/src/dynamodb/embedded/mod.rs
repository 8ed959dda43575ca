//! The embedded engine: the crate `dynoxide-rs` on SQLite, called by function in this process.

mod definition;
mod expiry;
mod operations;
mod stream;

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, Instant},
};

use axum::http::{StatusCode, request};
use dynoxide::{Database, DynoxideError};
use serde_json::json;
use time::OffsetDateTime;
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{debug, warn};
use uuid::Uuid;

use self::stream::Stream;
use super::{answer::Answer, error::EngineError};
use crate::gateway::clock::Clock;

/// The database inside the data folder.
const FILE: &str = "dynamodb.sqlite";
/// How often the engine deletes expired items and old stream records, at most, by the clock that can
/// be set ahead. AWS may take days to delete an item, so nothing may depend on it.
const SWEEP: Duration = Duration::from_secs(60);
/// The pause after a sweep, in multiples of its duration. The engine reads every item for it: with a
/// million entries, a sweep takes seconds, in which requests wait for a processor.
const PAUSE: u32 = 20;

/// A running engine. Clones share it.
#[derive(Clone)]
pub(super) struct Embedded {
    /// Empty once the engine has stopped. Calls hold it for reading; stopping and trimming wait for
    /// them.
    database: Arc<RwLock<Option<Database>>>,
    stream: Arc<Stream>,
    /// SQLite's name for the database.
    location: Arc<str>,
    clock: Clock,
}

impl Embedded {
    /// Opens the database inside the folder `data`, or a new one in memory. Also returns the task
    /// that deletes what has expired.
    pub fn start(data: Option<&Path>, clock: Clock) -> Result<(Self, JoinHandle<()>), EngineError> {
        let location = location(data)?;
        let error = |reason: String| EngineError::Data {
            path: location.clone().into(),
            reason,
        };
        let database = Database::new(&location).map_err(|failed| error(failed.to_string()))?;
        let stream = Stream::open(&location).map_err(|failed| error(failed.to_string()))?;
        let embedded = Self {
            database: Arc::new(RwLock::new(Some(database))),
            stream: Arc::new(stream),
            location: location.into(),
            clock,
        };
        let sweeper = tokio::spawn(sweep(embedded.clone()));
        Ok((embedded, sweeper))
    }

    /// Answers a call as DynamoDB's HTTP API does. `None` if the engine has stopped.
    pub fn answer(&self, request: &request::Parts, body: &[u8]) -> Option<Answer> {
        let database = self.read();
        Some(operations::answer(database.as_ref()?, request, body))
    }

    /// Performs one operation on `body`. `None` if the engine has stopped.
    pub fn operate(&self, operation: &str, body: &str) -> Option<Answer> {
        let database = self.read();
        Some(operations::operate(database.as_ref()?, operation, body))
    }

    /// Describes a table without its counts. `None` if the engine has stopped.
    pub fn define(&self, table: &str) -> Option<Answer> {
        let database = self.read();
        let database = database.as_ref()?;
        match definition::define(database, table) {
            Ok(Some(found)) => Some(Answer::json(StatusCode::OK, found.to_string())),
            // The engine says why.
            _ => {
                let body = json!({ "TableName": table }).to_string();
                Some(operations::operate(database, "DescribeTable", &body))
            }
        }
    }

    /// Closes the database after the calls under way.
    pub fn stop(&self) {
        *self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes expired items, and the stream's records of more than 24 hours ago.
    fn expire(&self) {
        match self.delete_expired() {
            Ok(0) => {}
            Ok(deleted) => debug!(deleted, "expired items deleted"),
            Err(error) => warn!(%error, "cannot delete expired items"),
        }
        match self.trim() {
            Ok(0) => {}
            Ok(deleted) => debug!(deleted, "old stream records deleted"),
            Err(error) => warn!(%error, "cannot delete old stream records"),
        }
    }

    /// Deletes expired items. The engine's own clock is that of the system; while the harness's is
    /// ahead of it, another connection deletes the items, and all calls wait.
    fn delete_expired(&self) -> Result<usize, DynoxideError> {
        let ahead = self.clock.ahead();
        if ahead.is_zero() {
            return self.read().as_ref().map_or(Ok(0), Database::sweep_ttl);
        }
        let database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match &*database {
            Some(_) => expiry::delete_expired(&self.location, ahead),
            None => Ok(0),
        }
    }

    fn trim(&self) -> rusqlite::Result<usize> {
        let now = OffsetDateTime::now_utc();
        let mut deleted = 0;
        loop {
            // In memory, both connections share one cache, and a call fails while the other
            // connection has a lock. So no call runs during a batch.
            let database = self
                .database
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if database.is_none() {
                return Ok(deleted);
            }
            let batch = self.stream.trim(now)?;
            deleted += batch;
            if batch < stream::BATCH {
                return Ok(deleted);
            }
        }
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}

/// Returns SQLite's name for the database. Unlike `:memory:`, the name of a database in memory can
/// be opened twice.
fn location(data: Option<&Path>) -> Result<String, EngineError> {
    let Some(folder) = data else {
        return Ok(in_memory());
    };
    std::fs::create_dir_all(folder)?;
    let path = folder.join(FILE);
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(EngineError::Data {
            path,
            reason: "the path is not Unicode".to_owned(),
        }),
    }
}

fn in_memory() -> String {
    format!("file:confab-{}?mode=memory&cache=shared", Uuid::new_v4())
}

/// Deletes what has expired, from time to time. The engine does not do so by itself.
async fn sweep(embedded: Embedded) {
    let mut pause = SWEEP;
    loop {
        let clock = &embedded.clock;
        clock.reaches(clock.now() + pause).await;
        let (began, expired) = (Instant::now(), embedded.clone());
        if spawn_blocking(move || expired.expire()).await.is_err() {
            return;
        }
        pause = SWEEP.max(began.elapsed() * PAUSE);
    }
}

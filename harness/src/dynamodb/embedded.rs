//! The crate `dynoxide-rs`, in this process but behind HTTP like the other engines, so that all of them are used in
//! exactly one way.

use std::{net::Ipv4Addr, path::Path, time::Duration};

use dynoxide::{Database, server};
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::{debug, warn};

use super::error::EngineError;

/// The database inside the data folder.
const FILE: &str = "dynamodb.sqlite";
/// How often expired items are looked for. AWS takes up to days, so nothing may depend on it.
const SWEEP: Duration = Duration::from_secs(60);
/// How long requests under way may take at the end.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Embedded {
    /// Dropping it asks the server to end.
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
}

impl Embedded {
    /// Serves on a free loopback port; also returns where.
    pub async fn start(data: Option<&Path>) -> Result<(Self, String), EngineError> {
        let database = open(data)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (shutdown, asked) = oneshot::channel::<()>();
        let served = database.clone();
        let server = tokio::spawn(async move {
            let asked = async {
                // Dropped or used, it means the same.
                let _ = asked.await;
            };
            if let Err(error) = server::serve_with_shutdown(listener, served, asked).await {
                warn!(error, "the embedded DynamoDB has ended");
            }
        });
        let sweeper = tokio::spawn(sweep(database));
        let embedded = Self {
            shutdown,
            server,
            sweeper,
        };
        Ok((embedded, endpoint))
    }

    pub async fn stop(self) {
        self.sweeper.abort();
        drop(self.shutdown);
        if timeout(GRACE, self.server).await.is_err() {
            warn!("a request to DynamoDB was still under way at the end");
        }
    }
}

fn open(data: Option<&Path>) -> Result<Database, EngineError> {
    let Some(folder) = data else {
        return Database::memory().map_err(|error| EngineError::Data {
            path: ":memory:".into(),
            reason: error.to_string(),
        });
    };
    std::fs::create_dir_all(folder)?;
    let path = folder.join(FILE);
    path.to_str()
        .ok_or_else(|| "the path is no Unicode".to_owned())
        .and_then(|text| Database::new(text).map_err(|error| error.to_string()))
        .map_err(|reason| EngineError::Data { path, reason })
}

/// Deletes expired items now and then; the engine does nothing by itself.
async fn sweep(database: Database) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let database = database.clone();
        match spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(deleted)) => debug!(deleted, "expired items are deleted"),
            Ok(Err(error)) => warn!(%error, "expired items stay"),
            Err(_) => return,
        }
    }
}

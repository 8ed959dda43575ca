//! Takes the events of a [`Trace`] elsewhere: into a file (`--record`), and to a collector
//! (`--otlp`).

mod file;
mod otlp;

use std::{future::Future, io, path::Path, time::Duration};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tracing::warn;

use self::{file::Recording, otlp::Collector};
use crate::{
    server,
    trace::{Batch, Trace},
};

/// How often new events are looked for.
const PAUSE: Duration = Duration::from_millis(100);
/// The most events of one batch.
const MOST: usize = 1_000;
/// How long the last events may take.
const LAST: Duration = Duration::from_secs(5);

/// Where events go.
trait Sink: Send + 'static {
    /// Takes events. Errors are logged once; later events are tried again.
    fn take(&mut self, batch: &Batch) -> impl Future<Output = io::Result<()>> + Send;
}

/// The exports of a running stack.
#[derive(Debug)]
pub struct Exports {
    tasks: Vec<JoinHandle<()>>,
    closes: watch::Sender<bool>,
}

impl Exports {
    /// Begins to export from the first event on. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn start(trace: &Trace, record: Option<&Path>, otlp: Option<&str>) -> io::Result<Self> {
        let closes = watch::Sender::new(false);
        let mut tasks = Vec::new();
        if let Some(path) = record {
            let recording = Recording::create(path)?;
            tasks.push(tokio::spawn(run(
                trace.clone(),
                recording,
                closes.subscribe(),
            )));
        }
        if let Some(url) = otlp {
            let collector = Collector::at(url).map_err(io::Error::other)?;
            tasks.push(tokio::spawn(run(
                trace.clone(),
                collector,
                closes.subscribe(),
            )));
        }
        Ok(Self { tasks, closes })
    }

    /// Exports the last events.
    pub async fn stop(self) {
        self.closes.send_replace(true);
        for task in self.tasks {
            if timeout(LAST, task).await.is_err() {
                warn!("the last events are not exported: it took too long");
            }
        }
    }
}

async fn run(trace: Trace, mut sink: impl Sink, closed: watch::Receiver<bool>) {
    let mut next = 0;
    let mut is_failing = false;
    loop {
        // Read before the events, so that none is missed at the end.
        let is_closed = *closed.borrow();
        let batch = trace.read(next, MOST);
        next = batch.next;
        if !batch.events.is_empty() || batch.lost > 0 {
            let taken = sink.take(&batch).await;
            if let Err(error) = &taken
                && !is_failing
            {
                warn!(%error, "events are not exported");
            }
            is_failing = taken.is_err();
        }
        if batch.events.len() == MOST {
            continue;
        }
        if is_closed {
            return;
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = server::turned_true(closed.clone()) => {}
        }
    }
}

//! `--watch`: after a change of a source file the functions are built again, and functions whose
//! executable has changed are replaced. Everything else keeps running. Cargo alone decides what a
//! change affects.

mod snapshots;
mod sources;

use std::{collections::BTreeMap, io, path::PathBuf, time::Duration};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::mpsc, time::sleep};

use self::{snapshots::Snapshots, sources::Sources};
use crate::{
    cargo::CargoError,
    executables::{self, BuildError},
    lambda::{Lambda, LambdaError},
    stack::Stack,
};

/// How long changes are collected before a build. Programs write a file in several steps, and often
/// several files at once.
const SETTLING: Duration = Duration::from_millis(50);

/// Why sources cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system offers no file watching, or its limit is reached.
    #[error("cannot watch the sources: start without --watch, or raise the system's limit")]
    Watcher(#[from] notify::Error),
    /// The executables cannot be linked to a folder of their own.
    #[error("cannot link the executables into a folder beside them")]
    Snapshot(#[from] io::Error),
}

/// Watches the sources of a stack and replaces its functions.
#[derive(Debug)]
pub struct Watch {
    stack: Stack,
    release: bool,
    snapshots: Snapshots,
    watcher: RecommendedWatcher,
    changes: mpsc::UnboundedReceiver<PathBuf>,
    sources: Sources,
}

impl Watch {
    /// Prepares to watch; [`Watch::run`] starts it. The second value has the files to run: links to
    /// `executables`, which the next build does not change.
    ///
    /// # Errors
    /// Fails if the system cannot watch files or cannot link the executables.
    pub fn new(
        stack: &Stack,
        executables: &BTreeMap<String, PathBuf>,
        release: bool,
    ) -> Result<(Self, BTreeMap<String, PathBuf>), WatchError> {
        let mut snapshots = Snapshots::beside(executables)?;
        let running = snapshots.take(executables)?;
        let (sender, changes) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            // Reads are not changes, and cargo reads files all the time.
            if matches!(
                event.kind,
                EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_)
            ) {
                for path in event.paths {
                    // Fails during shutdown, when the receiver is gone.
                    let _ = sender.send(path);
                }
            }
        })?;
        let watch = Self {
            stack: stack.clone(),
            release,
            snapshots,
            watcher,
            changes,
            sources: Sources::default(),
        };
        Ok((watch, running))
    }

    /// Replaces changed functions of `lambda` while it is polled, and reports each result by `say`.
    pub async fn run(mut self, lambda: Lambda, say: impl Fn(String)) {
        let mut announced = false;
        loop {
            // Watching starts before the build, so a change during the build is not missed.
            let replaced = match self.watch_sources().await {
                Ok(()) => self.rebuild(&lambda).await,
                Err(error) => Err(error),
            };
            match replaced {
                Ok(names) if names.is_empty() => {}
                Ok(names) => say(format!("Replaced {}.", names.join(", "))),
                Err(error) => say(format!(
                    "Nothing replaced, the old functions keep running: {error}"
                )),
            }
            if !announced {
                announced = true;
                say("Watching the functions' sources.".to_owned());
            }
            if self.change().await.is_none() {
                return;
            }
        }
    }

    async fn watch_sources(&mut self) -> Result<(), ReplaceError> {
        let sources = Sources::of(&self.stack).await?;
        for (folder, recursive) in sources.folders() {
            // Watching a folder again costs nothing.
            let mode = if recursive {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            self.watcher.watch(folder, mode)?;
        }
        self.sources = sources;
        Ok(())
    }

    /// Builds, and returns the names of the replaced functions.
    async fn rebuild(&mut self, lambda: &Lambda) -> Result<Vec<String>, ReplaceError> {
        let built = executables::build(&self.stack, self.release).await?;
        let changed = self.snapshots.take(&built)?;
        lambda.replace(&changed)?;
        let name = |id: &String| {
            let function = self.stack.functions.get(id);
            function.map_or_else(|| id.clone(), |function| function.name.clone())
        };
        Ok(changed.keys().map(name).collect())
    }

    /// Waits for a change of a source. Returns `None` if no more changes will be reported.
    async fn change(&mut self) -> Option<()> {
        loop {
            let path = self.changes.recv().await?;
            if self.sources.contains(&path) {
                break;
            }
        }
        sleep(SETTLING).await;
        // The next build sees everything that has changed until now.
        while self.changes.try_recv().is_ok() {}
        Some(())
    }
}

/// Why no function was replaced.
#[derive(Debug, thiserror::Error)]
enum ReplaceError {
    #[error(transparent)]
    Cargo(#[from] CargoError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Watcher(#[from] notify::Error),
    #[error("cannot link the executables into a folder beside them: {0}")]
    Snapshot(#[from] io::Error),
    #[error(transparent)]
    Lambda(#[from] LambdaError),
}

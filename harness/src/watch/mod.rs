//! `--watch`: when a source file changes the functions are built again, and those whose executables have changed are
//! replaced while everything else stays as it is. What a change concerns is cargo's judgement and nobody else's.

mod snapshots;
mod sources;

use std::{collections::BTreeMap, io, path::PathBuf, time::Duration};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::mpsc, time::sleep};

use self::{snapshots::Snapshots, sources::Sources};
use crate::{
    executables::{self, BuildError},
    lambda::Lambda,
    stack::Stack,
};

/// Programs write files in several steps, and often several files at once.
const SETTLING: Duration = Duration::from_millis(50);

/// Why sources cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system watches no files, or no more of them.
    #[error("the sources cannot be watched")]
    Watcher(#[from] notify::Error),
    /// The executables cannot be put aside.
    #[error("the executables cannot be linked beside themselves")]
    Snapshot(#[from] io::Error),
}

/// What is built, and what of it runs.
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
    /// Watches nothing yet. The second value is what is to be run: links to `executables`, which the next build cannot
    /// change.
    ///
    /// # Errors
    /// If the system has no means for one of the two.
    pub fn new(
        stack: &Stack,
        executables: &BTreeMap<String, PathBuf>,
        release: bool,
    ) -> Result<(Self, BTreeMap<String, PathBuf>), WatchError> {
        let mut snapshots = Snapshots::beside(executables)?;
        let running = snapshots.take(executables)?;
        let (sender, changes) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error of the watcher tells of no file. Reading a file, as cargo does all the time, is no change.
            let Ok(event) = event else { return };
            if matches!(
                event.kind,
                EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_)
            ) {
                for path in event.paths {
                    // Nobody listens any more when everything ends.
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

    /// Replaces functions of `lambda` for as long as this is polled, and tells the person at the terminal by `say`.
    pub async fn run(mut self, lambda: Lambda, say: impl Fn(String)) {
        let mut announced = false;
        loop {
            // Watched first and built then: nothing that changes meanwhile is missed.
            let replaced = match self.look().await {
                Ok(()) => self.rebuild(&lambda).await,
                Err(error) => Err(error),
            };
            match replaced {
                Ok(names) if names.is_empty() => {}
                Ok(names) => say(format!("Replaced {}.", names.join(", "))),
                Err(error) => say(format!("Not replaced, all runs on as it was: {error}")),
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

    /// Finds out what the functions are made of, and watches it.
    async fn look(&mut self) -> Result<(), Failure> {
        let sources = Sources::of(&self.stack).await?;
        for (folder, recursive) in sources.folders() {
            // A folder that was watched before is watched again at no cost.
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

    /// The names of the functions that it has replaced.
    async fn rebuild(&mut self, lambda: &Lambda) -> Result<Vec<String>, Failure> {
        let built = executables::build(&self.stack, self.release).await?;
        let changed = self.snapshots.take(&built)?;
        lambda.replace(&changed)?;
        let name = |id: &String| {
            let function = self.stack.functions.get(id);
            function.map_or_else(|| id.clone(), |function| function.name.clone())
        };
        Ok(changed.keys().map(name).collect())
    }

    /// Waits until a source has changed. Nothing means that it never will.
    async fn change(&mut self) -> Option<()> {
        loop {
            let path = self.changes.recv().await?;
            if self.sources.hold(&path) {
                break;
            }
        }
        sleep(SETTLING).await;
        // What came until now is in the files that the next build reads.
        while self.changes.try_recv().is_ok() {}
        Some(())
    }
}

/// Why nothing was replaced.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Watcher(#[from] notify::Error),
    #[error("the executables cannot be linked beside themselves: {0}")]
    Snapshot(#[from] io::Error),
    #[error(transparent)]
    Lambda(#[from] crate::lambda::LambdaError),
}

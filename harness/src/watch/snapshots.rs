//! The executables that run, apart from those that cargo writes: a build that fails half-way, or is still under way, must
//! not show in any process that starts meanwhile.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};

/// Beside the executables.
const FOLDER: &str = "harness-running";

/// Links to executables, at `FOLDER/PROCESS/FUNCTION/NUMBER/BINARY`; removed when this is dropped.
#[derive(Debug)]
pub(super) struct Snapshots {
    folder: PathBuf,
    /// By logical id.
    taken: BTreeMap<String, Taken>,
    number: u64,
}

/// What an executable was when it was linked.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

#[derive(Debug)]
struct Taken {
    stamp: Stamp,
    folder: PathBuf,
    /// It may be started until the function has been replaced, so it goes only with the next one.
    previous: Option<PathBuf>,
}

impl Snapshots {
    /// On the same file system as the executables, since links cannot leave it.
    pub fn beside(executables: &BTreeMap<String, PathBuf>) -> io::Result<Self> {
        let beside = executables
            .values()
            .next()
            .and_then(|executable| executable.parent())
            .map_or_else(std::env::temp_dir, Path::to_owned)
            .join(FOLDER);
        fs::create_dir_all(&beside)?;
        sweep(&beside)?;
        let folder = beside.join(std::process::id().to_string());
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            taken: BTreeMap::new(),
            number: 0,
        })
    }

    /// Links to those of `executables` that differ from what was linked before.
    pub fn take(
        &mut self,
        executables: &BTreeMap<String, PathBuf>,
    ) -> io::Result<BTreeMap<String, PathBuf>> {
        let mut changed = BTreeMap::new();
        for (logical_id, executable) in executables {
            let stamp = Stamp::of(executable)?;
            let before = self.taken.get(logical_id);
            if before.is_some_and(|taken| taken.stamp == stamp) {
                continue;
            }
            self.number += 1;
            let folder = self.folder.join(logical_id).join(self.number.to_string());
            fs::create_dir_all(&folder)?;
            let link = folder.join(executable.file_name().unwrap_or_default());
            // A bootstrap may be on another file system.
            fs::hard_link(executable, &link)
                .or_else(|_| fs::copy(executable, &link).map(|_| ()))?;
            let before = self.taken.remove(logical_id);
            let mut previous = None;
            if let Some(before) = before {
                if let Some(oldest) = before.previous {
                    fs::remove_dir_all(oldest)?;
                }
                previous = Some(before.folder);
            }
            let taken = Taken {
                stamp,
                folder,
                previous,
            };
            self.taken.insert(logical_id.clone(), taken);
            changed.insert(logical_id.clone(), link);
        }
        Ok(changed)
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        // What is left of it, the next harness sweeps away.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Stamp {
    fn of(executable: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(executable)?;
        Ok(Self {
            modified: metadata.modified()?,
            bytes: metadata.len(),
        })
    }
}

/// Removes what harnesses that were killed have left.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let process = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let ended = process.is_none_or(|id| kill(Pid::from_raw(id), None) == Err(Errno::ESRCH));
        if ended {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_what_has_changed_is_linked_and_the_link_stays_as_it_was() {
        let folder = std::env::temp_dir().join(format!("harness-{}", Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let executables: BTreeMap<_, _> = ["one", "two"]
            .map(|name| (name.to_owned(), folder.join(name)))
            .into();
        for executable in executables.values() {
            fs::write(executable, "old").unwrap();
        }
        fs::create_dir_all(folder.join(FOLDER).join("left by somebody")).unwrap();

        let mut snapshots = Snapshots::beside(&executables).unwrap();
        assert!(!folder.join(FOLDER).join("left by somebody").exists());
        let first = snapshots.take(&executables).unwrap();
        assert_eq!(first.len(), 2);
        // As linkers do it: the name gets another file.
        fs::remove_file(&executables["two"]).unwrap();
        fs::write(&executables["two"], "newer").unwrap();
        let second = snapshots.take(&executables).unwrap();
        assert_eq!(second.keys().collect::<Vec<_>>(), ["two"]);
        assert_eq!(fs::read(&first["two"]).unwrap(), b"old");
        assert_eq!(fs::read(&second["two"]).unwrap(), b"newer");
        assert!(snapshots.take(&executables).unwrap().is_empty());

        drop(snapshots);
        assert!(!first["one"].exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}

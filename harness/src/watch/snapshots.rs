//! Snapshots of the executables, which cargo does not overwrite: processes that start during a
//! build, or after a failed one, must still run the old code.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};

/// The folder beside the executables.
const FOLDER: &str = "harness-running";

/// Links to executables at `FOLDER/PROCESS/FUNCTION/NUMBER/BINARY`, removed on drop.
#[derive(Debug)]
pub(super) struct Snapshots {
    folder: PathBuf,
    /// By logical id.
    taken: BTreeMap<String, Taken>,
    number: u64,
}

/// Distinguishes two versions of an executable.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

#[derive(Debug)]
struct Taken {
    stamp: Stamp,
    folder: PathBuf,
    /// The folder of the version before. Processes may start from it until the function has been
    /// replaced, so it is removed together with the next version.
    previous: Option<PathBuf>,
}

impl Snapshots {
    /// Creates the folder beside the executables, since hard links must be on the same file system.
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

    /// Links the executables that have changed since the last call, and returns the links.
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
        // The next start of a harness removes what is left.
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

/// Removes the folders of processes that have ended without cleaning up.
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
    use super::*;

    #[test]
    fn only_changed_executables_are_linked_and_old_links_keep_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let executables: BTreeMap<_, _> = ["one", "two"]
            .map(|name| (name.to_owned(), folder.join(name)))
            .into();
        for executable in executables.values() {
            fs::write(executable, "old").unwrap();
        }
        fs::create_dir_all(folder.join(FOLDER).join("stale")).unwrap();

        let mut snapshots = Snapshots::beside(&executables).unwrap();
        assert!(!folder.join(FOLDER).join("stale").exists());
        let first = snapshots.take(&executables).unwrap();
        assert_eq!(first.len(), 2);
        // As a linker does: a new file replaces the old one.
        fs::remove_file(&executables["two"]).unwrap();
        fs::write(&executables["two"], "newer").unwrap();
        let second = snapshots.take(&executables).unwrap();
        assert_eq!(second.keys().collect::<Vec<_>>(), ["two"]);
        assert_eq!(fs::read(&first["two"]).unwrap(), b"old");
        assert_eq!(fs::read(&second["two"]).unwrap(), b"newer");
        assert!(snapshots.take(&executables).unwrap().is_empty());

        drop(snapshots);
        assert!(!first["one"].exists());
    }
}

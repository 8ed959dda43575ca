//! Kills the functions if the harness itself is killed.
//!
//! Most functions would end on their own: the kernel hangs up a frozen process group whose parent
//! is gone, and a process between two events loses its Runtime API. A process that hangs in the
//! middle of an event would stay. So a shell that has the list of groups waits for the end of its
//! standard input. The harness holds the other end.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use nix::unistd::Pid;

/// Reads lines of `+ GROUP` and `- GROUP`. At the end of input it kills the groups that are left.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
groups=' '
while read -r change group; do
    case $change in
        +) groups="$groups$group " ;;
        -) groups="${groups%% $group *} ${groups#* $group }" ;;
    esac
done
for group in $groups; do
    kill -s KILL -- "-$group"
done
"#;

/// The running shell. Dropping it kills the groups that are still watched and ends the shell.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
    changes: Mutex<Option<ChildStdin>>,
}

/// One process group that is killed with the harness. Drop it when the group is gone.
#[derive(Debug)]
pub(super) struct Watched {
    watchdog: Arc<Watchdog>,
    group: Pid,
}

impl Watchdog {
    pub fn start() -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // A group may be gone before it is killed.
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let changes = Mutex::new(shell.stdin.take());
        Ok(Self { shell, changes })
    }

    pub fn watch(self: &Arc<Self>, group: Pid) -> Watched {
        self.report('+', group);
        Watched {
            watchdog: Arc::clone(self),
            group,
        }
    }

    fn report(&self, change: char, group: Pid) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(changes) = changes.as_mut() {
            // One write, so that a line is whole or absent. On failure the harness continues
            // without its watchdog.
            let _ = changes.write_all(format!("{change} {group}\n").as_bytes());
        }
    }
}

impl Watched {
    pub fn group(&self) -> Pid {
        self.group
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let changes = self
            .changes
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        drop(changes.take());
        // An error means that the shell has ended already.
        let _ = self.shell.wait();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watchdog.report('-', self.group);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn sleeper() -> (Child, Pid) {
        let child = Command::new("sleep")
            .arg("1000")
            .process_group(0)
            .spawn()
            .unwrap();
        let group = Pid::from_raw(child.id().try_into().unwrap());
        (child, group)
    }

    #[test]
    fn only_groups_that_are_still_watched_are_killed_at_the_end() {
        let watchdog = Arc::new(Watchdog::start().unwrap());
        let [(mut first, a), (mut released, b), (mut last, c)] = [sleeper(), sleeper(), sleeper()];
        let watched = [a, b, c].map(|group| watchdog.watch(group));
        let [keep_first, release, keep_last] = watched;
        drop(release);
        // The pipe closes without a release of the groups, as when the harness is killed.
        drop(watchdog.changes.lock().unwrap().take());
        for killed in [&mut first, &mut last] {
            assert_eq!(killed.wait().unwrap().signal(), Some(9));
        }
        drop((keep_first, keep_last, watchdog));
        assert_eq!(released.try_wait().unwrap(), None);
        released.kill().unwrap();
        released.wait().unwrap();
    }
}

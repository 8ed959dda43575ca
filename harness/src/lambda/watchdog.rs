//! Ends the functions if the harness is killed and can end nothing any more.
//!
//! Most would go by themselves: the kernel hangs up on a frozen process group whose parent is gone, and a process
//! between two events loses its Runtime API. One that hangs in the middle of an event would stay for ever. So a shell,
//! which holds nothing but the list of groups, waits for the end of its standard input: the harness has the other end.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use nix::unistd::Pid;

/// `+ GROUP` and `- GROUP`, line by line; at the end, whatever is left is killed.
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

/// The running shell; when this is dropped it kills what is still watched, and ends.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
    changes: Mutex<Option<ChildStdin>>,
}

/// One process group that dies with the harness. Dropping it says that the group is gone.
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
        self.tell('+', group);
        Watched {
            watchdog: Arc::clone(self),
            group,
        }
    }

    fn tell(&self, change: char, group: Pid) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(changes) = changes.as_mut() {
            // One write, so that a line is whole or absent. A dead watchdog is no reason to stop working.
            let _ = changes.write_all(format!("{change} {group}\n").as_bytes());
        }
    }
}

impl Watched {
    /// Its number.
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
        // An error means that it has ended long ago.
        let _ = self.shell.wait();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watchdog.tell('-', self.group);
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
    fn what_is_still_watched_at_the_end_is_killed_and_nothing_else() {
        let watchdog = Arc::new(Watchdog::start().unwrap());
        let [(mut first, a), (mut released, b), (mut last, c)] = [sleeper(), sleeper(), sleeper()];
        let watched = [a, b, c].map(|group| watchdog.watch(group));
        let [keep_first, release, keep_last] = watched;
        drop(release);
        // As when the harness is killed: the pipe ends, and nobody says that the groups are gone.
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

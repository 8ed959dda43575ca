//! Which process is at the other end of a connection to the Runtime API.
//!
//! `AWS_LAMBDA_RUNTIME_API` is `host:port` without a path or a credential, and not every runtime
//! would keep either: the Rust runtime accepts a path only after a scheme, curl in a shell only
//! without one, and Node.js drops it. So the process itself is checked. The functions here read
//! files or run a program, so they block.

#[cfg(target_os = "linux")]
mod inode;

use std::{io, net::SocketAddr};

use nix::unistd::Pid;

/// Whether the connection from `client` to `server` belongs to the process group `group`, or to a
/// process that one of its members has started. Fails if the system does not say.
pub(super) fn is_in_group(group: Pid, client: SocketAddr, server: SocketAddr) -> io::Result<bool> {
    system::is_in_group(group.as_raw(), client, server)
}

#[cfg(target_os = "linux")]
mod system {
    use std::{collections::HashMap, io, net::SocketAddr};

    use procfs::{
        ProcError,
        process::{FDTarget, Process, Stat, all_processes},
    };

    use super::inode;

    pub fn is_in_group(group: i32, client: SocketAddr, server: SocketAddr) -> io::Result<bool> {
        let Some(socket) = inode::of(client, server)? else {
            return Ok(false);
        };
        // Most runtimes are a single process, which leads the group.
        if Process::new(group).is_ok_and(|leader| holds(&leader, socket)) {
            return Ok(true);
        }
        let processes: HashMap<i32, (Process, Stat)> = all_processes()
            .map_err(error)?
            // A process may end while the list is read.
            .filter_map(|process| {
                let process = process.ok()?;
                let stat = process.stat().ok()?;
                Some((stat.pid, (process, stat)))
            })
            .collect();
        let descends = |stat: &Stat| {
            let mut stat = stat;
            // The bound ends a cycle of parents, which reused process ids could form.
            for _ in 0..processes.len() {
                if stat.pgrp == group {
                    return true;
                }
                match processes.get(&stat.ppid) {
                    Some((_, parent)) => stat = parent,
                    None => return false,
                }
            }
            false
        };
        Ok(processes
            .values()
            .any(|(process, stat)| descends(stat) && holds(process, socket)))
    }

    fn holds(process: &Process, socket: u64) -> bool {
        // Only the owner of a process may list its files.
        process.fd().is_ok_and(|mut files| {
            files.any(|file| file.is_ok_and(|file| file.target == FDTarget::Socket(socket)))
        })
    }

    fn error(error: ProcError) -> io::Error {
        io::Error::other(error)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::{io, net::SocketAddr, process::Command};

    /// Descendants outside the group are not found: lsof selects by group.
    pub fn is_in_group(group: i32, client: SocketAddr, server: SocketAddr) -> io::Result<bool> {
        let output = Command::new("lsof")
            .args(["-a", "-n", "-P", "-F", "n", "-g"])
            .arg(group.to_string())
            .arg("-i")
            .arg(format!("TCP:{}", client.port()))
            .output()?;
        let sockets = String::from_utf8_lossy(&output.stdout);
        Ok(super::lists(&sockets, client, server))
    }
}

/// Whether the output of `lsof -n -P -F n` has the connection.
#[cfg(any(test, not(target_os = "linux")))]
fn lists(sockets: &str, client: SocketAddr, server: SocketAddr) -> bool {
    let connection = format!("n{client}->{server}");
    sockets.lines().any(|line| line == connection)
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        os::unix::process::CommandExt,
        process::{Child, Command},
    };

    use nix::unistd::getpgrp;

    use super::*;

    /// Starts bash with `script` in a group of its own. `$1` is the port of `listener`.
    fn bash(script: &str, listener: &TcpListener) -> Child {
        Command::new("bash")
            .args(["-c", script, "bash"])
            .arg(listener.local_addr().unwrap().port().to_string())
            .process_group(0)
            .spawn()
            .unwrap()
    }

    fn group(child: &Child) -> Pid {
        Pid::from_raw(child.id().try_into().unwrap())
    }

    #[test]
    fn connections_of_the_group_and_of_its_descendants_are_distinguished_from_others() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let connect = "exec 3<>/dev/tcp/127.0.0.1/$1; read -r <&3";
        // With job control a background process has a group of its own.
        let descendant = format!("set -m; ({connect}) & wait");
        let mut children = [connect, &descendant].map(|script| bash(script, &listener));
        for _ in &children {
            let (_stream, client) = listener.accept().unwrap();
            let owners = children
                .each_ref()
                .map(|child| is_in_group(group(child), client, server).unwrap());
            assert_eq!(owners.iter().filter(|owner| **owner).count(), 1);
        }
        for child in &mut children {
            child.wait().unwrap();
        }
    }

    #[test]
    fn a_connection_of_this_process_is_not_of_another_group() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let ours = TcpStream::connect(server).unwrap();
        let client = ours.local_addr().unwrap();
        let mut other = bash("read -r", &listener);
        assert!(!is_in_group(group(&other), client, server).unwrap());
        assert!(is_in_group(getpgrp(), client, server).unwrap());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn the_connection_is_found_in_the_output_of_lsof() {
        let sockets = "p4711\nf3\nn127.0.0.1:8000->127.0.0.1:9001\n\
                       f4\nn127.0.0.1:50124->127.0.0.1:9001\n";
        let found = |client: &str| {
            lists(
                sockets,
                client.parse().unwrap(),
                "127.0.0.1:9001".parse().unwrap(),
            )
        };
        assert!(found("127.0.0.1:50124"));
        assert!(!found("127.0.0.1:5012"));
        assert!(!found("127.0.0.1:50125"));
    }
}

//! One process of a function: spawned with a cleared environment in a process group of its own, stopped and continued,
//! killed.
//!
//! The group keeps the terminal's Ctrl-C away from it.

use std::{fs, io, net::Ipv4Addr, process::ExitStatus, process::Stdio, sync::Arc};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{Instant, sleep_until, timeout},
};

use super::{
    environment::Deployment,
    invocation_error::InvocationError,
    output::Output,
    runtime_api::{Call, RuntimeApi, SHUTDOWN_GRACE},
    watchdog::{Watchdog, Watched},
};

/// Everything that can happen while a process lives.
#[derive(Debug)]
pub(super) enum Happening {
    Called(Call),
    Exited(ExitStatus),
    TimedOut,
}

/// A live process; it is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    deployment: Arc<Deployment>,
    child: Child,
    /// The child leads its group, so both have one number. Nothing once the child is gone: the number may then be
    /// somebody else's.
    group: Option<Watched>,
    output: Output,
    api: RuntimeApi,
}

impl Process {
    /// Starts the function's executable. Its output goes to the log, line by line.
    pub async fn spawn(
        deployment: &Arc<Deployment>,
        watchdog: &Arc<Watchdog>,
    ) -> Result<Self, InvocationError> {
        Self::try_spawn(deployment, watchdog)
            .await
            .map_err(|error| {
                InvocationError::NotStarted(format!("{}: {error}", deployment.executable.display()))
            })
    }

    async fn try_spawn(deployment: &Arc<Deployment>, watchdog: &Arc<Watchdog>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let mut child = Command::new(&deployment.executable)
            .env_clear()
            .envs(deployment.variables(&address))
            .current_dir(deployment.directory())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let mut output = Output::default();
        if let Some(stdout) = child.stdout.take() {
            output.read(deployment, stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            output.read(deployment, stderr);
        }
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(|id| watchdog.watch(Pid::from_raw(id)));
        let api = RuntimeApi::serve(listener, Arc::clone(deployment));
        Ok(Self {
            deployment: Arc::clone(deployment),
            child,
            group,
            output,
            api,
        })
    }

    /// Waits for whatever comes first. Calls come before the end of a process that made them.
    pub async fn next(&mut self, deadline: Option<Instant>) -> Happening {
        let timed_out = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(call) = self.api.calls.recv() => Happening::Called(call),
            status = self.child.wait() => {
                // Its own children go with it, as they would with the sandbox around them.
                self.signal(Signal::SIGKILL);
                self.group = None;
                // An error means that there is no such child any more, so how it ended stays unknown.
                Happening::Exited(status.unwrap_or_default())
            }
            () = timed_out => Happening::TimedOut,
        }
    }

    /// What it runs.
    pub fn deployment(&self) -> &Arc<Deployment> {
        &self.deployment
    }

    /// What it writes.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The most memory that it has had until now, in bytes. Nothing once it is gone, or where the system does not tell.
    pub fn memory_used(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Stops all its threads where they are: nothing that a function left running goes on between events.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Kills the whole group, also when it is frozen, and waits for the end.
    pub async fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        // An error means that there is nothing left to wait for.
        let _ = self.child.wait().await;
        self.group = None;
    }

    /// Ends it as Lambda ends an environment it no longer needs: a process without an extension is killed.
    pub async fn shut_down(mut self) {
        if self.api.wants_shutdown() {
            self.api.shut_down();
            self.signal(Signal::SIGTERM);
            self.thaw();
            // Both outcomes, ended and out of time, go on with the kill.
            let _ = timeout(SHUTDOWN_GRACE, self.child.wait()).await;
        }
        self.kill().await;
    }

    fn signal(&self, signal: Signal) {
        if let Some(watched) = &self.group {
            // The group may be gone already.
            let _ = killpg(watched.group(), signal);
        }
    }
}

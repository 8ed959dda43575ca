//! One process of a function: spawned with a cleared environment in its own process group, frozen,
//! thawed and killed.
//!
//! The group shields it from the terminal's Ctrl-C.

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
use crate::trace::Trace;

/// Everything that can happen to a live process.
#[derive(Debug)]
pub(super) enum Happening {
    Called(Call),
    Exited(ExitStatus),
    TimedOut,
}

/// A live process. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Process {
    deployment: Arc<Deployment>,
    child: Child,
    /// The child leads its group, so both have the same number. `None` after the child's end:
    /// another process may get the number.
    group: Option<Watched>,
    output: Output,
    api: RuntimeApi,
}

impl Process {
    /// Starts the function's executable. Its output goes to the log line by line.
    pub async fn spawn(
        deployment: &Arc<Deployment>,
        watchdog: &Arc<Watchdog>,
        trace: &Trace,
    ) -> Result<Self, InvocationError> {
        Self::try_spawn(deployment, watchdog, trace)
            .await
            .map_err(|error| {
                InvocationError::NotStarted(format!("{}: {error}", deployment.executable.display()))
            })
    }

    async fn try_spawn(
        deployment: &Arc<Deployment>,
        watchdog: &Arc<Watchdog>,
        trace: &Trace,
    ) -> io::Result<Self> {
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
        let mut output = Output::new(trace.clone());
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
        let callers = group.as_ref().map(Watched::group);
        let api = RuntimeApi::serve(listener, Arc::clone(deployment), callers)?;
        Ok(Self {
            deployment: Arc::clone(deployment),
            child,
            group,
            output,
            api,
        })
    }

    /// Waits for the next happening. Calls of the process come before its exit.
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
                // Its children are killed with it, as with a real sandbox.
                self.signal(Signal::SIGKILL);
                self.group = None;
                // An error means that the child is unknown to the system, and so is its exit
                // status.
                Happening::Exited(status.unwrap_or_default())
            }
            () = timed_out => Happening::TimedOut,
        }
    }

    pub fn deployment(&self) -> &Arc<Deployment> {
        &self.deployment
    }

    /// Returns its number in the system, unless it has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Returns the peak memory in bytes, or `None` after its end or where the system does not
    /// report it.
    pub fn memory_used(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Stops all threads, so that background work of a function does not run between events.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Resumes all threads.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Kills the whole group, frozen or not, and waits for the end.
    pub async fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        // An error means that the child is gone already.
        let _ = self.child.wait().await;
        self.group = None;
    }

    /// Ends the process as Lambda ends an unused environment: without an extension it is killed.
    pub async fn shut_down(mut self) {
        if self.api.wants_shutdown() {
            self.api.shut_down();
            self.signal(Signal::SIGTERM);
            self.thaw();
            // The kill follows in either case.
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

//! Lambda: runs unchanged function binaries through the Runtime API, one event at a time per
//! process, with AWS's limits. A process starts when an event needs one, is frozen while it waits
//! for work, and is reused.
//!
//! From the outside inwards:
//! - [`Lambda`] finds a function by name.
//! - `pool` queues a function's events and counts its processes.
//! - `sandbox` is the life of one process.
//! - `process` spawns and signals it.
//! - `runtime_api` is the HTTP interface that it polls, and `origin` finds out who polls.
//!
//! Deliberately left out: layers, external extensions, SnapStart, destinations of asynchronous
//! invocations, and the detection of recursive loops.

mod environment;
mod facts;
mod invocation;
mod invocation_error;
mod invoke_api;
mod invoke_api_error;
mod occupancy;
mod origin;
mod output;
mod pool;
mod process;
mod report;
mod runtime_api;
mod sandbox;
mod waiting;
mod watchdog;

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::body::Bytes;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};

use crate::{
    faults::Faults,
    iam::Access,
    invoke::{Invoke, InvokeError, Outcome, Queued},
    stack::{ACCOUNT, Code, REGION, Stack},
};
use environment::Deployment;
use invocation::Request;
use pool::{Occupation, Pool};
use watchdog::Watchdog;

/// The largest payload of a synchronous invocation, in bytes.
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// Concurrent events of all functions of an account, unless AWS raises the limit.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>
pub(crate) const ACCOUNT_CONCURRENCY: usize = 1_000;
/// The part of it that cannot be reserved.
pub(crate) const UNRESERVED_CONCURRENCY: usize = 100;

/// How functions run.
#[derive(Debug)]
pub struct Settings {
    /// The maximum number of processes of one function, at least 1. Further events wait in order,
    /// up to the concurrency limit of an AWS account.
    pub concurrency: usize,
    /// The listeners of the Invoke API. May be empty. The Runtime API does not use them: each
    /// process has its own port.
    pub invoke_listeners: Vec<TcpListener>,
    /// Variables that every function gets, whatever the template says: the endpoints of the local
    /// services.
    pub environment: BTreeMap<String, String>,
    /// The keys and permissions of the functions.
    pub access: Access,
    /// The faults injected into invocations and processes.
    pub faults: Faults,
}

/// Why the functions cannot run.
#[derive(Debug, thiserror::Error)]
pub enum LambdaError {
    /// A function of the template has no built executable.
    #[error("function {0} has no executable")]
    NoExecutable(String),
    /// [`Settings::access`] was built from another stack.
    #[error("function {0} has no access key")]
    NoCredentials(String),
    /// The executable does not exist or is not a file.
    #[error("the executable of function {function} is not a file: {}", path.display())]
    NoFile {
        /// Its logical id.
        function: String,
        /// The path of the missing executable.
        path: PathBuf,
    },
    /// Without processes no event would run.
    #[error("the concurrency must be at least 1")]
    NoConcurrency,
    /// The shell that kills the functions if the harness is killed cannot start.
    #[error("cannot start /bin/sh: {0}")]
    Watchdog(#[source] io::Error),
}

/// The functions of one stack. Clones share them.
///
/// Dropping the last clone kills the processes. [`Lambda::stop`] also waits for their end.
#[derive(Clone, Debug)]
pub struct Lambda(Arc<Functions>);

#[derive(Debug)]
struct Functions {
    /// By logical id, function name and binary name.
    by_name: HashMap<String, Arc<Pool>>,
    stopping: watch::Sender<bool>,
}

impl Lambda {
    /// Makes every function of `stack` callable. `executables` has a file for each logical id.
    ///
    /// Processes start with their first event. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// Fails if an executable is missing, or if [`Settings::concurrency`] is zero.
    pub fn start(
        stack: &Stack,
        executables: &BTreeMap<String, PathBuf>,
        settings: Settings,
    ) -> Result<Self, LambdaError> {
        if settings.concurrency == 0 {
            return Err(LambdaError::NoConcurrency);
        }
        let (stopping, stopped) = watch::channel(false);
        let watchdog = Arc::new(Watchdog::start().map_err(LambdaError::Watchdog)?);
        let reserved = stack
            .functions
            .values()
            .filter_map(|function| function.reserved_concurrency);
        let unreserved = ACCOUNT_CONCURRENCY.saturating_sub(reserved.sum());
        let unreserved = Arc::new(Semaphore::new(unreserved.max(UNRESERVED_CONCURRENCY)));
        let mut pools = Vec::new();
        for (logical_id, function) in &stack.functions {
            let path = executables
                .get(logical_id)
                .ok_or_else(|| LambdaError::NoExecutable(logical_id.clone()))?;
            let executable = file(logical_id, path)?;
            let credentials = settings
                .access
                .credentials(logical_id)
                .ok_or_else(|| LambdaError::NoCredentials(logical_id.clone()))?;
            let deployment =
                Deployment::new(function, executable, credentials, &settings.environment);
            let (limit, concurrency) = match function.reserved_concurrency {
                Some(reserved) => (
                    settings.concurrency.min(reserved),
                    Arc::new(Semaphore::new(reserved)),
                ),
                None => (settings.concurrency, Arc::clone(&unreserved)),
            };
            let pool = Pool::new(
                deployment,
                limit,
                concurrency,
                stopped.clone(),
                Arc::clone(&watchdog),
                settings.faults.clone(),
                |place| {
                    tokio::spawn(sandbox::live(place));
                },
            );
            pools.push((function, Arc::new(pool)));
        }
        // Logical ids first, so that another function's name cannot hide one.
        let mut by_name = HashMap::new();
        for (function, pool) in &pools {
            by_name.insert(function.logical_id.clone(), Arc::clone(pool));
        }
        for (function, pool) in &pools {
            by_name
                .entry(function.name.clone())
                .or_insert_with(|| Arc::clone(pool));
        }
        for (function, pool) in &pools {
            if let Code::Cargo { binary, .. } = &function.code {
                by_name
                    .entry(binary.clone())
                    .or_insert_with(|| Arc::clone(pool));
            }
        }
        let lambda = Self(Arc::new(Functions { by_name, stopping }));
        for listener in settings.invoke_listeners {
            // Weak: an open listener must not keep the processes of a dropped `Lambda` alive.
            let functions = Arc::downgrade(&lambda.0);
            invoke_api::serve(
                listener,
                functions,
                settings.access.clone(),
                settings.faults.clone(),
                stopped.clone(),
            );
        }
        Ok(lambda)
    }

    /// Ends every process, waits for the last one, and closes the Invoke API.
    ///
    /// Processes that registered an extension get Lambda's shutdown (`SIGTERM`, then half a
    /// second). The others are killed. Events that still wait fail.
    pub async fn stop(self) {
        self.0.stopping.send_replace(true);
        for pool in self.0.by_name.values() {
            pool.stopped().await;
        }
    }

    /// Replaces the code of running functions, by logical id.
    ///
    /// Events in progress finish with the old code. No event is lost, and no connection is closed.
    ///
    /// # Errors
    /// Fails if a function is unknown or a file is missing. Then nothing is replaced.
    pub fn replace(&self, executables: &BTreeMap<String, PathBuf>) -> Result<(), LambdaError> {
        let mut replaced = Vec::new();
        for (logical_id, path) in executables {
            let pool = self
                .find(logical_id)
                .map_err(|_| LambdaError::NoExecutable(logical_id.clone()))?;
            let executable = file(logical_id, path)?;
            replaced.push((pool, pool.deployment().with_executable(executable)));
        }
        for (pool, deployment) in replaced {
            pool.deploy(deployment);
        }
        Ok(())
    }

    /// Returns the functions by their logical ids, with their processes and events.
    pub(crate) fn occupations(&self) -> BTreeMap<String, (u32, Occupation)> {
        let pools = self.0.by_name.values();
        let occupations = pools.map(|pool| {
            let deployment = pool.deployment();
            let occupation = pool.occupation();
            (
                deployment.logical_id.clone(),
                (deployment.memory, occupation),
            )
        });
        occupations.collect()
    }

    fn find(&self, function: &str) -> Result<&Arc<Pool>, InvokeError> {
        self.0
            .by_name
            .get(unqualified(function))
            .ok_or_else(|| InvokeError::UnknownFunction(function.to_owned()))
    }
}

impl Invoke for Lambda {
    fn invoke(
        &self,
        function: &str,
        payload: Bytes,
        queued: Queued,
    ) -> impl Future<Output = Result<Outcome, InvokeError>> + Send {
        let accepted = self.find(function).and_then(|pool| {
            if payload.len() > MAX_PAYLOAD {
                return Err(InvokeError::TooLarge);
            }
            let request = Request {
                payload,
                ..Request::default()
            };
            pool.submit(request, Some(queued))
        });
        async move { Ok(accepted?.reply().await.outcome) }
    }
}

/// Returns the absolute path of a function's executable.
fn file(function: &str, path: &Path) -> Result<PathBuf, LambdaError> {
    path.canonicalize()
        .ok()
        .filter(|file| file.is_file())
        .ok_or_else(|| LambdaError::NoFile {
            function: function.to_owned(),
            path: path.to_owned(),
        })
}

/// Returns the name in `NAME`, `NAME:QUALIFIER`, `ACCOUNT:function:NAME` or a function's ARN.
fn unqualified(function: &str) -> &str {
    parted(function).0
}

/// Splits a function reference into the name and, if there is one, the version or alias.
fn parted(function: &str) -> (&str, Option<&str>) {
    let name = function
        .split_once("function:")
        .map_or(function, |(_, name)| name);
    name.split_once(':')
        .map_or((name, None), |(name, qualifier)| (name, Some(qualifier)))
}

fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_by_every_form_of_its_name() {
        for reference in [
            "send",
            "send:$LATEST",
            "123456789012:function:send",
            "arn:aws:lambda:us-east-1:123456789012:function:send",
            "arn:aws:lambda:us-east-1:123456789012:function:send:$LATEST",
        ] {
            assert_eq!(unqualified(reference), "send", "{reference}");
        }
    }
}

//! Lambda: runs unchanged function binaries through the Runtime API, one event at a time per process, with the real
//! limits. A process is started when an event needs one, frozen whenever it asks for work and there is none, and used
//! again.
//!
//! From the outside inwards: [`Lambda`] finds a function by name, its `pool` queues events and owns its processes, a
//! `sandbox` is the life of one process, `process` spawns and signals it, `runtime_api` is what it talks to.
//! Deliberately left out: layers, external extensions, SnapStart, asynchronous destinations.

mod environment;
mod invocation_error;
mod invoke_api;
mod output;
mod pool;
mod process;
mod report;
mod runtime_api;
mod sandbox;
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
use pool::{Pool, Request};
use watchdog::Watchdog;

/// The largest payload of a synchronous invocation, in bytes.
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// Events of all functions that an account may have at work at the same time, unless AWS grants it more.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>
const ACCOUNT_CONCURRENCY: usize = 1_000;
/// So many of them cannot be reserved.
const UNRESERVED_CONCURRENCY: usize = 100;

/// How the functions are run.
#[derive(Debug)]
pub struct Settings {
    /// The most processes of one function at a time; at least 1. Further events wait in order, as many as an account of
    /// AWS's may have at work.
    pub concurrency: usize,
    /// Where the Invoke API listens; may be empty. The Runtime API needs none: each process gets a port of its own.
    pub invoke_listeners: Vec<TcpListener>,
    /// Variables that every function sees, whatever the template says: the endpoints of the local services.
    pub environment: BTreeMap<String, String>,
    /// Has the keys of the functions, and knows who may invoke them.
    pub access: Access,
    /// What befalls invocations and processes.
    pub faults: Faults,
}

/// Why the functions cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub enum LambdaError {
    /// The template has a function without a built executable.
    #[error("function {0} has no executable")]
    NoExecutable(String),
    /// [`Settings::access`] was made for another stack.
    #[error("function {0} has no access key")]
    NoCredentials(String),
    /// The executable is not there, or is no file.
    #[error("the executable of function {function} is no file: {}", path.display())]
    NoFile {
        /// Logical id.
        function: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// With zero processes no event would ever be taken.
    #[error("the concurrency must be at least 1")]
    NoConcurrency,
    /// The shell that ends the functions if the harness is killed cannot be started.
    #[error("cannot start /bin/sh: {0}")]
    Watchdog(#[source] io::Error),
}

/// The functions of one stack. Clones are the same Lambda. When the last one is dropped the processes are killed;
/// [`Lambda::stop`] waits for that.
#[derive(Clone, Debug)]
pub struct Lambda(Arc<Functions>);

#[derive(Debug)]
struct Functions {
    /// By logical id, function name and binary.
    by_name: HashMap<String, Arc<Pool>>,
    stopping: watch::Sender<bool>,
}

impl Lambda {
    /// Makes every function of `stack` callable; `executables` has a file for each logical id. No process is started
    /// before its first event. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// An executable is missing, or [`Settings::concurrency`] is zero.
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
            );
            pools.push((function, Arc::new(pool)));
        }
        // Logical ids first, so that no other function's name can hide one.
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
            // Weak, so that an open door does not keep the processes of a forgotten Lambda.
            let functions = Arc::downgrade(&lambda.0);
            invoke_api::serve(
                listener,
                functions,
                settings.access.clone(),
                stopped.clone(),
            );
        }
        Ok(lambda)
    }

    /// Ends every process, waits until none is left, and closes the Invoke API. Processes that registered an
    /// extension get the shutdown that Lambda gives them (`SIGTERM`, then half a second); the others are killed.
    /// Events that still wait fail.
    pub async fn stop(self) {
        self.0.stopping.send_replace(true);
        for pool in self.0.by_name.values() {
            pool.stopped().await;
        }
    }

    /// Runs other code for functions that were started, by logical id. Events under way end with the old code; no event is
    /// lost, and no connection notices.
    ///
    /// # Errors
    /// A function is unknown or a file is missing; nothing has been replaced then.
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

/// The absolute path of a function's executable.
fn file(function: &str, path: &Path) -> Result<PathBuf, LambdaError> {
    path.canonicalize()
        .ok()
        .filter(|file| file.is_file())
        .ok_or_else(|| LambdaError::NoFile {
            function: function.to_owned(),
            path: path.to_owned(),
        })
}

/// The name in `NAME`, `NAME:QUALIFIER`, `ACCOUNT:function:NAME` or a function's ARN.
fn unqualified(function: &str) -> &str {
    parted(function).0
}

/// The name, and the version or alias if there is one.
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

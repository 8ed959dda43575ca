//! Starts the local stack, prints its addresses, and shuts it down cleanly.

mod addresses;
mod listeners;
mod port;
mod ports;
mod service;
mod services;
mod signals;
mod start_error;
mod terminal;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{sync::watch, task::JoinSet, time::timeout};

use self::{
    addresses::{Addresses, ReadyFile},
    listeners::Listeners,
    service::{Role, Setup, Stop},
    services::{LAMBDA, SERVICES},
    signals::Signals,
    terminal::{Storage, Summary, say},
};
pub use self::{port::ListenError, ports::Ports, start_error::StartError};
use crate::{
    bill::{Billing, Gauges},
    dynamodb::Browser,
    event_source::{self, EventSources},
    executables,
    export::Exports,
    faults::Faults,
    gateway::{clock::Clock, websocket::Connections},
    iam::{Access, Signatures},
    lambda::{self, Lambda},
    logs,
    options::Options,
    sqs::Queues,
    stack::{EventSource, Stack},
    template::{self, DynamicValues},
    trace::{self, Trace},
    watch::Watch,
};

/// How long the shutdown waits for open requests and `$disconnect` functions.
const GRACE: Duration = Duration::from_secs(10);

/// Runs a SAM template on this machine: API Gateway, Lambda, DynamoDB and an identity provider.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo dev")]
pub struct CommandLine {
    /// One port for each service.
    #[command(flatten)]
    pub ports: Ports,
    /// All other options.
    #[command(flatten)]
    pub options: Options,
}

/// Runs the stack until Ctrl-C or SIGTERM, or until the terminal closes.
///
/// # Errors
/// Fails if a part of the stack does not start. The parts that have started are stopped first.
pub async fn run(command_line: CommandLine) -> Result<(), StartError> {
    logs::install().map_err(|error| StartError::Process(error.into()))?;
    let mut signals = Signals::listen().map_err(|error| StartError::Process(error.into()))?;
    let running = tokio::select! {
        running = Running::start(command_line) => running?,
        () = signals.received() => return Ok(()),
    };
    signals.received().await;
    say("\nEnding …");
    running.stop().await;
    Ok(())
}

/// A running stack.
struct Running {
    /// The task of `--watch`.
    replacing: JoinSet<()>,
    callers: Callers,
    lambda: Lambda,
    called: Vec<Box<dyn Stop>>,
    billing: Billing,
    exports: Exports,
    ready: Option<ReadyFile>,
}

impl Running {
    async fn start(CommandLine { ports, options }: CommandLine) -> Result<Self, StartError> {
        let started = Instant::now();
        raise_file_limit();
        // Ports are opened first: the template needs their numbers, and a port in use is reported
        // at once.
        let mut listeners = Listeners::open(&ports)?;
        let setup = setup(options, &mut listeners)?;
        let (executables, watch) = build(&setup).await?;
        let addresses = Addresses::of(&setup);
        let exports = exports(&setup)?;

        let called = start_called(&setup, &mut listeners).await?;
        let settings = lambda::Settings {
            concurrency: setup.options.concurrency.get(),
            invoke_listeners: listeners.take(LAMBDA),
            environment: addresses.environment(),
            access: setup.access.clone(),
            faults: setup.faults.clone(),
        };
        let lambda = Lambda::start(&setup.stack, &executables, settings)?;
        let mut callers = Callers::start(&setup, &lambda, &mut listeners)?;
        callers.read_event_sources(&setup, &lambda).await?;

        let ready = ready_file(&setup.options, &addresses)?;
        say(format_args!(
            "\nReady after {:.1} s. Press Ctrl-C to stop.\n\n{addresses}\n{}\n",
            started.elapsed().as_secs_f32(),
            Storage(&setup.options)
        ));
        let mut replacing = JoinSet::new();
        if let Some(watch) = watch {
            replacing.spawn(watch.run(lambda.clone(), say));
        }
        Ok(Self {
            replacing,
            callers,
            lambda,
            called,
            billing: setup.billing,
            exports,
            ready,
        })
    }

    /// Stops the callers of functions first: their `$disconnect` functions still need the table.
    async fn stop(mut self) {
        self.replacing.shutdown().await;
        self.callers.stop().await;
        self.lambda.stop().await;
        if let Some(bill) = self.billing.bill(self.billing.prices()).await {
            say(format_args!("\n{bill}"));
        }
        for service in self.called {
            service.stop().await;
        }
        self.exports.stop().await;
        drop(self.ready);
    }
}

/// Loads the template, and prepares what the services share.
fn setup(options: Options, listeners: &mut Listeners) -> Result<Setup, StartError> {
    let current = std::env::current_dir().map_err(|error| StartError::Process(error.into()))?;
    let template = options
        .template_path(&current)
        .ok_or(StartError::NoTemplate)?;
    let ports = listeners.ports();
    let mut local = services::local(&ports);
    if let Some(path) = &options.secrets {
        let read = DynamicValues::read(path);
        local.dynamic_values = read.map_err(|source| StartError::Path {
            option: "--secrets",
            path: path.clone(),
            source,
        })?;
    }
    let stack = template::load(&template, &local, &options.parameters())?;
    listeners.open_further(&stack.http_apis, options.api_ports())?;
    say(format_args!("{}: {}", template.display(), Summary(&stack)));
    for notice in &stack.notices {
        tracing::warn!("{notice}");
    }

    let signatures = if options.no_signatures {
        Signatures::Ignored
    } else {
        Signatures::Verified
    };
    let clock = Clock::default();
    let trace = if options.no_trace {
        Trace::default()
    } else {
        Trace::new(trace::Settings {
            bodies: options.record_bodies,
            ..trace::Settings::default()
        })
    };
    let faults = Faults::recorded(clock.clone(), trace.clone());
    if let Some(plan) = &options.faults {
        faults.begin(plan.clone());
    }
    let queues = Queues::new(&stack.queues, clock.clone());
    let connections = Connections::new(faults.clone(), clock.clone());
    let browser = Arc::new(OnceLock::new());
    let gauges = gauges(&stack, &browser, &connections);
    let prices = options.prices.clone();
    Ok(Setup {
        billing: Billing::new(trace.clone(), clock.clone(), prices, gauges),
        trace,
        connections,
        browser,
        streams: OnceLock::new(),
        queues,
        web: options.web_path(&template),
        samples: options.samples_path(&template),
        access: Access::from_stack(&stack, signatures),
        options,
        stack,
        ports,
        further_ports: listeners.further_ports(),
        clock,
        faults,
    })
}

/// Returns what a bill reads when it is made.
fn gauges(stack: &Stack, browser: &Arc<OnceLock<Browser>>, connections: &Connections) -> Gauges {
    let tables: Arc<BTreeSet<_>> =
        Arc::new(stack.tables.iter().map(|it| it.name.clone()).collect());
    let (browser, connections) = (Arc::clone(browser), connections.clone());
    let sources = stack.event_sources.iter();
    let queues = sources.filter(|mapping| matches!(mapping.source, EventSource::Queue(_)));
    Gauges {
        polled_queues: queues.count(),
        stored: Arc::new(move || {
            let (tables, browser) = (Arc::clone(&tables), browser.get().cloned());
            Box::pin(async move {
                match browser {
                    Some(browser) => browser.size(&tables).await,
                    None => (0, 0),
                }
            })
        }),
        connected: Arc::new(move || connections.open_for()),
    }
}

fn exports(setup: &Setup) -> Result<Exports, StartError> {
    let options = &setup.options;
    let record = options.record.as_deref();
    Exports::start(&setup.trace, record, options.otlp.as_deref()).map_err(|source| {
        StartError::Path {
            option: "--record",
            path: options.record.clone().unwrap_or_default(),
            source,
        }
    })
}

/// Builds the functions. With `--watch` the returned executables are links, which later builds do
/// not replace.
async fn build(setup: &Setup) -> Result<(BTreeMap<String, PathBuf>, Option<Watch>), StartError> {
    let release = setup.options.release;
    let executables = executables::build(&setup.stack, release).await?;
    if !setup.options.watch {
        return Ok((executables, None));
    }
    let (watch, executables) = Watch::new(&setup.stack, &executables, release)?;
    Ok((executables, Some(watch)))
}

/// Starts the services that functions call.
async fn start_called(
    setup: &Setup,
    listeners: &mut Listeners,
) -> Result<Vec<Box<dyn Stop>>, StartError> {
    let mut running = Vec::new();
    for service in SERVICES {
        if let Role::Called(start) = service.role {
            running.push(start(setup, listeners.take(service)).await?);
        }
    }
    Ok(running)
}

/// The running services that call functions.
struct Callers {
    tasks: JoinSet<()>,
    close: watch::Sender<bool>,
}

impl Callers {
    fn start(
        setup: &Setup,
        lambda: &Lambda,
        listeners: &mut Listeners,
    ) -> Result<Self, StartError> {
        let (close, closed) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for service in SERVICES {
            if let Role::Caller(start) = service.role {
                let listeners = listeners.take(service);
                if let Some(task) = start(setup, lambda, listeners, closed.clone())? {
                    tasks.spawn(task);
                }
            }
        }
        let further = listeners.take_further();
        for task in services::start_further(setup, lambda, further, &closed)? {
            tasks.spawn(task);
        }
        Ok(Self { tasks, close })
    }

    /// Starts the event source mappings. What is written after that reaches the functions.
    async fn read_event_sources(
        &mut self,
        setup: &Setup,
        lambda: &Lambda,
    ) -> Result<(), StartError> {
        let Some(streams) = setup.streams.get() else {
            return Ok(());
        };
        let services = event_source::Services {
            streams: streams.clone(),
            queues: setup.queues.clone(),
            clock: setup.clock.clone(),
            faults: setup.faults.clone(),
        };
        let sources = EventSources::open(&setup.stack, services).await?;
        let closed = self.close.subscribe();
        self.tasks.spawn(sources.run(lambda.clone(), closed));
        Ok(())
    }

    async fn stop(&mut self) {
        self.close.send_replace(true);
        // A task that failed has stopped as well.
        let stopped = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(GRACE, stopped).await.is_err() {
            tracing::warn!(after = ?GRACE, "shutdown timed out: functions that still run are killed");
        }
    }
}

/// Raises the limit of open files to the hard limit, since every connection is a file and the usual
/// soft limit is about a thousand. On failure the current limit stays.
fn raise_file_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, files = soft, "cannot raise the limit of open files: it also limits the connections");
    }
}

fn ready_file(options: &Options, addresses: &Addresses) -> Result<Option<ReadyFile>, StartError> {
    let Some(path) = &options.ready_file else {
        return Ok(None);
    };
    let file = ReadyFile::write(path, addresses).map_err(|source| StartError::Path {
        option: "--ready-file",
        path: path.clone(),
        source,
    })?;
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }
}

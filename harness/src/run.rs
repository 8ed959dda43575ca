//! Starts everything in order, says where it is, and ends it without leaving anything behind.

mod addresses;
mod listeners;
mod start_error;

use std::{
    fmt, fs,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use self::{
    addresses::{Addresses, ReadyFile},
    listeners::Listeners,
};
pub use self::{listeners::ListenError, start_error::StartError};
use crate::{
    dynamodb::{self, Choice, Engine},
    executables,
    faults::{self, Faults},
    gateway::{
        clock::Clock,
        http, server,
        websocket::{self, Connections},
    },
    iam::{Access, Signatures},
    identity::Identity,
    lambda::{self, Lambda},
    logs,
    options::Options,
    page,
    stack::Stack,
    template,
    watch::Watch,
};

/// What local tokens are for.
const AUDIENCE: &str = "local-development";
/// Under `--data`.
const SIGNING_KEY: &str = "signing-key.p8";
/// How long requests and `$disconnect` functions under way may take at the end.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the stack until Ctrl-C, SIGTERM or the end of the terminal.
///
/// # Errors
/// If anything of it does not start. What has started until then is ended.
pub async fn run(options: Options) -> Result<(), StartError> {
    logs::install().map_err(|error| StartError::Process(error.into()))?;
    let mut end = End::awaited().map_err(|error| StartError::Process(error.into()))?;
    let running = tokio::select! {
        running = Running::start(options) => running?,
        () = end.asked_for() => return Ok(()),
    };
    end.asked_for().await;
    say("\nEnding …");
    running.stop().await;
    Ok(())
}

/// An open stack.
struct Running {
    /// With `--watch`; ended when it is dropped.
    replacing: JoinSet<()>,
    /// What calls functions.
    front: JoinSet<()>,
    front_closes: watch::Sender<bool>,
    lambda: Lambda,
    /// What functions call, and so what is open for longer.
    back: dynamodb::Proxy,
    engine: Engine,
    /// Removed when it is dropped.
    ready: Option<ReadyFile>,
}

impl Running {
    async fn start(options: Options) -> Result<Self, StartError> {
        let started = Instant::now();
        allow_many_files();
        // Ports first: that one is taken shows at once, and the template needs to know them.
        let listeners = Listeners::open(&options)?;
        let template = template_path(&options)?;
        let stack = template::load(&template, &listeners.local(AUDIENCE), &options.parameters())?;
        say(format_args!("{}: {}", template.display(), Summary(&stack)));
        let mut executables = executables::build(&stack, options.release).await?;
        let mut changes = None;
        if options.watch {
            let (watch, running) = Watch::new(&stack, &executables, options.release)?;
            executables = running;
            changes = Some(watch);
        }

        let identity = identity(&options, &listeners)?;
        let engine = engine(&options).await?;
        dynamodb::create_tables(&stack, engine.endpoint()).await?;

        let web = options.web_path(&template);
        let addresses = Addresses::of(&listeners, &stack, web.is_dir());
        let page = page(web, &listeners, &stack);
        let access = Access::from_stack(&stack, signatures(&options));
        let clock = Clock::default();
        let faults = Faults::new(clock.clone());
        if let Some(plan) = &options.faults {
            faults.begin(plan.clone());
        }
        let settings = lambda::Settings {
            concurrency: options.concurrency.get(),
            invoke_listeners: listeners.lambda.listeners,
            environment: addresses.environment(),
            access: access.clone(),
            faults: faults.clone(),
        };
        let lambda = Lambda::start(&stack, &executables, settings)?;
        let back = dynamodb::Proxy::open(
            listeners.dynamodb.listeners,
            engine.endpoint(),
            access.clone(),
            faults.clone(),
        )
        .map_err(|error| StartError::Proxy(error.into()))?;
        let (front_closes, closed) = watch::channel(false);
        let mut front = JoinSet::new();
        serve_websocket_api(
            &mut front,
            &stack,
            access,
            Connections::new(faults.clone(), clock.clone()),
            &lambda,
            listeners.ws.listeners,
            closed.clone(),
        )?;
        let apis = match &stack.http_api {
            Some(api) => http::router(Arc::new(api.clone()), lambda.clone(), page)?,
            None => page,
        };
        front.spawn(server::serve(
            listeners.http.listeners,
            identity
                .router()
                .merge(faults::router(faults, clock))
                .merge(apis),
            closed,
        ));

        let ready = ready_file(&options, &addresses)?;
        say(format_args!(
            "\nReady after {:.1} s, Ctrl-C ends it.\n\n{addresses}\nDynamoDB is {}.\n",
            started.elapsed().as_secs_f32(),
            Kept(&options)
        ));
        let mut replacing = JoinSet::new();
        if let Some(changes) = changes {
            replacing.spawn(changes.run(lambda.clone(), say));
        }
        Ok(Self {
            replacing,
            front,
            front_closes,
            lambda,
            back,
            engine,
            ready,
        })
    }

    /// From the front to the back, so that the `$disconnect` functions still find their table.
    async fn stop(mut self) {
        self.replacing.shutdown().await;
        self.front_closes.send_replace(true);
        // A listener whose task failed is closed as well.
        let closed = async { while self.front.join_next().await.is_some() {} };
        if timeout(GRACE, closed).await.is_err() {
            tracing::warn!("some functions were still at work after {GRACE:?} and are ended");
        }
        self.lambda.stop().await;
        drop(self.back);
        self.engine.stop().await;
        drop(self.ready);
    }
}

/// Every connection is a file, and by default a system lets a program have no more than a thousand or so, although it may
/// have many more for the asking. Whoever is refused goes on with what he has.
fn allow_many_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, files = soft, "more files than these cannot be open, and so not more connections");
    }
}

fn template_path(options: &Options) -> Result<PathBuf, StartError> {
    let current = std::env::current_dir().map_err(|error| StartError::Process(error.into()))?;
    options
        .template_path(&current)
        .ok_or(StartError::NoTemplate)
}

fn signatures(options: &Options) -> Signatures {
    if options.no_signatures {
        Signatures::Ignored
    } else {
        Signatures::Verified
    }
}

fn identity(options: &Options, listeners: &Listeners) -> Result<Identity, StartError> {
    let key_file = match &options.data {
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|source| StartError::Path {
                option: "--data",
                path: folder.clone(),
                source,
            })?;
            Some(folder.join(SIGNING_KEY))
        }
        None => None,
    };
    let identity = Identity::new(listeners.issuer(), AUDIENCE.to_owned(), key_file.as_deref())?;
    Ok(identity)
}

async fn engine(options: &Options) -> Result<Engine, StartError> {
    // One that runs already keeps its items itself; signing keys stay in the folder all the same.
    let data = match options.dynamodb {
        Choice::Url(_) => None,
        Choice::Embedded | Choice::Local => options.data.as_deref(),
    };
    Ok(Engine::start(options.dynamodb.clone(), data).await?)
}

fn page(web: PathBuf, listeners: &Listeners, stack: &Stack) -> Router {
    if !web.is_dir() {
        say(format_args!(
            "There is no page: {} is no folder, see --web",
            web.display()
        ));
    }
    let stage = stack.websocket_api.as_ref().map(|api| api.stage.clone());
    let endpoints = page::Endpoints {
        http_port: listeners.http.port,
        ws_port: listeners.ws.port,
        stage: stage.unwrap_or_default(),
    };
    page::router(web, endpoints)
}

/// Without such an API nothing listens, and connections are refused.
fn serve_websocket_api(
    front: &mut JoinSet<()>,
    stack: &Stack,
    access: Access,
    connections: Connections,
    lambda: &Lambda,
    listeners: Vec<TcpListener>,
    closed: watch::Receiver<bool>,
) -> Result<(), StartError> {
    if let Some(api) = &stack.websocket_api {
        let router = websocket::router(
            Arc::new(api.clone()),
            access,
            lambda.clone(),
            connections.clone(),
        )?;
        front.spawn(websocket::serve(listeners, router, connections, closed));
    }
    Ok(())
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

/// The signals that end a program in an orderly way.
struct End {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl End {
    fn awaited() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn asked_for(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// What a template holds, in a few words.
struct Summary<'a>(&'a Stack);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let stack = self.0;
        f.write_str(&count(stack.functions.len(), "function"))?;
        if let Some(api) = &stack.websocket_api {
            write!(f, ", {}", count(api.routes.len(), "WebSocket route"))?;
        }
        if let Some(api) = &stack.http_api {
            write!(f, ", {}", count(api.routes.len(), "HTTP route"))?;
        }
        write!(f, ", {}", count(stack.tables.len(), "table"))
    }
}

/// Where the items are, because losing them by surprise is the worst that a local run can do.
struct Kept<'a>(&'a Options);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.dynamodb, &self.0.data) {
            (Choice::Url(url), _) => write!(f, "at {url}"),
            (_, Some(folder)) => write!(f, "kept in {}", folder.display()),
            (_, None) => f.write_str(
                "in memory and ends with this program, unless --data DIR says where to keep it",
            ),
        }
    }
}

/// One paragraph for the person at the terminal. One who has closed it misses nothing.
fn say(text: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

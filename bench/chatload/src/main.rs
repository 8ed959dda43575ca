//! A load generator for real-time chat servers. Each run prints one line of JSON.
//!
//! Latency is measured inside this one process, which sends and receives.

mod adapter;
mod context;
mod net;
mod scenarios;

use std::{process::ExitCode, sync::Arc, time::Instant};

use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

use context::{Context, Population, round};
use net::tree_usage;
use scenarios::{burst, catch_up, echo, fan_out, http, idle, load, storm};

#[derive(Parser)]
struct Options {
    /// The wire protocol: confab or django
    #[arg(long, default_value = "confab")]
    adapter: String,
    /// host:port of the WebSocket server
    #[arg(long)]
    base: String,
    /// host:port of the HTTP server, if it is another one
    #[arg(long)]
    http: Option<String>,
    /// Users, their tokens and conversations, as bench/scenarios writes them
    #[arg(long)]
    population: String,
    /// NAME=PID whose process tree's processor time and memory to report; repeatable
    #[arg(long)]
    watch: Vec<String>,
    /// Bytes of padding in each message
    #[arg(long, default_value_t = 64)]
    payload: usize,
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Scenario {
    /// One message at a time between two participants
    Echo {
        #[arg(long, default_value_t = 2000)]
        count: usize,
    },
    /// Every conversation keeps `window` messages in flight
    Closed {
        #[arg(long, default_value_t = 50)]
        conversations: usize,
        #[arg(long, default_value_t = 2)]
        window: usize,
        #[arg(long, default_value_t = 8)]
        seconds: u64,
    },
    /// Messages at a total rate; latency counts from the scheduled time
    Open {
        #[arg(long, default_value_t = 50)]
        conversations: usize,
        #[arg(long)]
        rate: f64,
        #[arg(long, default_value_t = 8)]
        seconds: u64,
    },
    /// One message after another to `receivers` connections of one room
    FanOut {
        #[arg(long)]
        receivers: usize,
        #[arg(long, default_value_t = 50)]
        count: usize,
    },
    /// `connects` connections, all at once or `parallel` at a time, `rounds` times
    Storm {
        #[arg(long, default_value_t = 1000)]
        connects: usize,
        /// 0: all at once
        #[arg(long, default_value_t = 0)]
        parallel: usize,
        /// Each round after the first begins as soon as the last one's connections are dropped
        #[arg(long, default_value_t = 1)]
        rounds: usize,
    },
    /// The server's memory with idle connections
    Idle {
        #[arg(long, value_delimiter = ',', default_value = "1000,5000")]
        steps: Vec<usize>,
    },
    /// One sender writes `count` messages as fast as its socket takes them
    Burst {
        #[arg(long, default_value_t = 2000)]
        count: usize,
        #[arg(long, default_value_t = 50)]
        receivers: usize,
    },
    /// A client that was away reads everything that it missed
    CatchUp {
        #[arg(long, default_value_t = 1000)]
        count: usize,
    },
    /// `clients` post by HTTP, one message after another each
    Http {
        #[arg(long, default_value_t = 500)]
        count: usize,
        #[arg(long, default_value_t = 1)]
        clients: usize,
    },
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(options).await {
        Ok(result) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<Value, String> {
    raise_descriptor_limit()?;
    let context = context(&options)?;
    let watched = watched(&options.watch)?;
    let before: Vec<_> = watched.iter().map(|(_, pid)| tree_usage(*pid)).collect();
    let own_before = tree_usage(std::process::id());
    let busy_before = net::machine_busy();
    let started = Instant::now();

    let mut result = match options.scenario {
        Scenario::Echo { count } => echo::run(context, count).await,
        Scenario::Closed {
            conversations,
            window,
            seconds,
        } => load::run(context, conversations, load::Pace::Window(window), seconds).await,
        Scenario::Open {
            conversations,
            rate,
            seconds,
        } => load::run(context, conversations, load::Pace::Rate(rate), seconds).await,
        Scenario::FanOut { receivers, count } => fan_out::run(context, receivers, count).await,
        Scenario::Storm {
            connects,
            parallel,
            rounds,
        } => storm::run(context, connects, parallel, rounds).await,
        Scenario::Idle { steps } => idle::run(context, steps, &watched).await,
        Scenario::Burst { count, receivers } => burst::run(context, count, receivers).await,
        Scenario::CatchUp { count } => catch_up::run(context, count).await,
        Scenario::Http { count, clients } => http::run(context, count, clients).await,
    }?;

    let wall = started.elapsed().as_secs_f64();
    let own = tree_usage(std::process::id()).cpu_s - own_before.cpu_s;
    let mut others = net::machine_busy() - busy_before - own;
    result["wall_s"] = json!(round(wall));
    result["generator_cpu_s"] = json!(round(own));
    for ((name, pid), before) in watched.iter().zip(before) {
        let now = tree_usage(*pid);
        others -= now.cpu_s - before.cpu_s;
        result[format!("{name}_cpu_s")] = json!(round(now.cpu_s - before.cpu_s));
        result[format!("{name}_rss_mb")] = json!(round(now.rss_mb));
    }
    // Processor time of processes that are not part of the measurement, in cores.
    result["other_cores"] = json!(round(others / wall));
    Ok(result)
}

fn context(options: &Options) -> Result<Context, String> {
    Ok(Context {
        adapter: adapter::by_name(&options.adapter)?,
        base: options.base.clone(),
        http: options.http.clone().unwrap_or(options.base.clone()),
        population: Arc::new(Population::read(&options.population)?),
        tag: rand::random(),
        padding: "x".repeat(options.payload),
        started: Instant::now(),
    })
}

fn watched(arguments: &[String]) -> Result<Vec<(String, u32)>, String> {
    arguments
        .iter()
        .map(|argument| {
            let (name, pid) = argument.split_once('=')?;
            Some((name.to_owned(), pid.parse().ok()?))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| "--watch takes NAME=PID".to_owned())
}

fn raise_descriptor_limit() -> Result<(), String> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_err(|error| error.to_string())
}

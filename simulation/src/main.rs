//! `cargo run --release -p simulation -- --seeds 1000` runs simulations; see README.md.

use std::{
    fs, panic,
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use simulation::{Item, Limits, Mutant, Parameters, report, run, run_all, running, shrink};

/// Runs the chat with injected faults and checks the guarantees. Exits with 1 if a promise is
/// broken, or if a mutant is not found.
#[derive(Parser)]
struct Arguments {
    /// Runs only this seed, and prints its result.
    #[arg(long, conflicts_with = "mutants")]
    seed: Option<u64>,
    /// The number of seeds to run.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// The number of concurrent runs. Default: the number of processors.
    #[arg(long)]
    threads: Option<usize>,
    /// The number of messages in a run. Default, as for the next three: drawn from the seed.
    #[arg(long)]
    messages: Option<u64>,
    /// The number of devices.
    #[arg(long)]
    clients: Option<u64>,
    /// The number of conversations.
    #[arg(long)]
    conversations: Option<u64>,
    /// The seconds in which devices act and faults are injected.
    #[arg(long)]
    seconds: Option<u64>,
    /// Runs with this mutant, which takes out one safeguard.
    #[arg(long, value_parser = Mutant::named)]
    mutant: Option<Mutant>,
    /// Runs each mutant, and prints after how many seeds it is found.
    #[arg(long, conflicts_with_all = ["mutant", "seeds"])]
    mutants: bool,
    /// The time limit for finding one mutant and for shortening one run, in seconds.
    #[arg(long, default_value_t = 60)]
    patience: u64,
    /// Runs only these actions and faults of a seed, as printed for a shortened run.
    #[arg(long, requires = "seed", value_delimiter = ',', value_parser = item)]
    only: Option<Vec<Item>>,
    /// Prints every step of the run of a seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Writes the history of a seed's run to this file, for the checker.
    #[arg(long, requires = "seed")]
    history: Option<PathBuf>,
}

fn item(text: &str) -> Result<Item, std::num::ParseIntError> {
    u32::from_str_radix(text, 16).map(Item)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let report_panic = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        report_panic(panic);
        eprintln!(
            "in the run of: cargo run --release -p simulation -- {}",
            running()
        );
    }));
    let is_good = if arguments.mutants {
        every_mutant_is_found(&arguments)
    } else if let Some(seed) = arguments.seed {
        one_seed(&arguments, seed)
    } else {
        many_seeds(&arguments)
    };
    ExitCode::from(u8::from(!is_good))
}

impl Arguments {
    fn parameters(&self, seed: u64) -> Parameters {
        Parameters {
            seed,
            messages: self.messages,
            clients: self.clients,
            conversations: self.conversations,
            seconds: self.seconds,
            only: self
                .only
                .as_ref()
                .map(|only| only.iter().copied().collect()),
            mutant: self.mutant,
        }
    }

    fn threads(&self) -> usize {
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(processors)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}

fn one_seed(arguments: &Arguments, seed: u64) -> bool {
    let parameters = arguments.parameters(seed);
    let outcome = run(&parameters, arguments.trace);
    for line in &outcome.trace {
        println!("{line}");
    }
    if let Some(file) = &arguments.history {
        let lines: Result<Vec<_>, _> = outcome.history.iter().map(serde_json::to_string).collect();
        let written = lines
            .map_err(std::io::Error::from)
            .and_then(|lines| fs::write(file, lines.join("\n") + "\n"));
        if let Err(problem) = written {
            eprintln!("cannot write {}: {problem}", file.display());
        }
    }
    println!("{}", outcome.counts);
    if outcome.broken.is_empty() {
        println!("no violation");
        return true;
    }
    print!("{}", report::broken(&outcome));
    if parameters.only.is_none() {
        let shrunk = shrink(&parameters, &outcome, arguments.patience());
        print!(
            "{}",
            shrunk.as_ref().map_or_else(String::new, report::shrunk)
        );
    }
    false
}

fn many_seeds(arguments: &Arguments) -> bool {
    let began = Instant::now();
    let seeds = arguments.first..arguments.first.saturating_add(arguments.seeds);
    let limits = Limits {
        broken: 3,
        time: Duration::from_hours(24),
    };
    let total = run_all(&arguments.parameters(0), seeds, arguments.threads(), limits);
    println!("{}", report::total(&total, began.elapsed()));
    for (parameters, outcome) in total.broken.values() {
        println!("seed {} ({})", parameters.seed, parameters.options());
        print!("{}", report::broken(outcome));
    }
    match total.broken.values().next() {
        None => println!("no violation"),
        Some((parameters, outcome)) => {
            let shrunk = shrink(parameters, outcome, arguments.patience());
            print!(
                "{}",
                shrunk.as_ref().map_or_else(String::new, report::shrunk)
            );
        }
    }
    total.broken.is_empty()
}

fn every_mutant_is_found(arguments: &Arguments) -> bool {
    println!(
        "| safeguard taken out | promise broken | seeds | seconds |\n| --- | --- | ---: | ---: |"
    );
    let mut all = true;
    for mutant in Mutant::all() {
        let began = Instant::now();
        let parameters = Parameters {
            mutant: Some(mutant),
            ..arguments.parameters(0)
        };
        let limits = Limits {
            broken: 1,
            time: arguments.patience(),
        };
        let total = run_all(
            &parameters,
            arguments.first..u64::MAX,
            arguments.threads(),
            limits,
        );
        println!("{}", report::mutant(mutant, &total, began.elapsed()));
        all &= !total.broken.is_empty();
    }
    all
}

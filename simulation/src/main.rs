//! `cargo run --release -p simulation -- --seeds 1000`: see README.md.

use std::{
    fs, panic,
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use simulation::{Item, Limits, Mutant, Parameters, report, run, run_all, running, shrink};

/// Runs the chat under every fault, and judges it. Exits with 1 if a promise was broken, or if a mutant was not found.
#[derive(Parser)]
struct Arguments {
    /// Runs only this seed, and shows how it ended.
    #[arg(long, conflicts_with = "mutants")]
    seed: Option<u64>,
    /// How many seeds are run.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Runs that go on at once; left out: as many as there are processors.
    #[arg(long)]
    threads: Option<usize>,
    /// Messages that are written in a run; left out, like the three below: as the seed has it.
    #[arg(long)]
    messages: Option<u64>,
    /// Devices.
    #[arg(long)]
    clients: Option<u64>,
    /// Conversations.
    #[arg(long)]
    conversations: Option<u64>,
    /// Seconds of a run in which things are done and go wrong.
    #[arg(long)]
    seconds: Option<u64>,
    /// Takes out this safeguard.
    #[arg(long, value_parser = Mutant::named)]
    mutant: Option<Mutant>,
    /// Takes out each safeguard by itself, and shows how soon that is found.
    #[arg(long, conflicts_with_all = ["mutant", "seeds"])]
    mutants: bool,
    /// Seconds that are spent on finding one mutant, and on shortening a story.
    #[arg(long, default_value_t = 60)]
    patience: u64,
    /// What happens in the run of a seed, and nothing else: as the end of a story names it.
    #[arg(long, requires = "seed", value_delimiter = ',', value_parser = item)]
    only: Option<Vec<Item>>,
    /// Prints everything that happens in the run of a seed.
    #[arg(long, requires = "seed")]
    story: bool,
    /// Writes the history of the run of a seed, for the checker.
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
    let is_well = if arguments.mutants {
        every_mutant_is_found(&arguments)
    } else if let Some(seed) = arguments.seed {
        one_seed(&arguments, seed)
    } else {
        many_seeds(&arguments)
    };
    ExitCode::from(u8::from(!is_well))
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
    let outcome = run(&parameters, arguments.story);
    for line in &outcome.story {
        println!("{line}");
    }
    if let Some(file) = &arguments.history {
        let lines: Result<Vec<_>, _> = outcome.history.iter().map(serde_json::to_string).collect();
        let written = lines
            .map_err(std::io::Error::from)
            .and_then(|lines| fs::write(file, lines.join("\n") + "\n"));
        if let Err(problem) = written {
            eprintln!("{}: {problem}", file.display());
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
            shrunk.as_ref().map_or_else(String::new, report::story)
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
                shrunk.as_ref().map_or_else(String::new, report::story)
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

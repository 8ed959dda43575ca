//! `checker FILE…` prints a verdict on each history.

use std::{fs, path::PathBuf, process::ExitCode};

use checker::{history, judge};
use clap::Parser;

/// Checks recorded histories of chats. Exits with 1 if a guarantee is broken, and with 2 if a
/// history cannot be checked.
#[derive(Parser)]
struct Arguments {
    /// Histories as JSON lines; see checker/README.md for the format.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let mut worst = 0;
    for file in Arguments::parse().files {
        let text = fs::read_to_string(&file).map_err(|error| error.to_string());
        let verdict = text.and_then(|text| {
            let records = history::read(&text).map_err(|error| error.to_string())?;
            judge(&records).map_err(|error| error.to_string())
        });
        let file = file.display();
        match verdict {
            Ok(verdict) => {
                println!("{file}: {verdict}");
                worst = worst.max(u8::from(!verdict.violations.is_empty()));
            }
            Err(problem) => {
                eprintln!("{file}: {problem}");
                worst = 2;
            }
        }
    }
    ExitCode::from(worst)
}

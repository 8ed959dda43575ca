//! Inputs that grow: each is a pattern that an attacker would repeat. Doubling the pattern must not
//! take more than 2.5 times the steps.

mod cases;

use crate::{steps, targets};

pub use cases::all;

/// By how much the steps may grow if the pattern doubles, in tenths.
const MOST_TENTHS: u64 = 25;
/// Fewer steps are mostly the fixed part.
const TOO_LITTLE: u64 = 100_000;
/// No input is longer, in bytes.
const LONGEST: usize = 256 * 1024;
/// No case takes more steps than this at its first size.
const MOST_AT_FIRST: u64 = 50_000_000;

/// One way to grow.
pub struct Case {
    /// The target that parses the input.
    pub target: &'static str,
    /// What grows.
    pub name: &'static str,
    /// The largest number of repetitions.
    pub most: usize,
    /// Makes the input that repeats the pattern so many times.
    pub input: Box<dyn Fn(usize) -> Vec<u8>>,
}

/// Doubles a pattern until its input is as long as it gets. Aborts if the steps grow by more than
/// 2.5 times at any doubling; returns the last growth in percent.
pub fn check(case: &Case) -> u64 {
    let run = targets::named(case.target).run;
    // Whatever is set up once must not count.
    run(&(case.input)(1));
    let mut growth = 100;
    let mut before = None;
    let counts = (4..).map(|power| 1_usize << power);
    for count in counts.take_while(|count| *count <= case.most) {
        let input = (case.input)(count);
        if input.len() > LONGEST {
            break;
        }
        steps::limit(before.map_or(MOST_AT_FIRST, |steps: u64| {
            (steps * MOST_TENTHS / 10).max(TOO_LITTLE)
        }));
        run(&input);
        let now = steps::done();
        steps::unlimited();
        if let Some(before) = before {
            growth = 100 * now / before;
        }
        before = Some(now.max(1));
    }
    growth
}

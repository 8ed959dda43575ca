//! Checks every case of growth, each in a process of its own: a case that fails aborts.
//!
//! `growth` checks all of them, `growth TEXT` those whose target or name contains the text, and
//! `growth --case TARGET NAME` one of them in this process.

use std::{
    env,
    process::{Command, ExitCode},
};

use fuzz::growth::{Case, all, check};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, target, name] = arguments.as_slice()
        && flag == "--case"
    {
        let mut cases = all().into_iter();
        let case = cases.find(|case| case.target == target && case.name == name);
        let growth = check(&case.expect("a case of this target and name"));
        println!("{growth:4} %  {target}, {name}");
        return ExitCode::SUCCESS;
    }
    let text = arguments.first().map_or("", String::as_str);
    let cases = all().into_iter();
    let failed: Vec<Case> = cases
        .filter(|case| case.target.contains(text) || case.name.contains(text))
        .filter(|case| !passes(case))
        .collect();
    for Case { target, name, .. } in &failed {
        println!("FAILED: {target}, {name}");
    }
    ExitCode::from(u8::from(!failed.is_empty()))
}

fn passes(case: &Case) -> bool {
    let this = env::current_exe().expect("the path of this program");
    let status = Command::new(this)
        .args(["--case", case.target, case.name])
        .status();
    status.expect("a process for the case").success()
}

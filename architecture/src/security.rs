//! The tables of `docs/security.md`: each threat names what shows that it is held, and the named
//! tests exist.

use std::{collections::BTreeSet, fs, path::Path};

use crate::sources::{read, root};

/// Folders with Rust tests.
const FOLDERS: [&str; 8] = [
    "checker",
    "fuzz",
    "functions",
    "harness",
    "model",
    "shared",
    "simulation",
    "architecture",
];

#[test]
fn every_threat_is_shown_by_tests_that_exist() {
    let document = read("docs/security.md");
    let functions = functions_of_the_workspace();
    let (mut rows, mut missing) = (0, Vec::new());
    for line in document.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches(['|', ' ']).split(" | ").collect();
        let [threat, held_by, shown_by] = cells[..] else {
            assert!(line.contains("**open**"), "not three cells: {line}");
            continue;
        };
        if threat == "threat" || threat == "---" {
            continue;
        }
        rows += 1;
        assert!(!held_by.is_empty() && !shown_by.is_empty(), "{line}");
        let named = shown_by.split('`').skip(1).step_by(2);
        missing.extend(
            named
                .filter(|name| !functions.contains(*name) && !root().join(name).exists())
                .map(str::to_owned),
        );
    }
    assert!(rows > 40, "{rows} rows");
    assert_eq!(missing, [""; 0], "docs/security.md names them");
}

/// Returns the names of all functions in the Rust files of the workspace.
fn functions_of_the_workspace() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in FOLDERS {
        add_functions(&root().join(folder), &mut names);
    }
    names
}

fn add_functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            add_functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let rests = text.split("fn ").skip(1);
            names.extend(
                rests
                    .filter_map(|rest| rest.split_once('('))
                    .map(|(name, _)| name.split('<').next().unwrap_or(name).to_owned()),
            );
        }
    }
}

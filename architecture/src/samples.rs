//! The lists of sample events and of functions.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{between, file_names, read, sample_events};

/// Functions by the names of the sample events for them.
type Samples = BTreeMap<String, String>;

#[test]
fn every_sample_event_is_in_the_readme() {
    assert_eq!(names(&samples_of_the_readme()), events());
}

#[test]
fn every_sample_event_has_an_expected_response() {
    assert_eq!(names(&samples_with_a_response()), events());
}

#[test]
fn the_lists_of_sample_events_name_the_same_functions() {
    let samples = samples_of_the_readme();
    assert_eq!(samples_with_a_response(), samples);
    let functions: BTreeSet<_> = samples.into_values().collect();
    assert_eq!(functions, file_names("functions"));
}

#[test]
fn every_function_is_measured_with_an_event_of_its_own() {
    let script = read("bench/functions");
    let samples = samples_of_the_readme();
    let mut measured = BTreeSet::new();
    for line in between(&script, "FIRST_EVENT = {\n", "}").lines() {
        let words: Vec<_> = line.split('"').collect();
        let [_, function, _, event, _] = words[..] else {
            panic!("bench/functions: {line:?} is not one function and its event");
        };
        assert_eq!(
            samples.get(event).map(String::as_str),
            Some(function),
            "bench/functions: the function of events/{event}.json"
        );
        measured.insert(function.to_owned());
    }
    assert_eq!(
        measured,
        file_names("functions"),
        "bench/functions and functions/"
    );
}

/// Reads the rows of the table: ``| `file.json` | `function` | response |``.
fn samples_of_the_readme() -> Samples {
    let readme = read("events/README.md");
    let rows = readme.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('`').collect();
        let ["| ", file, " | ", function, ..] = cells[..] else {
            return None;
        };
        Some((file.strip_suffix(".json")?.to_owned(), function.to_owned()))
    });
    rows.collect()
}

/// Reads the elements of the array: `["file", "function", expected]`.
fn samples_with_a_response() -> Samples {
    let script = read("e2e/tools/sample_events.js");
    let array = between(&script, "SAMPLE_EVENTS = [", "\n];");
    let elements = array.split('[').filter_map(|element| {
        let mut texts = element.trim_start().strip_prefix('"')?.split('"');
        Some((texts.next()?.to_owned(), texts.nth(1)?.to_owned()))
    });
    elements.collect()
}

fn names(samples: &Samples) -> BTreeSet<String> {
    samples.keys().cloned().collect()
}

fn events() -> BTreeSet<String> {
    sample_events().into_keys().collect()
}

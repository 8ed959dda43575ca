//! Readers of the files that the tests compare.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use harness::{
    stack::Stack,
    template::{self, DynamicValues, Local},
};
use serde_json::Value;

/// Returns the folder of the workspace's manifest.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Reads a file of the workspace.
pub fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns the part of `text` after `start` and before the next `end`.
pub fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("the file has no {start:?}"));
    let (part, _) = rest
        .split_once(end)
        .unwrap_or_else(|| panic!("nothing ends {start:?}"));
    part
}

/// Returns the texts in double quotes, in code without escapes.
pub fn quoted(code: &str) -> BTreeSet<String> {
    code.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Returns the first cells of the rows of a Markdown table, without its head.
pub fn first_cells(table: &str) -> impl Iterator<Item = &str> {
    table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .filter(|cell| cell.starts_with('`'))
}

/// Reads the template as a local run does.
pub fn stack() -> Stack {
    let local = Local {
        origins: "http://localhost:3000".to_owned(),
        issuer: "http://127.0.0.1:3000/.local".to_owned(),
        cognito_issuer: String::new(),
        http_endpoint: String::new(),
        audience: "local-development".to_owned(),
        sqs_endpoint: String::new(),
        dynamic_values: DynamicValues::default(),
    };
    template::load(
        &root().join("infra/template.yaml"),
        &local,
        &BTreeMap::new(),
    )
    .unwrap()
}

/// Returns the keys of the WebSocket routes that are actions, without `$connect` and the like.
pub fn actions() -> BTreeSet<String> {
    let routes = stack().websocket_api.unwrap().routes.into_keys();
    routes.filter(|key| !key.starts_with('$')).collect()
}

/// Returns the names of the core's files of routes.
pub fn routes_of_the_core() -> BTreeSet<String> {
    let mut routes = file_names("shared/chat/src/routes");
    assert!(routes.remove("mod"));
    routes
}

/// Returns the sample events by file name.
pub fn sample_events() -> BTreeMap<String, Value> {
    let mut names = file_names("events");
    // README.md and local.env are not events.
    assert!(names.remove("README") && names.remove("local"));
    names
        .into_iter()
        .map(|name| {
            let text = fs::read_to_string(root().join(format!("events/{name}.json"))).unwrap();
            let event = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("events/{name}.json: {error}"));
            (name, event)
        })
        .collect()
}

/// Returns the names of the files and folders in a folder, without extensions.
pub fn file_names(folder: &str) -> BTreeSet<String> {
    fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        })
        .collect()
}

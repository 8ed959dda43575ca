//! One name per route in all places: its action, its file in the core, its event in `events/`, its route in the
//! template; and one per function: its folder, its binary, its logical id.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use harness::{
    stack::{Code, Stack},
    template::{self, Local},
};
use serde_json::Value;

use crate::workspace::root;

#[test]
fn every_route_has_a_file_in_the_core_and_a_sample_event() {
    let stack = stack();
    let routes = routes_of_the_core();
    let events = events();
    for (key, route) in stack.websocket_api.unwrap().routes {
        let name = snake_case(key.trim_start_matches('$'));
        let is_of_the_handshake = key == "$connect" || key == "$disconnect";
        assert!(
            route.replies != is_of_the_handshake,
            "{key} needs a RouteResponse to be answered"
        );
        assert!(
            routes.contains(&name),
            "{key} has no shared/chat/src/routes/{name}.rs"
        );
        let event = events.get(&name);
        let event = event.unwrap_or_else(|| panic!("{key} has no events/{name}.json"));
        assert_eq!(
            event["requestContext"]["routeKey"], *key,
            "events/{name}.json"
        );
    }
    for name in &routes {
        let http = format!("rest_{name}");
        assert!(
            events.contains_key(name) || events.contains_key(&http),
            "shared/chat/src/routes/{name}.rs has neither events/{name}.json nor events/{http}.json"
        );
    }
}

#[test]
fn every_sample_event_is_for_a_route_of_the_template() {
    let stack = stack();
    let websocket: BTreeSet<String> = stack.websocket_api.unwrap().routes.into_keys().collect();
    let http: BTreeSet<String> = stack
        .http_api
        .unwrap()
        .routes
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let routes = routes_of_the_core();
    for (file, event) in events() {
        if file.starts_with("authorizer_") {
            continue;
        }
        let key = event["requestContext"]["routeKey"].as_str().unwrap();
        let known = if file.starts_with("rest_") {
            &http
        } else {
            &websocket
        };
        assert!(
            known.contains(key),
            "events/{file}.json is for {key}, which the template does not have"
        );
        // What follows the route's name tells samples of one route apart: send_message_invalid.
        let name = file.trim_start_matches("rest_");
        let is_of = |route: &String| {
            name == route
                || name
                    .strip_prefix(route.as_str())
                    .is_some_and(|rest| rest.starts_with('_'))
        };
        assert!(
            routes.iter().any(is_of),
            "events/{file}.json begins with no route's name"
        );
    }
}

#[test]
fn every_function_is_called_the_same_everywhere() {
    let declared: BTreeMap<String, String> = stack()
        .functions
        .into_values()
        .map(|function| match function.code {
            Code::Cargo { binary, .. } => (function.logical_id, binary),
            Code::Bootstrap(folder) => panic!(
                "{} is not built but taken from {folder:?}",
                function.logical_id
            ),
        })
        .collect();
    let expected: BTreeMap<String, String> = file_names("functions")
        .into_iter()
        .map(|folder| (format!("{}Function", upper_camel_case(&folder)), folder))
        .collect();
    assert_eq!(
        declared, expected,
        "logical ids and binaries by the folders in functions/"
    );
}

fn stack() -> Stack {
    let local = Local {
        origins: "http://localhost:3000".to_owned(),
        issuer: "http://127.0.0.1:3000/.local".to_owned(),
        audience: "local-development".to_owned(),
    };
    template::load(
        &root().join("infra/template.yaml"),
        &local,
        &BTreeMap::new(),
    )
    .unwrap()
}

fn routes_of_the_core() -> BTreeSet<String> {
    let mut routes = file_names("shared/chat/src/routes");
    assert!(routes.remove("mod"));
    routes
}

fn events() -> BTreeMap<String, Value> {
    let mut names = file_names("events");
    // The only files that are no events: README.md and local.env.
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

/// Names of the files and folders in a folder, without extensions.
fn file_names(folder: &str) -> BTreeSet<String> {
    fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        })
        .collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn upper_camel_case(name: &str) -> String {
    name.split('_')
        .map(|word| word[..1].to_ascii_uppercase() + &word[1..])
        .collect()
}

//! The places that list the routes of the template: functions, documents, the client and the
//! simulation.

use std::collections::{BTreeMap, BTreeSet};

use harness::stack::WebSocketTarget;
use heck::{ToLowerCamelCase as _, ToSnakeCase as _};

use crate::sources::{actions, between, file_names, first_cells, quoted, read, stack};

#[test]
fn every_function_serves_the_actions_that_the_template_routes_to_it() {
    let mut routed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, route) in stack().websocket_api.unwrap().routes {
        let WebSocketTarget::Function(function) = route.target else {
            panic!("{key} calls no function");
        };
        let function = function.trim_end_matches("Function").to_snake_case();
        if !key.starts_with('$') {
            routed.entry(function).or_default().insert(key);
        }
    }
    let mut served = BTreeMap::new();
    for function in file_names("functions") {
        let main = read(&format!("functions/{function}/src/main.rs"));
        if main.contains("run_messages::<(") {
            let routes = between(&main, "run_messages::<(", ")");
            let routes = routes
                .split(',')
                .map(|route| route.trim().to_lower_camel_case());
            let routes: BTreeSet<_> = routes.filter(|route| !route.is_empty()).collect();
            if !routes.is_empty() {
                served.insert(function, routes);
            }
        }
    }
    assert_eq!(served, routed, "functions/*/src/main.rs and template");
}

#[test]
fn the_asyncapi_document_has_an_operation_for_every_action() {
    let document = read("docs/asyncapi.yaml");
    let operations = between(&document, "\noperations:\n", "\ncomponents:\n");
    let mut received = BTreeSet::new();
    let mut name = "";
    for line in operations.lines() {
        if line == "    action: receive" {
            received.insert(name.to_owned());
        } else if let Some(key) = line.strip_prefix("  ").and_then(|it| it.strip_suffix(':')) {
            name = key;
        }
    }
    assert_eq!(received, actions(), "docs/asyncapi.yaml and template");
}

#[test]
fn the_protocol_document_lists_every_action() {
    let document = read("docs/protocol.md");
    let table = between(&document, "| action | fields | reply |\n", "\n\n");
    let listed: BTreeSet<_> = first_cells(table)
        .map(|cell| cell.trim_matches('`').to_owned())
        .collect();
    assert_eq!(listed, actions(), "docs/protocol.md and template");
}

#[test]
fn the_browser_client_lists_every_action() {
    let client = read("web/client/protocol.js");
    let listed = quoted(between(&client, "Action = Object.freeze({", "}"));
    assert_eq!(listed, actions(), "web/client/protocol.js and template");
}

#[test]
fn the_simulation_and_the_fakes_serve_every_action() {
    for file in [
        "simulation/src/functions.rs",
        "shared/chat/src/fakes/people.rs",
    ] {
        let code = read(file);
        let arms = code
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("Some(\""))
            .map(|arm| arm.split_once(')').unwrap().0);
        let listed: BTreeSet<_> = arms.flat_map(|arm| quoted(&format!("\"{arm}"))).collect();
        assert_eq!(listed, actions(), "{file} and template");
    }
}

#[test]
fn every_route_has_a_line_in_the_table_of_costs() {
    let stack = stack();
    let document = read("docs/cost.md");
    let table = between(&document, "| request | calls |", "\n\n");
    let priced: BTreeSet<_> = first_cells(table)
        .map(|cell| cell.split('`').nth(1).unwrap())
        .collect();
    for key in stack.websocket_api.unwrap().routes.into_keys() {
        // `$default` uses no ports.
        let is_free = key == "$default";
        assert!(
            is_free || priced.contains(&*key),
            "docs/cost.md has no line for {key}"
        );
    }
    for route in stack.http_apis.into_iter().flat_map(|api| api.routes) {
        let whole = format!("{} {}", route.method, route.path);
        let short = whole.replace("/conversations/{id}/", "…/");
        let is_priced = priced.contains(&*whole) || priced.contains(&*short);
        assert!(is_priced, "docs/cost.md has no line for {whole}");
    }
}

//! Compares names. A route has one name: as an action, as a file in the core, as a sample event and
//! in the template. A function has one name: as a folder, as a binary and as a logical id.

use std::collections::{BTreeMap, BTreeSet};

use harness::stack::Code;
use heck::{ToLowerCamelCase as _, ToSnakeCase as _, ToUpperCamelCase as _};

use crate::sources::{file_names, read, routes_of_the_core, sample_events, stack};

/// Actions that have no reply, as the table in `docs/protocol.md` says.
const SILENT: [&str; 2] = ["typing", "receipt"];

#[test]
fn the_protocol_document_says_which_actions_have_no_reply() {
    let document = read("docs/protocol.md");
    let rows = document.lines().filter_map(|line| {
        let (action, rest) = line.strip_prefix("| `")?.split_once("` |")?;
        rest.ends_with("| none |").then_some(action)
    });
    assert_eq!(rows.collect::<Vec<_>>(), SILENT);
}

#[test]
fn every_route_has_a_file_in_the_core_and_a_sample_event() {
    let stack = stack();
    let routes = routes_of_the_core();
    let events = sample_events();
    for (key, route) in stack.websocket_api.unwrap().routes {
        let name = key.trim_start_matches('$').to_snake_case();
        let is_of_the_handshake = key == "$connect" || key == "$disconnect";
        let is_silent = SILENT.contains(&key.as_str());
        assert!(
            route.replies != (is_of_the_handshake || is_silent),
            "{key}: every route needs a RouteResponse, except $connect, $disconnect and {SILENT:?}"
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
        .http_apis
        .iter()
        .flat_map(|api| &api.routes)
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let routes = routes_of_the_core();
    for (file, event) in sample_events() {
        if file.starts_with("authorizer_") || file.starts_with("user_data_") {
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
        // A suffix distinguishes the samples of one route, as in `send_message_invalid`.
        let name = file.trim_start_matches("rest_");
        let is_of = |route: &String| {
            name == route
                || name
                    .strip_prefix(route.as_str())
                    .is_some_and(|rest| rest.starts_with('_'))
        };
        assert!(
            routes.iter().any(is_of),
            "events/{file}.json does not begin with the name of a route"
        );
    }
}

#[test]
fn every_http_route_has_one_name_in_the_template_the_openapi_document_and_the_code() {
    let code = http_routes_of_the_code();
    assert!(!code.is_empty());
    assert_eq!(http_routes_of_the_template(), code, "template and code");
    assert_eq!(
        http_routes_of_the_openapi_document(),
        code,
        "OpenAPI and code"
    );
}

#[test]
fn every_function_has_one_name_as_folder_binary_and_logical_id() {
    let declared: BTreeMap<String, String> = stack()
        .functions
        .into_values()
        .map(|function| match function.code {
            Code::Cargo { binary, .. } => (function.logical_id, binary),
            Code::Bootstrap(folder) => panic!(
                "{} is not built by cargo: it uses the bootstrap in {folder:?}",
                function.logical_id
            ),
        })
        .collect();
    let expected: BTreeMap<String, String> = file_names("functions")
        .into_iter()
        .map(|folder| (format!("{}Function", folder.to_upper_camel_case()), folder))
        .collect();
    assert_eq!(
        declared, expected,
        "logical ids and binaries, and the folders in functions/"
    );
}

/// Names of HTTP routes in `lowerCamelCase`, by method and path.
type HttpRoutes = BTreeMap<String, String>;

/// Reads the rows of the list of routes: `GET "/path" from Query => Name;`.
fn http_routes_of_the_code() -> HttpRoutes {
    let rows = read("shared/chat_aws/src/rest/routes.rs");
    let rows = rows.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [method, path, "from", _, "=>", name, ..] = words[..] else {
            return None;
        };
        let path = path.strip_prefix('"')?.strip_suffix('"')?;
        let name = name.trim_end_matches([';', ',']);
        Some((format!("{method} {path}"), name.to_lower_camel_case()))
    });
    rows.collect()
}

/// Reads the events of the functions: a name with a `Method` and a `Path`.
fn http_routes_of_the_template() -> HttpRoutes {
    let mut routes = HttpRoutes::new();
    let (mut name, mut method) = (String::new(), String::new());
    for line in read("infra/template.yaml").lines() {
        if let Some(event) = line
            .strip_prefix("        ")
            .and_then(|key| key.strip_suffix(':'))
            .filter(|key| !key.starts_with(' '))
        {
            name = event.to_lower_camel_case();
        } else if let Some(value) = line.trim_start().strip_prefix("Method: ") {
            method = value.to_owned();
        } else if let Some(path) = line.trim_start().strip_prefix("Path: ") {
            routes.insert(format!("{method} {path}"), name.clone());
        }
    }
    routes
}

/// Reads the operation ids below each path and method.
fn http_routes_of_the_openapi_document() -> HttpRoutes {
    let mut routes = HttpRoutes::new();
    let (mut path, mut method) = (String::new(), String::new());
    for line in read("docs/openapi.yaml").lines() {
        let key = line.trim_start().trim_end_matches(':');
        if line.starts_with("  /") {
            path = key.to_owned();
        } else if ["get", "post", "put", "delete", "patch"].contains(&key) {
            method = key.to_uppercase();
        } else if let Some(name) = key.strip_prefix("operationId: ") {
            routes.insert(format!("{method} {path}"), name.to_owned());
        }
    }
    routes
}

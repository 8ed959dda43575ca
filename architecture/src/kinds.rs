//! The places that list the kinds of entries. The core's list is in `content.rs`.

use std::collections::BTreeSet;

use heck::ToUpperCamelCase as _;
use serde_json::Value;

use crate::sources::{between, quoted, read};

#[test]
fn the_schema_of_an_entry_lists_every_kind() {
    let schema: Value = serde_json::from_str(&read("docs/schemas/protocol.json")).unwrap();
    let shapes = schema["$defs"]["entry"]["oneOf"].as_array().unwrap();
    let listed: BTreeSet<_> = shapes
        .iter()
        .map(|shape| {
            let name = shape["$ref"]
                .as_str()
                .unwrap()
                .trim_start_matches("#/$defs/");
            let word = &schema["$defs"][name]["properties"]["event"]["const"];
            assert_eq!(word, name, "docs/schemas/protocol.json");
            name.to_owned()
        })
        .collect();
    assert_eq!(listed, kinds(), "docs/schemas/protocol.json and the core");
}

#[test]
fn the_asyncapi_document_pushes_every_kind() {
    assert_eq!(
        messages_of("push"),
        kinds(),
        "docs/asyncapi.yaml and the core"
    );
}

#[test]
fn the_protocol_document_shows_every_kind() {
    let document = read("docs/protocol.md");
    let section = between(&document, "\n## Entries\n", "\n## ");
    let shown: BTreeSet<_> = between(section, "```json\n", "```")
        .lines()
        .map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            entry["event"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(shown, kinds(), "docs/protocol.md and the core");
}

#[test]
fn the_stores_are_tested_with_every_kind() {
    let contract =
        read("shared/chat/src/contract/mod.rs") + &read("shared/chat/src/contract/log.rs");
    for kind in kinds() {
        let variant = format!("Content::{} {{", kind.to_upper_camel_case());
        assert!(
            contract.contains(&variant),
            "shared/chat/src/contract has no {kind}"
        );
    }
}

#[test]
fn the_browser_client_and_its_timeline_name_every_kind() {
    let client = read("web/client/wire.js");
    let timeline = read("web/views/timeline.js");
    // An entry with a target shows in the message that it concerns, and has no text of its own.
    assert!(timeline.contains("!line.entry.target"));
    let timeline = quoted(&timeline);
    let schema: Value = serde_json::from_str(&read("docs/schemas/protocol.json")).unwrap();
    let has_target = |kind: &str| !schema["$defs"][kind]["properties"]["target"].is_null();
    let kinds = kinds();
    for kind in &kinds {
        assert!(
            client.contains(&format!("`{kind}`")),
            "web/client/wire.js has no {kind}"
        );
        assert!(
            timeline.contains(kind) || has_target(kind),
            "web/views/timeline.js has no {kind}"
        );
    }
}

#[test]
fn the_hostile_clients_know_every_pushed_frame() {
    let test = read("e2e/test/hostile.test.js");
    let known = quoted(between(&test, "PUSHED = [", "]"));
    let mut pushed = kinds();
    pushed.extend(messages_of("notify"));
    // A message has another name than its event if an action has that name.
    let signals = messages_of("signal").into_iter();
    pushed.extend(signals.map(|name| name.trim_end_matches("Push").to_owned()));
    assert_eq!(known, pushed, "e2e/test/hostile.test.js and the core");
}

/// Reads the words in the core's list: `Self::Variant { .. } => ("kind", …)`.
fn kinds() -> BTreeSet<String> {
    let core = read("shared/chat/src/domain/content.rs");
    // The second text of an arm may be a literal, too.
    let arms = between(&core, "fn identity(", "\n    }\n")
        .split("=> (")
        .skip(1);
    let kinds: BTreeSet<_> = arms
        .filter_map(|arm| arm.split('"').nth(1))
        .map(str::to_owned)
        .collect();
    assert!(kinds.contains("message"), "no kinds found: {kinds:?}");
    kinds
}

/// Returns the messages of an operation in the AsyncAPI document.
fn messages_of(operation: &str) -> BTreeSet<String> {
    let document = read("docs/asyncapi.yaml");
    let operations = between(&document, "\noperations:\n", "\ncomponents:\n");
    let mut lines = operations.lines();
    assert!(lines.any(|line| line == format!("  {operation}:")));
    lines
        .take_while(|line| line.starts_with("   "))
        .filter_map(|line| line.split_once("/messages/"))
        .map(|(_, name)| name.trim_end_matches('"').to_owned())
        .collect()
}

//! The rings: `functions → chat_aws → chat`, nothing outwards, and the harness knows none of them.

use std::{collections::BTreeSet, path::Path};

use crate::workspace::Workspace;

#[test]
fn arrows_between_our_packages_point_inwards() {
    let workspace = Workspace::read();
    let members = workspace.members();
    for (member, folder) in &members {
        let allowed: &[&str] = match folder.to_str().unwrap() {
            "shared/chat" | "harness" | "checker" | "conformance/function" => &[],
            // Its tests run on the engines that the harness starts.
            "shared/chat_aws" => &["chat", "harness"],
            "architecture" => &["harness"],
            // It judges what the real routes do, and stands outside like the checker.
            "simulation" => &["chat", "checker"],
            other if other.starts_with("functions/") => &["chat_aws", "chat"],
            other => panic!(
                "{other} has no place in the rings yet: decide what it may depend on, and say it here"
            ),
        };
        let ours: BTreeSet<_> = workspace
            .named(member)
            .into_iter()
            .filter(|name| members.contains_key(name))
            .collect();
        let outwards: Vec<_> = ours.iter().filter(|name| !allowed.contains(name)).collect();
        assert!(
            outwards.is_empty(),
            "{member} must not depend on {outwards:?}"
        );
    }
}

#[test]
fn nothing_that_is_deployed_links_the_harness() {
    let workspace = Workspace::read();
    for (member, folder) in workspace.members() {
        if folder.starts_with("functions") || folder.starts_with("shared") {
            let linked = workspace.linked_into(member);
            assert!(!linked.contains("harness"), "{member} links the harness");
        }
    }
}

#[test]
fn nothing_deployed_is_built_with_mutants() {
    let workspace = Workspace::read();
    let of_the_core = |member: &str| workspace.features_of("chat", member);
    assert!(of_the_core("simulation").contains("mutants"));
    for (member, folder) in workspace.members() {
        if folder.starts_with("functions") || folder.ends_with("chat_aws") {
            let features = of_the_core(member);
            assert!(
                features.is_empty(),
                "{member} is built with {features:?} of the core"
            );
        }
    }
}

#[test]
fn only_functions_and_their_adapter_know_aws() {
    let workspace = Workspace::read();
    for (member, folder) in workspace.members() {
        let knows = [
            Path::new("shared/chat_aws"),
            Path::new("conformance/function"),
        ];
        if folder.starts_with("functions") || knows.contains(&folder.as_path()) {
            continue;
        }
        let named = workspace.named_to_run(member);
        let aws: Vec<_> = named.iter().filter(|name| is_aws(name)).collect();
        assert!(aws.is_empty(), "{member} must not depend on {aws:?}");
    }
}

#[test]
fn the_core_links_no_aws_no_http_and_no_runtime() {
    let linked = Workspace::read();
    let linked = linked.linked_into("chat");
    assert!(
        linked.contains("serde"),
        "the core links serde, so it has to be in {linked:?}"
    );
    let foreign: Vec<_> = linked
        .iter()
        .filter(|name| is_aws(name) || is_http(name) || is_runtime(name))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?} came into the core");
}

/// `aws-lc-rs` is a library of cryptography and knows nothing of Amazon's services.
fn is_aws(name: &str) -> bool {
    let aws = ["aws-", "aws_", "lambda_"];
    aws.iter().any(|prefix| name.starts_with(prefix)) && !name.starts_with("aws-lc-")
}

fn is_http(name: &str) -> bool {
    let http = [
        "http",
        "hyper",
        "axum",
        "reqwest",
        "tower",
        "tungstenite",
        "ureq",
    ];
    http.iter().any(|prefix| name.starts_with(prefix))
}

fn is_runtime(name: &str) -> bool {
    let runtimes = ["tokio", "async-std", "smol", "mio", "async-executor"];
    runtimes.iter().any(|prefix| name.starts_with(prefix))
}

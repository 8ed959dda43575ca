//! Checks the dependencies between packages: `functions → chat_aws → chat`, never outwards. The
//! harness does not depend on any of them.

use std::{collections::BTreeSet, path::Path};

use crate::workspace::Workspace;

#[test]
fn packages_depend_only_on_inner_rings() {
    let workspace = Workspace::read();
    let members = workspace.members();
    for (member, folder) in &members {
        let allowed: &[&str] = match folder.to_str().unwrap() {
            "shared/chat" | "shared/emf" | "shared/function_log" | "checker" | "workspace-hack" => {
                &[]
            }
            "harness" | "conformance/function" => &["workspace-hack"],
            // Its tests send to the push service of the harness.
            "shared/web_push" => &["harness", "workspace-hack"],
            // Its tests run on the engines that the harness starts.
            "shared/chat_aws" => &["chat", "emf", "function_log", "harness", "workspace-hack"],
            "architecture" => &["harness"],
            // The simulation runs the real routes and, like the checker, is not deployed.
            "simulation" => &["chat", "checker"],
            other if other.starts_with("functions/") => &[
                "chat_aws",
                "chat",
                "emf",
                "function_log",
                "web_push",
                "workspace-hack",
            ],
            other => panic!(
                "{other} is not in this list: add it with the packages that it may depend on"
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
fn deployed_packages_do_not_link_the_harness() {
    let workspace = Workspace::read();
    for (member, folder) in workspace.members() {
        if folder.starts_with("functions") || folder.starts_with("shared") {
            let linked = workspace.linked_into(member);
            assert!(!linked.contains("harness"), "{member} links the harness");
        }
    }
}

#[test]
fn deployed_packages_are_built_without_mutants() {
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
fn only_functions_and_their_adapter_depend_on_aws() {
    let workspace = Workspace::read();
    for (member, folder) in workspace.members() {
        let knows = [
            Path::new("shared/chat_aws"),
            Path::new("conformance/function"),
            // Only features: no code is used from there.
            Path::new("workspace-hack"),
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
    assert!(foreign.is_empty(), "the core must not link {foreign:?}");
}

/// Whether a package is for AWS. `aws-lc-rs` is not: it is a cryptography library.
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

//! The workspace as `cargo metadata` tells it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The folder of the workspace's manifest.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// All packages and their dependencies.
pub struct Workspace(Value);

impl Workspace {
    pub fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root())
            .output()
            .unwrap();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo metadata: {problem}");
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Our own packages: their folders, relative to the root, by their names.
    pub fn members(&self) -> BTreeMap<&str, PathBuf> {
        let members = list(&self.0["workspace_members"]);
        list(&self.0["packages"])
            .iter()
            .filter(|package| members.contains(&package["id"]))
            .map(|package| {
                let manifest = Path::new(text(&package["manifest_path"]));
                let folder = manifest.strip_prefix(root()).unwrap().parent().unwrap();
                (text(&package["name"]), folder.to_owned())
            })
            .collect()
    }

    /// What a member's manifest names as dependencies, of every kind.
    pub fn named(&self, member: &str) -> BTreeSet<&str> {
        self.dependencies(member)
            .map(|dependency| text(&dependency["name"]))
            .collect()
    }

    /// The same without those for tests and for build scripts.
    pub fn named_to_run(&self, member: &str) -> BTreeSet<&str> {
        self.dependencies(member)
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| text(&dependency["name"]))
            .collect()
    }

    /// Everything that is linked into a member, directly or not.
    pub fn linked_into(&self, member: &str) -> BTreeSet<&str> {
        let nodes: BTreeMap<&str, &Value> = list(&self.0["resolve"]["nodes"])
            .iter()
            .map(|node| (text(&node["id"]), node))
            .collect();
        let mut waiting = vec![text(&self.package(member)["id"])];
        let mut found = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            let linked = list(&nodes[id]["deps"])
                .iter()
                .filter(|dependency| {
                    list(&dependency["dep_kinds"])
                        .iter()
                        .any(|kind| kind["kind"].is_null())
                })
                .map(|dependency| text(&dependency["pkg"]));
            for dependency in linked {
                if found.insert(dependency) {
                    waiting.push(dependency);
                }
            }
        }
        list(&self.0["packages"])
            .iter()
            .filter(|package| found.contains(text(&package["id"])))
            .map(|package| text(&package["name"]))
            .collect()
    }

    /// The features with which one of our packages is built into a member, when that is built by itself, without its
    /// tests; none if it is not built into it. `cargo metadata` tells only what all members together ask for.
    pub fn features_of(&self, package: &str, member: &str) -> BTreeSet<String> {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--package", member])
            .args(["--edges", "normal,build", "--prefix", "none"])
            .args(["--format", "{p} {f}"])
            .current_dir(root())
            .output()
            .unwrap();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo tree: {problem}");
        let tree = String::from_utf8(output.stdout).unwrap();
        let lines = tree
            .lines()
            .filter(|line| line.split(' ').next() == Some(package));
        // A line reads: name, version, folder in brackets, features, and a mark if it has been there before.
        let unmarked = lines.map(|line| line.trim_end_matches("(*)"));
        unmarked
            .filter_map(|line| line.rsplit_once(')'))
            .flat_map(|(_, features)| features.trim().split(','))
            .filter(|feature| !feature.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn dependencies(&self, member: &str) -> impl Iterator<Item = &Value> {
        list(&self.package(member)["dependencies"]).iter()
    }

    fn package(&self, member: &str) -> &Value {
        let is_it = |package: &&Value| package["name"] == member && package["source"].is_null();
        let package = list(&self.0["packages"]).iter().find(is_it);
        package.unwrap_or_else(|| panic!("no package is called {member}"))
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
